import { type ExotelEmulator, startExotel } from "@switchhook/emulators/exotel";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ProviderError } from "../../src/core/errors.ts";
import type { SimulatedCall } from "../../src/core/provider.ts";
import { explainCall } from "../../src/flow/explain/explain.ts";
import { lastPolled } from "../../src/flow/lost-webhooks/reconcile.ts";
import { type AskingWorld, openWorld } from "../support/asking-world.ts";

const minute = 60_000;
const hour = 60 * minute;
let at: number;
let exotel: ExotelEmulator;
let world: AskingWorld;
const warnings: unknown[][] = [];

const key = (id: string) => `acme:exotel:${id}`;

function callAt(ms: number, id: string, given: Partial<SimulatedCall> = {}): SimulatedCall {
  const startedAt = new Date(ms).toISOString();
  return {
    ...{
      id,
      direction: "inbound",
      customer: "+919876543210",
      line: "+918047112200",
      agent: "ravi",
      startedAt,
    },
    ...{ ringSeconds: 4, talkSeconds: 61, outcome: "completed" },
    ...given,
  } as SimulatedCall;
}

beforeEach(async () => {
  at = Date.parse("2026-11-02T08:00:00.000Z");
  exotel = await startExotel({ now: () => at, recordingsAt: "https://recordings.exotel.example" });
  const log = { error: (...line: unknown[]) => void warnings.push(line) };
  world = openWorld({ provider: "exotel", own: exotel.settings, now: () => at, log });
  await world.sync();
});
afterEach(async () => {
  await world.end();
  await exotel.stop();
  warnings.length = 0;
});

describe("a call whose webhooks all got lost", () => {
  test("is logged once, however often the provider is asked, and explains where it came from", async () => {
    exotel.place(callAt(at - 30 * minute, "lost"));
    expect(await lastPolled(world.flow, "acme", "exotel")).toBeUndefined();
    expect(await world.ask()).toMatchObject({ missed: 1 });
    expect(await lastPolled(world.flow, "acme", "exotel")).toBe(at);
    at += 15 * minute;
    expect(await world.ask()).toMatchObject({ missed: 0, mended: 0 });
    expect(world.activities()).toMatchObject([
      {
        key: key("lost"),
        contactId: "1",
        ownerId: "11",
        durationSeconds: 61,
        outcome: "completed",
        direction: "inbound",
      },
    ]);
    const explained = await explainCall(world.flow.store, key("lost"));
    expect(explained?.events.every(({ asked }) => asked)).toBe(true);
    expect(explained?.deliveries).toMatchObject([{ kind: "call_details", method: "ASK" }]);
  });

  test("is left alone for as long as its webhooks may be on their way", async () => {
    exotel.place(callAt(at - 80_000, "fresh"));
    expect(await world.ask()).toMatchObject({ missed: 0 });
    at += 3 * minute;
    expect(await world.ask()).toMatchObject({ missed: 1 });
  });

  test("is not touched by webhooks that come in the end: the same activity", async () => {
    const call = callAt(at - 30 * minute, "late");
    exotel.place(call);
    await world.ask();
    await world.takeAll(world.script(call));
    await world.workOff();
    expect(world.activities()).toHaveLength(1);
    expect(await world.ask()).toMatchObject({ missed: 0, mended: 0 });
  });
});

