import { startHubspot } from "@switchhook/emulators/hubspot";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import type { ListedCalls } from "../../src/routes/call-pages.ts";
import type { ListedFailures } from "../../src/routes/failures.ts";
import type { Retry, RetryPlan } from "../../src/routes/retries.ts";
import { inboundCall, scriptOf, sendAll } from "../support/calls.ts";
import { salesforceWorld } from "../support/crm-worlds.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

const refusal = (name: string) => ({
  type: "status" as const,
  status: 400,
  match: "upsert",
  body: {
    status: "error",
    category: "VALIDATION_ERROR",
    message: `Property values were not valid: [{"isValid":false,"message":"x was not one of the allowed options: [A]","error":"INVALID_OPTION","name":"${name}"}]`,
  },
});

let hubspot: Awaited<ReturnType<typeof startHubspot>>;
let server: TestServer;
beforeAll(async () => {
  hubspot = await startHubspot({ limits: false, region: "NL" });
  const crm = { type: "hubspot", token: hubspot.token, apiUrl: hubspot.url };
  server = await startServer({ settings: { crm } });
});
afterAll(async () => {
  await server.stop();
  await hubspot.stop();
});
beforeEach(() => hubspot.faults.clear());

async function ask<T>(
  path: string,
  method = "GET",
  body?: unknown,
  at = server,
): Promise<{ status: number; body: T }> {
  const answer = await fetch(`${at.url}/api/${path}`, {
    method,
    ...(body !== undefined && {
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    }),
  });
  return { status: answer.status, body: (await answer.json()) as T };
}

async function refuse(count: number, field: string): Promise<void> {
  const dead = async () =>
    (await server.parts.flow.store.counts()).find(({ state }) => state === "dead")?.calls ?? 0;
  const before = await dead();
  hubspot.faults.add(refusal(field));
  for (let n = 0; n < count; n += 1)
    await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys")));
  await waitFor(`${count} dead calls`, async () => (await dead()) === before + count);
  hubspot.faults.clear();
}

const groups = async () => (await ask<ListedFailures>("dead/groups")).body;
const ended = (id: string, at = server) =>
  waitFor("the retry to end", async () => {
    const { body } = await ask<Retry>(`retries/${id}`, "GET", undefined, at);
    return body.endedAt !== undefined && body;
  });

test("dead calls are grouped by their reason, hidden until another comes, and retried by group", async () => {
  await refuse(3, "hs_call_status");
  await refuse(1, "hs_call_direction");
  const { items } = await groups();
  expect(items).toMatchObject([
    {
      ...{ problem: "option", count: 3, installations: [{ name: "acme", count: 3 }] },
      cure: { kind: "mapping", place: "hs_call_status" },
      sentence: expect.stringContaining("hs_call_status"),
      sample: expect.stringMatching(/^acme:voys:/),
    },
    { count: 1, cure: { place: "hs_call_direction" } },
  ]);
  const [status, direction] = items.map(({ group }) => group);
  const calls = (await ask<ListedCalls>(`calls?state=dead&group=${status}&limit=2`)).body;
  expect(calls.items).toHaveLength(2);
  const rest = (await ask<ListedCalls>(`calls?group=${status}&cursor=${calls.next}`)).body;
  expect([rest.items.length, rest.next]).toEqual([1, undefined]);
  expect((await ask<ListedCalls>(`calls?state=logged&group=${status}`)).body.items).toEqual([]);

  const path = `installations/acme/ignored-failures/${direction}`;
  expect((await ask(path, "PUT")).status).toBe(200);
  expect((await groups()).items.map(({ group }) => group)).toEqual([status]);
  expect((await groups()).ignored.map(({ group }) => group)).toEqual([direction]);
  await refuse(1, "hs_call_direction");
  expect((await groups()).items.map(({ count }) => count).toSorted()).toEqual([2, 3]);
  await ask(path, "PUT");
  expect((await ask(path, "DELETE")).status).toBe(200);
  expect((await ask(path, "DELETE")).status).toBe(404);
  expect((await ask("installations/acme/ignored-failures/0123456789ab", "PUT")).status).toBe(404);

  const filter = { installation: "acme", group: status };
  const plan = await ask<RetryPlan>("retries?plan=1", "POST", filter);
  expect([plan.status, plan.body]).toEqual([200, { matches: 3, isPartial: false }]);
  const begun = await ask<Retry>("retries", "POST", filter);
  expect([begun.status, begun.body.total]).toEqual([201, 3]);
  expect(await ended(begun.body.id)).toMatchObject({ state: "done", total: 3, logged: 3, left: 0, dead: 0 });
  expect((await groups()).items).toMatchObject([{ group: direction, count: 2 }]);
  expect(hubspot.people.calls()).toHaveLength(3);
  const audit = (await ask<{ items: { action: string; object?: string }[] }>("audit?limit=5")).body.items;
  expect(audit.filter(({ action }) => action === "POST /api/retries")).toMatchObject([
    { object: begun.body.id, installation: "acme" },
  ]);
  expect((await ask(`retries/${begun.body.id}`, "DELETE")).status).toBe(409);
});

