import { afterEach, expect, test } from "vitest";
import { inboundCall, scriptOf, send, settledActivities, synced } from "../support/calls.ts";
import { writeCrm } from "../support/crm-files.ts";
import { createClock } from "../support/crm-turns.ts";
import { type CrmWorld, worldNames, worlds } from "../support/crm-worlds.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

let server: TestServer;
let world: CrmWorld | undefined;
afterEach(async () => {
  await server.stop();
  await world?.emulator.stop();
  world = undefined;
});

const noDuration = "The provider did not send a duration.";
const time = (second: number) =>
  new Date(Date.now() - 300_000 + second * 1_000).toISOString().slice(0, 19).replace("T", " ");
const common = {
  From: "09876543210",
  Direction: "inbound",
  DateCreated: time(0),
  StartTime: time(0),
};
/** What Exotel may tell of one call, in the order in which it happened. */
const told = {
  answered: { ...common, EventType: "answered", Status: "in-progress", DateUpdated: time(5) },
  ended: {
    ...common,
    EventType: "terminal",
    Status: "completed",
    DateUpdated: time(130),
    EndTime: time(130),
  },
  counted: {
    ...common,
    EventType: "terminal",
    Status: "completed",
    DateUpdated: time(131),
    EndTime: time(130),
    ConversationDuration: "120",
  },
};
type Told = keyof typeof told;

async function tell(id: string, which: Told): Promise<void> {
  const { store } = server.parts.flow;
  const response = await fetch(`${server.url}/webhooks/acme/exotel?key=exotel-secret`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...told[which], CallSid: id }),
  });
  expect(response.status).toBe(200);
  await waitFor(`${which} to be taken in`, async () => {
    const row = (await store.call(`acme:exotel:${id}`))?.row;
    const isSent = row?.call.phase !== "ended" || (row.state === "logged" && row.dueAt === undefined);
    return row && isSent && (await store.newDeliveries("acme", 1)).length === 0;
  });
}

function permutations<T>(all: readonly T[]): T[][] {
  if (all.length === 0) return [[]];
  return all.flatMap((one, i) => permutations(all.toSpliced(i, 1)).map((rest) => [one, ...rest]));
}

/** What stands in the CRM of each call, without what differs between any two calls. */
const ownNames =
  /^(id|Id|key|hs_object_id|SystemModstamp|hs_lastmodifieddate|hs_createdate|(Created|LastModified)Date|\w+DateTime)$/;

function standing(fields: Record<string, unknown>, id: string): Record<string, unknown> {
  const kept = Object.entries(fields).filter(
    ([name, value]) => !ownNames.test(name) && value !== "" && value !== null && value !== undefined,
  );
  return JSON.parse(JSON.stringify(Object.fromEntries(kept)).replaceAll(id, "the-call"));
}

test.each(["local", ...worldNames] as const)(
  "%s: what stands there in the end does not depend on the order of arrival",
  async (name) => {
    const clock = createClock();
    if (name !== "local") world = await worlds[name](clock.now);
    server = await startServer({ settings: { region: "IN", ...(world && { crm: world.settings }) } });
    await synced(server);
    const orders = permutations(Object.keys(told) as Told[]);
    for (const [i, order] of orders.entries()) for (const one of order) await tell(`call-${i}-x`, one);
    const all: { key: string; fields: Record<string, unknown> }[] = world
      ? world.calls().map(({ key, all }) => ({ key, fields: JSON.parse(all) }))
      : server.crm().activities.map((fields) => ({ key: String(fields["key"]), fields }));
    expect(all).toHaveLength(orders.length);
    const [first, ...others] = orders.map((_, i) => {
      const found = all.find(({ key }) => key.endsWith(`call-${i}-x`));
      return standing(found?.fields ?? {}, `call-${i}-x`);
    });
    for (const other of others) expect(other).toEqual(first);
    expect(JSON.stringify(first)).not.toContain(noDuration);
    expect(JSON.stringify(first)).toContain("120");
  },
  60_000,
);

test("what a person wrote over a value that we no longer have stays", async () => {
  server = await startServer({ settings: { region: "IN" } });
  await synced(server);
  await tell("a", "ended");
  await tell("b", "ended");
  const mapping = (await settledActivities(server, 2)).map((activity) => activity["notes"]);
  expect(mapping).toEqual([expect.stringContaining(noDuration), expect.stringContaining(noDuration)]);
  const file = server.crm();
  const [a, b] = file.activities;
  const edited = { ...file, activities: [{ ...a, notes: "Wants a quote" }, b] };
  writeCrm(server.crmFile, edited);
  await tell("a", "counted");
  await tell("b", "counted");
  const after = await settledActivities(server, 2);
  expect(after).toMatchObject([{ notes: "Wants a quote", durationSeconds: 120 }, { durationSeconds: 120 }]);
  expect(after[1]?.["notes"] ?? "").not.toContain(noDuration);
});

test.each(["local", ...worldNames] as const)(
  "%s: a talk time is emptied when the conversation turns out to have been with a voicemail",
  async (name) => {
    if (name !== "local") world = await worlds[name](createClock().now);
    server = await startServer(world ? { settings: { crm: world.settings } } : {});
    await synced(server);
    const call = inboundCall("retell", { id: "call", direction: "outbound", talkSeconds: 47 });
    const script = scriptOf(server, "retell", call);
    const key = "acme:retell:call";
    const isLogged = async () => {
      const row = (await server.parts.flow.store.call(key))?.row;
      return row?.state === "logged" && row.dueAt === undefined;
    };
    const fields = () => (world ? (world.calls()[0]?.all ?? "") : JSON.stringify(server.crm().activities));
    for (const request of script.slice(0, -1)) await send(server, "retell", request);
    await waitFor("the call", isLogged);
    expect(fields()).toMatch(/"(durationSeconds|hs_call_duration|CallDurationInSeconds)":"?47/);
    const last = script.at(-1);
    const body = Buffer.from(last?.body ?? "")
      .toString()
      .replace('"in_voicemail":false', '"in_voicemail":true');
    if (last) await send(server, "retell", { ...last, body: Buffer.from(body) });
    await waitFor("the voicemail", async () => (await isLogged()) && /voicemail left/i.test(fields()));
    expect(fields()).not.toMatch(/"(durationSeconds|hs_call_duration|CallDurationInSeconds)":"?\d/);
  },
);
