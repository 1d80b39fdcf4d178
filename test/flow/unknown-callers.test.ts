import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import type { SimulatedCall } from "../../src/core/provider.ts";
import { explainCall } from "../../src/flow/explain/explain.ts";
import { inboundCall, scriptOf, sendAll, settledActivities, synced } from "../support/calls.ts";
import { writeCrm } from "../support/crm-files.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
afterEach(() => server.stop());

const stranger = "+31687654321";

async function start(settings: object = {}): Promise<void> {
  server = await startServer({ settings });
  await synced(server);
}

async function tell(given: Partial<SimulatedCall> & { id: string }): Promise<void> {
  await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", given)));
}

function activityOf(id: string): Record<string, unknown> | undefined {
  return server.crm().activities.find(({ key }) => key === `acme:voys:${id}`);
}

function newContacts(): Record<string, unknown>[] {
  return server.crm().contacts.slice(2);
}

describe("a caller nobody knows", () => {
  const missed = { customer: stranger, outcome: "no-answer", talkSeconds: 0 } as const;

  test.each([
    ["never", "neither", []],
    ["answered", "the answered call", ["answered"]],
    ["always", "both calls", ["missed", "answered"]],
  ])("with unknownCallers %s becomes a contact for %s", async (unknownCallers, _, linked) => {
    await start({ unknownCallers });
    await tell({ id: "missed", ...missed, customer: "+31687654322" });
    await settledActivities(server);
    await tell({ id: "answered", customer: stranger });
    await settledActivities(server, 2);
    const hasContact = ["missed", "answered"].filter((id) => activityOf(id)?.["contactId"] !== undefined);
    expect(hasContact).toEqual(linked);
    expect(newContacts()).toHaveLength(linked.length);
  });

  test("is known from the first answered call on", async () => {
    await start({ unknownCallers: "answered" });
    await tell({ id: "first", customer: stranger });
    await settledActivities(server);
    const [made] = newContacts();
    expect(made).toMatchObject({ phones: [stranger], source: "phone call" });
    await tell({ id: "second", ...missed, customer: "06 87654321" });
    await settledActivities(server, 2);
    expect(activityOf("second")).toMatchObject({ contactId: made?.["id"] });
    expect(newContacts()).toHaveLength(1);
    const explanation = await explainCall(server.parts.flow.store, "acme:voys:first");
    expect(explanation?.contact.reason).toBe("no contact has this number, so it was created");
  });

  test("who calls several times at once becomes one contact", async () => {
    await start({ unknownCallers: "always", settleSeconds: 1 });
    const ids = ["a", "b", "c", "d"];
    await Promise.all(ids.map((id) => tell({ id, customer: stranger })));
    await settledActivities(server, ids.length);
    const [made, ...more] = newContacts();
    expect(more).toEqual([]);
    expect(ids.map((id) => activityOf(id)?.["contactId"])).toEqual(ids.map(() => made?.["id"]));
  });

  test("whose new contact a person deleted is not made again by late news of that call", async () => {
    await start({ unknownCallers: "always" });
    const script = scriptOf(server, "retell", inboundCall("retell", { id: "once", customer: stranger }));
    await sendAll(server, "retell", script.slice(0, -1));
    await settledActivities(server);
    const file = server.crm();
    writeCrm(server.crmFile, { ...file, contacts: file.contacts.slice(0, 2) });
    await sendAll(server, "retell", script.slice(-1));
    const [activity] = await settledActivities(server);
    expect(activity).toHaveProperty("summary");
    expect(newContacts()).toEqual([]);
  });
});

describe("a missed call", () => {
  const missed = { id: "missed", customer: "+31612345678", outcome: "no-answer", talkSeconds: 0 } as const;

  test("is logged with its own outcome and one follow-up for the owner", async () => {
    await start();
    await tell(missed);
    await settledActivities(server);
    expect(activityOf("missed")).toMatchObject({ outcome: "no-answer", contactId: "2", ownerId: "12" });
    expect(server.crm().tasks).toEqual([
      expect.objectContaining({ contactId: "2", ownerId: "12", subject: "Call back Piet de Vries" }),
    ]);
  });

  test("has one follow-up after more events, a restart and a replay", async () => {
    await start();
    await tell(missed);
    await settledActivities(server);
    await server.restart();
    const { store, now } = server.parts.flow;
    const deliveries = await store.deliveriesIn({ key: "acme:voys:missed" }, 0, 100);
    await store.replay(
      deliveries.map(({ id }) => id),
      now(),
    );
    server.parts.received("acme");
    await tell({ ...missed, startedAt: new Date(Date.now() - 95_000).toISOString() });
    await settledActivities(server);
    const history = (await explainCall(store, "acme:voys:missed"))?.history ?? [];
    expect(history.length).toBeGreaterThan(1);
    expect(server.crm().activities).toHaveLength(1);
    expect(server.crm().tasks).toHaveLength(1);
  });

  test("whose follow-up a person deleted gets no second one", async () => {
    await start();
    await tell(missed);
    await settledActivities(server);
    writeCrm(server.crmFile, { ...server.crm(), tasks: [] });
    await tell({ ...missed, startedAt: new Date(Date.now() - 200_000).toISOString() });
    await settledActivities(server);
    const explanation = await explainCall(server.parts.flow.store, "acme:voys:missed");
    expect(explanation?.history).toHaveLength(2);
    expect(server.crm().tasks ?? []).toEqual([]);
  });

  test("has no follow-up when somebody talked, or when the company was the one who called", async () => {
    await start();
    await tell({ ...missed, id: "answered", outcome: "completed", talkSeconds: 30 });
    await tell({ ...missed, id: "outbound", direction: "outbound" });
    await settledActivities(server, 2);
    expect(server.crm().tasks ?? []).toEqual([]);
  });
});

describe("a call between colleagues", () => {
  const { requests } = JSON.parse(
    readFileSync(join(import.meta.dirname, "../fixtures/voys/internal.json"), "utf8"),
  ) as { requests: { body: { call_id: string } }[] };

  async function tellAll(): Promise<string> {
    for (const { body } of requests) {
      const response = await fetch(`${server.url}/webhooks/acme/voys?key=voys-secret`, {
        method: "POST",
        body: JSON.stringify(body),
      });
      expect(response.status).toBe(200);
    }
    await settledActivities(server, 0);
    return `acme:voys:${requests[0]?.body.call_id}`;
  }

  test("is not logged, and says how it would be", async () => {
    await start();
    const explanation = await explainCall(server.parts.flow.store, await tellAll());
    expect(explanation?.state).toBe("ignored");
    expect(explanation?.status).toContain("set logInternalCalls to log these");
    expect(server.crm().activities).toEqual([]);
  });

  test("is logged when the installation asks for it", async () => {
    await start({ logInternalCalls: true });
    await tellAll();
    expect(server.crm().activities).toEqual([expect.objectContaining({ direction: "internal" })]);
  });
});