describe("a call that webhooks told of", () => {
  test("gets its end from the provider when that webhook was lost", async () => {
    const call = callAt(at - 40 * minute, "endless");
    exotel.place(call);
    await world.take(world.script(call)[0] ?? expect.fail());
    await world.workOff();
    expect(world.activities()).toEqual([]);
    expect(await world.ask()).toMatchObject({ missed: 0, mended: 1 });
    expect(world.activities()).toMatchObject([{ key: key("endless"), durationSeconds: 61 }]);
  });

  test("is asked for by name when it is older than the look-back, and not closed while it goes on", async () => {
    const call = callAt(at, "long", { talkSeconds: 7 * 3_600 });
    exotel.place(call);
    await world.takeAll(world.script(call).filter(({ afterSeconds }) => afterSeconds < 60));
    await world.workOff();
    at += 6.5 * hour;
    expect(await world.ask()).toMatchObject({ closed: 0 });
    at += hour;
    expect(await world.ask()).toMatchObject({ mended: 1, closed: 0 });
    expect(world.activities()).toMatchObject([{ durationSeconds: 7 * 3_600 }]);
  });

  test("is asked for again, with growing pauses for a day, while its recording is missing", async () => {
    const call = callAt(at - 10 * minute, "quiet");
    exotel.place(call, { recordingAfterSeconds: null });
    const unrecorded = world.script(call).filter(({ body }) => !Buffer.from(body).includes("recordings."));
    await world.takeAll(unrecorded);
    await world.workOff();
    expect(world.activities()[0]).not.toHaveProperty("recordingUrl");
    const asks: number[] = [];
    for (let turns = 0; turns < 24 * 12; turns += 1) {
      at += 5 * minute;
      const before = exotel.requests.length;
      if (turns === 60) exotel.place(call);
      await world.ask({ onlyLacking: true });
      if (exotel.requests.length > before) asks.push(turns);
    }
    expect(world.activities()[0]).toHaveProperty("recordingUrl");
    expect(asks.length).toBeGreaterThan(3);
    expect(asks.length).toBeLessThan(8);
    const pauses = asks.slice(1).map((turn, i) => turn - (asks[i] ?? 0));
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
  });

  test("that was erased on request stays erased, whatever the provider tells", async () => {
    const call = callAt(at - 30 * minute, "erased");
    exotel.place(call);
    await world.takeAll(world.script(call).slice(0, 2));
    await world.workOff();
    await world.flow.store.erase("acme", [{ kind: "contact", id: "1" }], { now: at, spared: [] });
    expect(await world.ask()).toMatchObject({ missed: 0, mended: 0 });
    expect((await world.flow.store.call(key("erased")))?.row.call.customer).toBeUndefined();
  });
});

describe("a provider in trouble", () => {
  test("is asked for the whole time since it last answered", async () => {
    await world.ask();
    exotel.faults.add({ type: "status", status: 503 });
    exotel.place(callAt(at + 10 * minute, "first"));
    for (let hours = 0; hours < 20; hours += 1) {
      at += hour;
      await expect(world.ask()).rejects.toThrow(ProviderError);
    }
    exotel.place(callAt(at - 10 * minute, "last"));
    exotel.faults.clear();
    expect(await world.ask()).toMatchObject({ missed: 2 });
    expect(world.activities()).toHaveLength(2);
  });

  test("that goes away in the middle loses nothing, and what was asked already is not asked again", async () => {
    await world.ask();
    for (let hours = 1; hours <= 20; hours += 1) exotel.place(callAt(at + hours * hour, `at-${hours}`));
    at += 21 * hour;
    exotel.faults.add({ type: "status", status: 503, after: 2 });
    await expect(world.ask()).rejects.toThrow(ProviderError);
    await world.workOff();
    const some = world.activities().length;
    expect(some).toBeGreaterThan(0);
    expect(some).toBeLessThan(20);
    exotel.faults.clear();
    const before = exotel.requests.length;
    expect(await world.ask()).toMatchObject({ missed: 20 - some });
    expect(world.activities()).toHaveLength(20);
    expect(exotel.requests.slice(before).filter(({ kind }) => kind === "calls").length).toBeLessThan(4);
  });

  test("that was asked by hand for a part of the gap is still asked for the rest", async () => {
    await world.ask();
    exotel.place(callAt(at + 30 * minute, "early"));
    at += 10 * hour;
    exotel.place(callAt(at - 30 * minute, "late"));
    expect(await world.ask({ since: new Date(at - hour).toISOString() })).toMatchObject({ missed: 1 });
    expect(await world.ask()).toMatchObject({ missed: 1 });
    expect(world.activities()).toHaveLength(2);
  });

  test("whose answer has a row that cannot be read tells of the others", async () => {
    exotel.place(callAt(at - 30 * minute, "good"));
    exotel.placeRow(new Date(at - 29 * minute).toISOString(), {
      Sid: "x".repeat(300),
      Status: { bad: true },
    });
    expect(await world.ask()).toMatchObject({ missed: 1 });
    expect(world.activities()).toHaveLength(1);
  });
});

test("where asking is switched off nobody is asked", async () => {
  await world.end();
  world = openWorld({
    provider: "exotel",
    own: exotel.settings,
    now: () => at,
    settings: { reconcile: false },
  });
  exotel.place(callAt(at - 30 * minute, "lost"));
  expect(await world.ask()).toEqual({ compared: 0, missed: 0, mended: 0, closed: 0 });
  expect(exotel.requests).toEqual([]);
});