test("what the CRM refuses again is not retried again, and a restart in the middle changes nothing", async () => {
  await refuse(4, "hs_call_title");
  hubspot.faults.add(refusal("hs_call_title"));
  const { body } = await ask<Retry>("retries", "POST", { installation: "acme" });
  await server.restart();
  const { total, logged, dead } = await ended(body.id);
  expect([total, logged, dead]).toEqual([6, 0, 6]);
  expect((await ask<{ items: Retry[] }>("retries?installation=acme")).body.items[0]).toMatchObject({
    dead: 6,
  });
});

test("a cancelled one leaves what was not retried; the next one takes the rest", async () => {
  const world = await salesforceWorld({});
  const big = await startServer({ settings: { crm: world.settings } });
  onTestFinished(async () => {
    await big.stop();
    await world.emulator.stop();
  });
  const { store } = big.parts.flow;
  const deadCalls = async () => (await store.deadCalls({ installation: "acme", limit: 500 })).length;
  const heal = world.org.people.addRule({
    object: "Task",
    refuses: () => true,
    code: "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    message: "Status: bad value for restricted picklist field: Completed",
  });
  for (let n = 0; n < 150; n += 1) await sendAll(big, "voys", scriptOf(big, "voys", inboundCall("voys")));
  await waitFor("150 dead calls", async () => (await deadCalls()) === 150);
  heal();
  const back = world.fail();
  const { body: first } = await ask<Retry>("retries", "POST", {}, big);
  await waitFor(
    "the first calls to wait",
    async () => (await ask<Retry>(`retries/${first.id}`, "GET", undefined, big)).body.waiting > 0,
  );
  const cancelled = await ask<Retry>(`retries/${first.id}`, "DELETE", undefined, big);
  expect(cancelled.body).toMatchObject({
    ...{ state: "cancelled", total: 150, waiting: 100, cancelled: 50, left: 0 },
  });
  back();
  await store.hurry("acme", Date.now());
  big.parts.wake("acme");
  expect(await ended(first.id, big)).toMatchObject({ logged: 100, cancelled: 50, total: 150 });
  expect([await deadCalls(), world.calls().length]).toEqual([50, 100]);
  const { body: second } = await ask<Retry>("retries", "POST", {}, big);
  expect(await ended(second.id, big)).toMatchObject({ state: "done", logged: 50, total: 50 });
  expect([await deadCalls(), world.calls().length]).toEqual([0, 150]);
}, 90_000);

test.each([
  [{ installation: "nobody" }, 404],
  [{ group: "everything" }, 400],
  [{ state: "logged" }, 400],
  [{ limit: 5 }, 400],
])("a retry of %j is refused with %d", async (body, status) => {
  expect((await ask("retries", "POST", body)).status).toBe(status);
});
