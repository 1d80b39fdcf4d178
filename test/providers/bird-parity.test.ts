import { describe, expect, test } from "vitest";
import type { CallEvent, FoldedCall } from "../../src/core/call.ts";
import { fold } from "../../src/core/fold.ts";
import type { SimulatedCall } from "../../src/core/provider.ts";
import { bird } from "../../src/providers/bird/index.ts";
import { polling } from "../../src/providers/bird/polling.ts";
import { simulate } from "../contracts/provider.ts";
import { type Random, seeded } from "../support/random.ts";
import { birdOf, contextAt, eventsOf, pagesOf } from "./bird-polled.ts";

const outcomes = ["completed", "no-answer", "busy"] as const;
const directions = ["inbound", "outbound"] as const;

/** Calls of every outcome and direction, those that took no time among them. */
function callsOf(random: Random): SimulatedCall[] {
  return Array.from({ length: 60 }, (_, i) => {
    const outcome = outcomes[i % 3] ?? "busy";
    return {
      id: `call-${i}`,
      direction: directions[random.below(2)] ?? "inbound",
      customer: `+3161234${String(random.below(10_000)).padStart(4, "0")}`,
      line: "+31201234567",
      agent: `agent-${random.below(5)}`,
      startedAt: new Date(Date.parse("2026-01-02T00:00:00Z") + random.below(80_000_000)).toISOString(),
      ringSeconds: random.below(30),
      talkSeconds: outcome === "completed" ? random.below(90) : 0,
      outcome,
    };
  });
}

function withoutOwnWords({ custom, reason, ...call }: FoldedCall): Partial<FoldedCall> {
  return call;
}

async function told(seed: number) {
  const { emulator, settings } = await birdOf();
  const random = seeded(seed);
  const calls = callsOf(random);
  for (const call of calls) emulator.place(call);
  const webhooks = calls.flatMap((call) => simulate(bird, settings, call));
  const listed = eventsOf((await pagesOf(settings)).flat());
  const again = await polling.callsAgain(
    settings,
    calls.map(({ id }) => fold(of(listed, id))),
    contextAt(),
  );
  return { random, calls, webhooks, asked: [...listed, ...eventsOf(again)] };
}

function of(events: readonly CallEvent[], id: string): CallEvent[] {
  return events.filter(({ callId }) => callId === id);
}

describe.each([1, 2, 3])("of the made-up calls number %d", (seed) => {
  test("the API alone tells what all webhooks tell", async () => {
    const { calls, webhooks, asked } = await told(seed);
    for (const { id, outcome } of calls) {
      const { recording, ...rest } = withoutOwnWords(fold(of(asked, id)));
      expect(rest).toEqual(withoutOwnWords(fold(of(webhooks, id))));
      expect(recording !== undefined).toBe(outcome === "completed");
    }
  });

  test("it makes good every loss of webhooks, and changes nothing when none was lost", async () => {
    const { random, calls, webhooks, asked } = await told(seed);
    for (const { id } of calls) {
      const whole = withoutOwnWords(fold([...of(webhooks, id), ...of(asked, id)]));
      const { recording, ...rest } = whole;
      expect(rest).toEqual(withoutOwnWords(fold(of(webhooks, id))));
      for (let losses = 0; losses < 8; losses += 1) {
        const kept = of(webhooks, id).filter(() => random.chance(0.5));
        expect(withoutOwnWords(fold([...kept, ...of(asked, id)]))).toEqual(whole);
      }
    }
  });
});
