import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CallEvent, FoldedCall } from "../../src/core/call.ts";
import { fold } from "../../src/core/fold.ts";
import type { SimulatedCall } from "../../src/core/provider.ts";
import { exotel } from "../../src/providers/exotel/index.ts";
import { simulate } from "../contracts/provider.ts";
import { type Random, seeded } from "../support/random.ts";
import { type Asked, callAt, eventsOf, openExotel, placeAll } from "./exotel-polled.ts";

const random = seeded(20_260_301);
const calls = Array.from({ length: 60 }, (_, i) => randomCall(i));
const asked = new Map<string, CallEvent[]>();
let api: Asked;

beforeAll(async () => {
  api = await openExotel({ recordingsAt: "https://recordings.exotel.example" });
  placeAll(api.emulator, calls);
  for (const delivery of await api.asked()) {
    const events = eventsOf(delivery);
    asked.set(events[0]?.callId ?? "", events);
  }
});
afterAll(() => api.stop());

function randomCall(i: number): SimulatedCall {
  const outcome = (["completed", "no-answer", "busy"] as const)[i % 3] ?? "completed";
  return callAt(random.below(80_000) + random.below(1000) / 1000, {
    id: `call-${i}`,
    direction: random.pick(["inbound", "outbound"]),
    customer: `+9198765${10_000 + random.below(89_999)}`,
    agent: `agent_${random.below(9)}`,
    ringSeconds: random.below(40),
    talkSeconds: outcome === "completed" ? 1 + random.below(900) : 0,
    outcome,
  });
}

/** What a call is logged by. */
function factsOf(call: FoldedCall): Partial<FoldedCall> {
  const { custom, reason, ...facts } = call;
  return facts;
}

function some(events: readonly CallEvent[], { chance }: Random): CallEvent[] {
  return events.filter(() => chance(0.5));
}

describe("the API tells the same of a call as its webhooks", () => {
  test.each(calls.map((call) => [call.id, call.direction, call.outcome, call] as const))(
    "%s, %s, %s",
    (id, _direction, _outcome, call) => {
      const webhooks = simulate(exotel, { secret: ["exotel-key"] }, call);
      const answers = asked.get(id) ?? [];
      const whole = factsOf(fold(webhooks));
      expect(factsOf(fold(answers))).toEqual(whole);
      for (let i = 0; i < 10; i += 1) {
        expect(factsOf(fold([...some(webhooks, random), ...answers]))).toEqual(whole);
      }
    },
  );

  test("all of them", () => {
    expect([...asked.keys()].sort()).toEqual(calls.map(({ id }) => id).sort());
  });
});
