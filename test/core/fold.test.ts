import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CallEvent, Facts, FoldedCall } from "../../src/core/call.ts";
import { outcomes } from "../../src/core/call.ts";
import { canonical, fold } from "../../src/core/fold.ts";

const time = fc.integer({ min: 0, max: 90 }).map(isoAfter);
const word = fc.constantFrom("a", "b", "c", "__proto__");
const party = fc.record({ number: fc.constantFrom("+31612345678", "201"), name: word }, { requiredKeys: [] });
const agent = fc.record(
  {
    ids: fc.uniqueArray(fc.constantFrom("201", "202", "u1"), { minLength: 1 }),
    name: word,
    talked: fc.boolean(),
  },
  { requiredKeys: ["ids"] },
);
const facts: fc.Arbitrary<Facts> = fc.record(
  {
    direction: fc.constantFrom("inbound", "outbound", "internal"),
    customer: party,
    line: word,
    agents: fc.array(agent, { maxLength: 3 }),
    startedAt: time,
    answeredAt: time,
    endedAt: time,
    talkSeconds: fc.nat(99),
    outcome: fc.constantFrom(...outcomes),
    reason: word,
    recording: fc.record({ ref: word, seconds: fc.nat(9) }, { requiredKeys: ["ref"] }),
    summary: word,
    transfer: fc.record({ kind: fc.constantFrom("warm", "cold"), by: word }, { requiredKeys: ["kind"] }),
    custom: fc.dictionary(word, fc.oneof(word, fc.boolean())),
  },
  { requiredKeys: [] },
);
const event: fc.Arbitrary<CallEvent> = fc.record(
  {
    callId: fc.constantFrom("X", "Y", "Z"),
    sameCallAs: fc.constantFrom("X", "Y", "Z"),
    at: time,
    kind: word,
    phase: fc.constantFrom("ringing", "answered", "ended"),
    facts,
  },
  { requiredKeys: ["callId", "at", "kind", "facts"] },
);
const events = fc.array(event, { minLength: 1, maxLength: 8 });
const runs = { seed: 20260203, numRuns: 1_000 };

describe("whatever the events", () => {
  test("their order and repetition make no difference", () => {
    const shuffled = events.chain((list) =>
      fc.tuple(
        fc.constant(list),
        fc.shuffledSubarray(list, { minLength: list.length }),
        fc.array(fc.constantFrom(...list)),
      ),
    );
    fc.assert(
      fc.property(shuffled, ([list, order, repeated]) => {
        const copies = repeated.map((one) => structuredClone(one));
        expect(canonical(fold([...copies, ...order]))).toBe(canonical(fold(list)));
      }),
      runs,
    );
  });

  test("the events themselves stay as they were", () => {
    fc.assert(
      fc.property(events, (list) => {
        const before = canonical(list);
        fold(list);
        expect(canonical(list)).toBe(before);
      }),
      runs,
    );
  });

  test("one more event never erases a fact, moves the phase back or brings in an empty one", () => {
    const ranks = { ringing: 1, answered: 2, ended: 3 };
    fc.assert(
      fc.property(events, event, (list, extra) => {
        // Directions apart: who is a colleague is learnt, see "who called whom".
        const neutral = [...list, extra].map((one) => ({ ...one, facts: withoutDirection(one.facts) }));
        const before = fold(neutral.slice(0, -1));
        const after = fold(neutral);
        expect(Object.keys(after)).toEqual(expect.arrayContaining(Object.keys(before)));
        expect(Object.values(after)).not.toContain(undefined);
        expect(ranks[after.phase]).toBeGreaterThanOrEqual(ranks[before.phase]);
        expect(idsOf(after)).toEqual(expect.arrayContaining(idsOf(before)));
        expect(after.legs).toEqual(expect.arrayContaining(before.legs));
      }),
      runs,
    );
  });

  test("no two agents share an id", () => {
    fc.assert(
      fc.property(events, (list) => {
        const ids = idsOf(fold(list));
        expect(new Set(ids).size).toBe(ids.length);
      }),
      runs,
    );
  });

  test("a call that somebody talked in stays completed", () => {
    fc.assert(
      fc.property(events, (list) => {
        const { outcome } = fold([...list, heard(5, { outcome: "completed" })]);
        expect(["completed", "voicemail"]).toContain(outcome);
      }),
      runs,
    );
  });
});

