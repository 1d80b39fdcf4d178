import { afterEach, beforeEach, expect, test } from "vitest";
import type { SimulatedCall } from "../../src/core/provider.ts";
import { explainCall } from "../../src/flow/explain/explain.ts";
import { type AskingWorld, openWorld } from "../support/asking-world.ts";

const hour = 3_600_000;
const key = "acme:voys:silent";
let at: number;
let world: AskingWorld;

const call = (): SimulatedCall => ({
  ...{ id: "silent", direction: "inbound", customer: "+31612345678", line: "+31201234567", agent: "201" },
  ...{ startedAt: new Date(at).toISOString(), ringSeconds: 4, talkSeconds: 61, outcome: "completed" },
});

beforeEach(async () => {
  at = Date.parse("2026-11-02T08:00:00.000Z");
  world = openWorld({ provider: "voys", own: { secret: "voys-secret" }, now: () => at });
  await world.sync();
});
afterEach(() => world.end());

test("a call of a provider without an API that never ends is closed after six hours, and says so", async () => {
  await world.takeAll(world.script(call()).filter(({ afterSeconds }) => afterSeconds < 60));
  await world.workOff();
  at += 5.9 * hour;
  expect(await world.ask()).toMatchObject({ closed: 0 });
  expect(world.activities()).toEqual([]);
  at += 0.2 * hour;
  expect(await world.ask()).toMatchObject({ closed: 1 });
  expect(world.activities()).toMatchObject([{ key, contactId: "3", outcome: "unknown" }]);
  const explained = await explainCall(world.flow.store, key);
  expect(explained?.call.reason).toMatch(/unknown end: nobody told it within 6 hours/);
  expect(explained?.call).not.toHaveProperty("endedAt");
  expect(await world.ask()).toMatchObject({ closed: 0 });
});

test("an end that comes after all completes the same activity", async () => {
  const script = world.script(call());
  await world.takeAll(script.filter(({ afterSeconds }) => afterSeconds < 60));
  await world.workOff();
  at += 7 * hour;
  await world.ask();
  await world.takeAll(script.filter(({ afterSeconds }) => afterSeconds >= 60));
  await world.workOff();
  expect(world.activities()).toMatchObject([{ key, outcome: "completed", durationSeconds: 61 }]);
  expect(world.activities()).toHaveLength(1);
});

test("the closing is kept as a delivery, and replayed like any other", async () => {
  await world.take(world.script(call())[0] ?? expect.fail());
  await world.workOff();
  at += 7 * hour;
  await world.ask();
  const explained = await explainCall(world.flow.store, key);
  expect(explained?.deliveries.map(({ kind }) => kind)).toContain("unknown_end");
  await world.flow.store.replay(
    (explained?.deliveries ?? []).map(({ id }) => id),
    at,
  );
  await world.workOff();
  expect(world.activities()).toMatchObject([{ key, outcome: "unknown" }]);
  expect(world.activities()).toHaveLength(1);
});
