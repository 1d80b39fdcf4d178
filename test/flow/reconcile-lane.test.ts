import { type ExotelEmulator, startExotel } from "@switchhook/emulators/exotel";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SimulatedCall } from "../../src/core/provider.ts";
import { reconcileLane } from "../../src/server/reconcile-lane.ts";
import { type AskingWorld, openWorld } from "../support/asking-world.ts";

const minute = 60_000;
let at: number;
let exotel: ExotelEmulator;
let world: AskingWorld;
const warnings: { reason: string; againInMs: number }[] = [];

beforeEach(async () => {
  at = Date.parse("2026-11-02T08:00:00.000Z");
  exotel = await startExotel({ now: () => at });
  const log = { warn: (facts: object) => void warnings.push(facts as (typeof warnings)[number]) };
  world = openWorld({ provider: "exotel", own: exotel.settings, now: () => at, log });
  await world.sync();
});
afterEach(async () => {
  await world.end();
  await exotel.stop();
  warnings.length = 0;
});

const lost = (id: string): SimulatedCall => ({
  ...{ id, direction: "inbound", customer: "+919876543210", line: "+918047112200", agent: "ravi" },
  startedAt: new Date(at - 10 * minute).toISOString(),
  ...{ ringSeconds: 4, talkSeconds: 61, outcome: "completed" },
});
const laneOf = (appended = () => {}, isTakeOver = false) =>
  reconcileLane({ flow: world.flow, installation: world.acme(), appended, isTakeOver });
const lists = () => exotel.requests.filter(({ kind }) => kind === "calls").length;

test("asks at once after a start and then every quarter of an hour, and has what came decoded", async () => {
  let appended = 0;
  const work = laneOf(() => {
    appended += 1;
  });
  exotel.place(lost("one"));
  const { signal } = new AbortController();
  await work(signal);
  expect([lists(), appended]).toEqual([1, 1]);
  await world.workOff();
  for (let minutes = 1; minutes < 15; minutes += 1) {
    at += minute;
    expect(await work(signal)).toBeLessThanOrEqual(at + 15 * minute);
  }
  const before = lists();
  at += minute;
  await work(signal);
  expect(lists()).toBeGreaterThan(before);
  expect(appended).toBe(1);
});

test("finds a long call that no list had while it went on, and of which no webhook came", async () => {
  const work = laneOf();
  const { signal } = new AbortController();
  exotel.place({ ...lost("long"), talkSeconds: 3.5 * 3_600 });
  for (let quarters = 0; quarters < 22; quarters += 1) {
    await work(signal);
    await world.workOff();
    at += 15 * minute;
  }
  expect(world.activities()).toMatchObject([{ key: "acme:exotel:long", durationSeconds: 3.5 * 3_600 }]);
});

test("waits for webhooks that came and were not read yet: they may tell it all", async () => {
  const call = lost("one");
  exotel.place(call);
  await world.takeAll(world.script(call));
  const work = laneOf(() => expect.fail("nothing was missed"));
  const { signal } = new AbortController();
  expect(await work(signal)).toBe(at + 1_000);
  expect(lists()).toBe(0);
  await world.workOff();
  at += 1_000;
  await work(signal);
  expect(lists()).toBe(1);
});

test("leaves a provider alone for as long as that asks for, and says so", async () => {
  const work = laneOf();
  const { signal } = new AbortController();
  exotel.faults.add({ type: "status", status: 429, headers: { "retry-after": "300" } });
  await work(signal);
  expect(warnings).toMatchObject([{ againInMs: 300_000, reason: expect.stringMatching(/429/) }]);
  const asked = exotel.requests.length;
  at += 4 * minute;
  await work(signal);
  expect(exotel.requests.length).toBe(asked);
  exotel.faults.clear();
  exotel.place(lost("one"));
  at += 2 * minute;
  await work(signal);
  await world.workOff();
  expect(world.activities()).toHaveLength(1);
});

test("tries wrong credentials again every quarter of an hour only", async () => {
  await world.end();
  const own = { ...exotel.settings, apiToken: "another" };
  const log = { warn: (facts: object) => void warnings.push(facts as (typeof warnings)[number]) };
  world = openWorld({ provider: "exotel", own, now: () => at, log });
  const work = laneOf();
  const { signal } = new AbortController();
  for (let minutes = 0; minutes < 60; minutes += 1) {
    await work(signal);
    at += minute;
  }
  expect(warnings).toHaveLength(4);
  expect(warnings[0]?.reason).toMatch(/credentials/);
});

test("an instance that takes over does not poll again what was polled lately", async () => {
  const { signal } = new AbortController();
  await laneOf()(signal);
  const before = lists();
  at += 5 * minute;
  const other = laneOf(() => {}, true);
  expect(await other(signal)).toBe(at + 10 * minute);
  expect(lists()).toBe(before);
  at += 10 * minute;
  await other(signal);
  expect(lists()).toBeGreaterThan(before);
});