describe("late news", () => {
  const ended = heard(60, { endedAt: isoAfter(60), answeredAt: isoAfter(10), outcome: "completed" }, "ended");

  test("a recording and its length enrich an ended call", () => {
    const recorded = heard(300, { recording: { ref: "https://r/1" } });
    const measured = heard(301, { recording: { ref: "https://r/1", seconds: 50 }, summary: "wants a quote" });
    expect(fold([measured, ended, recorded])).toMatchObject({
      phase: "ended",
      outcome: "completed",
      recording: { ref: "https://r/1", seconds: 50 },
      summary: "wants a quote",
    });
  });

  test("a poorer recording leaves the length alone", () => {
    const measured = heard(300, { recording: { ref: "https://r/1", seconds: 50 } });
    const moved = heard(301, { recording: { ref: "https://r/2" } });
    expect(fold([moved, measured, ended]).recording).toEqual({ ref: "https://r/2", seconds: 50 });
  });

  test("a worse outcome does not replace a better one, a better one does, with its reason", () => {
    const missed = heard(70, { outcome: "no-answer", reason: "NOANSWER" });
    expect(fold([ended, missed]).outcome).toBe("completed");
    const voicemail = heard(80, { outcome: "voicemail", reason: "VM" });
    expect(fold([voicemail, missed])).toMatchObject({ outcome: "voicemail", reason: "VM" });
    expect(fold([missed, heard(90, { outcome: "busy", reason: "BUSY" })])).toMatchObject({
      outcome: "no-answer",
      reason: "NOANSWER",
    });
  });

  test("of two events at the same moment the later phase has the last word", () => {
    const ringing = heard(60, { summary: "at the start" }, "ringing");
    const over = heard(60, { summary: "and at the end" }, "ended");
    expect(fold([over, ringing]).summary).toBe("and at the end");
  });

  test("ringing that arrives after the end only adds who rang", () => {
    const ringing = heard(1, { agents: [{ ids: ["201"] }], startedAt: isoAfter(1) }, "ringing");
    expect(fold([ended, ringing])).toMatchObject({
      phase: "ended",
      startedAt: isoAfter(1),
      agents: [{ ids: ["201"] }],
    });
  });
});

describe("talk time", () => {
  const answered = heard(10, { answeredAt: isoAfter(10) }, "answered");
  const pickedUpAgain = heard(30, { answeredAt: isoAfter(30) }, "answered");
  const ended = heard(60, { endedAt: isoAfter(60) }, "ended");

  test.each<[string, CallEvent[], number | undefined]>([
    ["the provider's own wins", [answered, ended, heard(61, { talkSeconds: 48 })], 48],
    ["a provider's zero is a time too", [answered, ended, heard(61, { talkSeconds: 0 })], 0],
    ["else from the first answer to the end", [ended, pickedUpAgain, answered], 50],
    ["no answer, none", [ended], undefined],
    ["no end yet, none", [answered], undefined],
    ["an end before the answer, none", [heard(70, { answeredAt: isoAfter(70) }), ended], undefined],
  ])("%s", (_words, list, seconds) => {
    expect(fold(list).talkSeconds).toBe(seconds);
  });
});

function heard(seconds: number, facts: Facts, phase?: CallEvent["phase"]): CallEvent {
  return { callId: "X", at: isoAfter(seconds), kind: "test", ...(phase && { phase }), facts };
}

function isoAfter(seconds: number): string {
  return new Date(Date.UTC(2026, 1, 3) + seconds * 1000).toISOString();
}

function withoutDirection({ direction: _, ...rest }: Facts): Facts {
  return rest;
}

function idsOf(call: FoldedCall): string[] {
  return call.agents.flatMap(({ ids }) => ids);
}
