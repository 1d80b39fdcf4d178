import { expect, test } from "vitest";
import { callKey } from "../../src/core/call.ts";
import type { CallRecord, FieldValue } from "../../src/core/crm.ts";
import type { Delivery, Provider } from "../../src/core/provider.ts";
import { changesOf, planReplay, type ReplayPage } from "../../src/flow/explain/replay.ts";
import { inboundCall, scriptOf, sendAll, settledActivities } from "../support/calls.ts";
import { startServer, type TestServer } from "../support/server.ts";

const record: CallRecord = {
  key: "acme:voys:1",
  activityId: "1",
  fields: { subject: "new", seconds: 61, first: "now", note: "new" },
  modes: { subject: "always", seconds: "always", first: "once", note: "if-empty" },
  ours: { subject: ["older", "old"], seconds: ["61"], first: ["then"], note: ["old"] },
};
const saved = (detail: object) => ({ at: 1, step: "updated", detail: { activity: "1", ...detail } });

test("compares with what was written last, as loosely as CRMs give it back", () => {
  expect(changesOf(record, [])).toEqual([{ field: "subject", from: "old", to: "new" }]);
});

test("counts everything for a call that the CRM does not have", () => {
  const { activityId: _, ...unsaved } = { ...record, ours: {} };
  expect(changesOf(unsaved, []).map(({ field }) => field)).toEqual(["subject", "seconds", "first", "note"]);
});

test("tells what a person changed and keeps", () => {
  const history = [saved({ kept: ["subject"] }), { at: 2, step: "later", detail: { reason: "away" } }];
  expect(changesOf(record, history)).toEqual([{ field: "subject", from: "old", to: "new", kept: true }]);
  expect(changesOf(record, [...history, saved({})])).toEqual([{ field: "subject", from: "old", to: "new" }]);
});

test("includes the contact and the owner, and any name of a field", () => {
  const odd = { ...record, fields: { constructor: "x" as FieldValue }, ours: { contactId: ["7"] } };
  const changes = changesOf({ ...odd, contact: { id: "8", kind: "contact" }, ownerId: "2" }, []);
  expect(changes).toEqual([
    { field: "constructor", to: "x" },
    { field: "contactId", from: "7", to: "8" },
    { field: "ownerId", to: "2" },
  ]);
});

test("shows what a mended decoder would change, and which deliveries it could not read", async () => {
  const server = await startServer({});
  try {
    await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", { id: "first" })));
    await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", { id: "second" })));
    await settledActivities(server, 2);
    const { voys } = server.parts.providers;
    if (!voys) throw new Error("no voys");
    const mended = (delivery: Delivery) => {
      if (Buffer.from(delivery.body).includes("second")) throw new Error("not readable any more");
      return voys
        .decode(delivery)
        .map((event) => ({ ...event, facts: { ...event.facts, summary: "Mended." } }));
    };
    const pages = await plan(server, { ...voys, decode: mended });
    const calls = pages.flatMap((page) => page.calls);
    expect(calls.map(({ key }) => key)).toEqual([callKey("acme", "voys", "first")]);
    expect(calls[0]).toMatchObject({
      plan: "changed",
      changes: [{ field: "transcriptUrl" }, { field: "summary", to: "Mended." }],
    });
    expect(pages.flatMap(({ unreadable }) => unreadable).map(({ reason }) => reason)).toEqual(
      Array.from({ length: 4 }, () => "not readable any more"),
    );
    expect((await plan(server, voys)).flatMap((page) => page.calls)).toMatchObject([
      { plan: "unchanged", changes: [] },
      { plan: "unchanged", changes: [] },
    ]);
  } finally {
    await server.stop();
  }
});

async function plan({ parts }: TestServer, voys: Provider): Promise<ReplayPage[]> {
  const installation = parts.installations.get("acme");
  if (!installation) throw new Error("no acme");
  const pages: ReplayPage[] = [];
  for await (const page of planReplay(parts.flow, installation, { voys }, {})) pages.push(page);
  return pages;
}
