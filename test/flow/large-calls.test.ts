import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { endLimits, eventLimits, overLimits } from "../../src/core/call.ts";
import { explainCall, explainText } from "../../src/flow/explain/explain.ts";
import type { CallGroup } from "../../src/store/contract.ts";
import { callOf, decodedCall, deliveryOf } from "../contracts/store-samples.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

let server: TestServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.stop());

const store = () => server.parts.flow.store;
const key = (callId: string) => `acme:voys:${callId}`;
const time = (i: number) => new Date(Date.parse("2026-01-02T03:00:00.000Z") + i).toISOString();

/** A stored call that rang so many times. */
async function ringOften(callId: string, events: number): Promise<void> {
  const rang = Array.from({ length: events }, (_, i) => ({
    event: { callId, at: time(i), kind: "ringing", phase: "ringing" as const, facts: {} },
    delivery: 0,
  }));
  const call = callOf(callId, { phase: "ringing" });
  const { dueAt: _, ...open } = decodedCall(callId, { call, state: "open", events: rang });
  await store().saveDecoded("acme", [], [open]);
}

type Message = { callId: string; status?: string; at?: number; more?: object };

/** Webhooks that were acknowledged, in this order; resolves when all are decoded. */
async function receive(...messages: Message[]): Promise<void> {
  for (const { callId, status = "ringing", at = 5_000, more } of messages) {
    const body = {
      ...{ call_id: callId, timestamp: time(at).replace("Z", "000+00:00"), status, version: "v2" },
      ...{ direction: "inbound", caller: { number: "+31501234567", account_number: null, user_numbers: [] } },
      destination: { number: "+31507654321", targets: [] },
      ...(status === "ended" && { reason: "completed" }),
      ...more,
    };
    await store().append(deliveryOf(JSON.stringify(body)));
  }
  await decoded();
}

const decoded = () =>
  waitFor("all to be decoded", async () => (await store().newDeliveries("acme", 1)).length === 0);

async function callAt(callId: string): Promise<CallGroup> {
  const group = await store().call(key(callId));
  if (!group) throw new Error(`there is no call ${callId}`);
  return group;
}

const rings = (callId: string, from: number, count: number): Message[] =>
  Array.from({ length: count }, (_, i) => ({ callId, at: from + i }));

describe("a call with more events than are kept with one", () => {
  test("takes no more, still ends, and is one activity; other calls go on, also after a restart", async () => {
    await ringOften("full", eventLimits.events - 2);
    await receive(...rings("full", 5_000, 6));
    expect((await callAt("full")).events).toHaveLength(eventLimits.events);
    const unused = await store().unusedDeliveries(10, "acme");
    expect(unused.map(({ fault }) => fault)).toEqual([overLimits, overLimits, overLimits, overLimits]);
    await server.restart();
    await receive({ callId: "full", status: "ended", at: 9_000 }, ...rings("full", 9_001, 3), {
      callId: "next",
      status: "ended",
    });
    const { row, events } = await callAt("full");
    expect([row.call.phase, events.length]).toEqual(["ended", eventLimits.events + 1]);
    await waitFor("both activities", () => server.crm().activities.length === 2);
    const keys = server.crm().activities.map((activity) => activity["key"]);
    expect(keys.sort()).toEqual([key("full"), key("next")]);
    const explained = await explainCall(store(), key("full"));
    expect(explained?.limited).toBe(overLimits);
    expect(explained && explainText(explained)).toContain(overLimits);
    expect(await explainCall(store(), key("next"))).not.toHaveProperty("limited");
  });

  test("is not read again for what comes beyond", async () => {
    await ringOften("full", eventLimits.events);
    const { groupsOf } = store();
    let read = 0;
    store().groupsOf = async (...asked) => {
      const groups = await groupsOf(...asked);
      read += groups.reduce((sum, { events }) => sum + events.length, 0);
      return groups;
    };
    await receive(...rings("full", 5_000, 40));
    expect(read).toBe(0);
  });

  test("is the same call after a replay of all that came for it", async () => {
    await ringOften("full", eventLimits.events - 3);
    await receive(...rings("full", 5_000, 6), { callId: "full", status: "ended", at: 9_000 });
    const before = await callAt("full");
    const deliveries = await store().deliveriesIn({ installation: "acme" }, 0, 100);
    await store().replay(
      deliveries.map(({ id }) => id),
      Date.now(),
    );
    await decoded();
    const after = await callAt("full");
    expect(after.row.call).toEqual(before.row.call);
    expect(after.events.map(({ at }) => at).sort()).toEqual(before.events.map(({ at }) => at).sort());
  });

  test("is not joined with another: both stay as they are", async () => {
    await ringOften("one", eventLimits.events - 10);
    await ringOften("other", 20);
    await receive({ callId: "one", at: 9_000, more: { merged_id: "other" } });
    expect((await callAt("one")).events).toHaveLength(eventLimits.events - 10);
    expect((await callAt("other")).row.state).toBe("open");
    expect((await store().unusedDeliveries(10, "acme")).map(({ fault }) => fault)).toEqual([overLimits]);
  });
});

describe("a call with more bytes of events than are kept with one", () => {
  const transcript = "User: hello there, how are you\n".repeat(60_000);

  async function analyzed(callId: string, count: number): Promise<void> {
    for (let i = 0; i < count; i += 1) {
      const call = {
        ...{ call_id: callId, from_number: "+31612345678", to_number: "+31201234567", direction: "inbound" },
        ...{ start_timestamp: 1795903000000, end_timestamp: 1795903600000, duration_ms: 600000 },
        ...{ transcript: `${transcript}${i}`, disconnection_reason: "user_hangup" },
      };
      const body = { event: "call_analyzed", event_timestamp: 1795903000000 + i, call };
      const place = { provider: "retell", url: "/webhooks/acme/retell" };
      await store().append(deliveryOf(JSON.stringify(body), place));
    }
    await decoded();
  }

  test("keeps those that fit, and is one activity", async () => {
    await analyzed("big", 10);
    const group = await store().call("acme:retell:big");
    const bytes = Buffer.byteLength(JSON.stringify(group?.events));
    expect(bytes).toBeGreaterThan(eventLimits.bytes / 2);
    expect(bytes).toBeLessThan(endLimits.bytes + 1_000);
    expect((await store().unusedDeliveries(10, "acme")).at(0)?.fault).toBe(overLimits);
    await waitFor("its activity", () => server.crm().activities.length === 1);
  });

  test("large calls are not all in memory at once", async () => {
    for (const callId of ["a", "b", "c"]) await analyzed(callId, 4);
    const { groupsOf } = store();
    const read: number[] = [];
    store().groupsOf = async (...asked) => {
      const groups = await groupsOf(...asked);
      read.push(Buffer.byteLength(JSON.stringify(groups.map(({ events }) => events))));
      return groups;
    };
    const small = (callId: string) => ({ event: "call_ended", call: { call_id: callId, agent_id: "a" } });
    const place = { provider: "retell", url: "/webhooks/acme/retell" };
    await Promise.all(
      ["a", "b", "c"].map((callId) => store().append(deliveryOf(JSON.stringify(small(callId)), place))),
    );
    await decoded();
    expect(Math.max(...read)).toBeLessThan(endLimits.bytes);
  });
});
