import { type RetellEmulator, startRetell } from "@switchhook/emulators/retell";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CallEvent, FoldedCall } from "../../src/core/call.ts";
import { fold } from "../../src/core/fold.ts";
import type { SimulatedCall } from "../../src/core/provider.ts";
import { retell } from "../../src/providers/retell/index.ts";
import { simulate } from "../contracts/provider.ts";
import { seeded } from "../support/random.ts";
import { evening, eventsOf, madeUpCalls } from "./retell-polled.ts";

const calls = madeUpCalls(48, 23);
const settings = { apiKey: ["retell-secret"] };
let emulator: RetellEmulator;
let asked: Map<string, CallEvent[]>;

beforeEach(async () => {
  emulator = await startRetell({ now: () => evening, recordingsAt: "https://recordings.retell.example" });
  for (const call of calls) emulator.place(call);
  const events = (await eventsOf(emulator)).map((event) => ({ ...event, fills: true as const }));
  asked = Map.groupBy(events, ({ callId }) => callId);
});
afterEach(() => emulator.stop());

const told = (call: SimulatedCall) => simulate(retell, settings, call);
const askedOf = ({ id }: SimulatedCall) => asked.get(id) ?? [];

/** Without what differs by its nature: the analysis' own data, and the provider's word for the end. */
function factsOf(events: readonly CallEvent[]): Partial<FoldedCall> {
  const { custom: _, reason: __, ...facts } = fold(events);
  return facts;
}

test("the sample has every kind of call", () => {
  const kinds = new Set(calls.map(({ direction, outcome }) => `${direction} ${outcome}`));
  expect(kinds.size).toBe(6);
});

describe("a call of which webhooks were lost is the call that all of them tell", () => {
  test("when none came", () => {
    for (const call of calls) expect(factsOf(askedOf(call))).toEqual(factsOf(told(call)));
  });

  test("when only some came", () => {
    const random = seeded(5);
    for (const call of calls) {
      for (let round = 0; round < 4; round += 1) {
        const some = told(call).filter(() => random.chance(0.6));
        expect(factsOf([...some, ...askedOf(call)])).toEqual(factsOf(told(call)));
      }
    }
  });

  test("when all came: asking changes nothing", () => {
    for (const call of calls) expect(factsOf([...told(call), ...askedOf(call)])).toEqual(factsOf(told(call)));
  });
});

test("a call that was asked for twice is no news the second time, also when its links are signed", async () => {
  await emulator.stop();
  let now = evening;
  emulator = await startRetell({ now: () => now, signed: true });
  for (const call of calls) emulator.place(call);
  const first = await eventsOf(emulator);
  now += 3_600_000;
  expect(await eventsOf(emulator)).toEqual(first);
});
