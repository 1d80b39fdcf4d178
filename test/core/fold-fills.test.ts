import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CallEvent, Facts } from "../../src/core/call.ts";
import { fold } from "../../src/core/fold.ts";

const at = (second: number) => new Date(Date.UTC(2026, 10, 2, 8, 0, second)).toISOString();

function told(second: number, facts: Facts, more: Partial<CallEvent> = {}): CallEvent {
  return { callId: "one", at: at(second), kind: "told", facts, ...more };
}

function asked(second: number, facts: Facts, more: Partial<CallEvent> = {}): CallEvent {
  return told(second, facts, { kind: "asked", fills: true, ...more });
}

describe("what was only told because we asked", () => {
  test("fills what the webhooks left open, whenever it says it happened", () => {
    const webhooks = [
      told(1, { direction: "inbound", customer: { number: "+31612345678" } }, { phase: "ringing" }),
    ];
    const call = fold([
      ...webhooks,
      asked(0, { talkSeconds: 61, outcome: "completed", line: "+31201" }, { phase: "ended" }),
    ]);
    expect(call).toMatchObject({ phase: "ended", talkSeconds: 61, outcome: "completed", line: "+31201" });
    expect(call).toMatchObject({ direction: "inbound", customer: { number: "+31612345678" } });
  });

  test("never replaces what a webhook told, however late it is", () => {
    const facts = {
      direction: "inbound",
      startedAt: at(1),
      endedAt: at(60),
      line: "+31201",
      summary: "told",
    } as const;
    const webhook = told(
      60,
      { ...facts, talkSeconds: 50, outcome: "completed", reason: "hangup" },
      { phase: "ended" },
    );
    const worse = {
      direction: "outbound",
      startedAt: at(0),
      endedAt: at(99),
      line: "+31999",
      summary: "asked",
    } as const;
    const answer = asked(
      99,
      { ...worse, talkSeconds: 9, outcome: "failed", reason: "other" },
      { phase: "ended" },
    );
    expect(fold([webhook, answer])).toEqual(fold([webhook]));
  });

  test("replaces a talk time of zero and an outcome that nobody knew", () => {
    const webhook = told(60, { talkSeconds: 0, outcome: "unknown" }, { phase: "ended" });
    const answer = asked(
      61,
      { talkSeconds: 17, outcome: "completed", reason: "completed" },
      { phase: "ended" },
    );
    expect(fold([webhook, answer])).toMatchObject({
      talkSeconds: 17,
      outcome: "completed",
      reason: "completed",
    });
    expect(fold([told(60, { talkSeconds: 17 }), asked(61, { talkSeconds: 0 })]).talkSeconds).toBe(17);
  });

  test("gives the length of a recording, but no other link in place of one that was told", () => {
    const webhook = told(60, { recording: { ref: "https://a.example/1.mp3", expiresAt: at(9) } });
    const answer = asked(61, {
      recording: { ref: "https://b.example/2.mp3", seconds: 12, expiresAt: at(50) },
    });
    expect(fold([webhook, answer]).recording).toEqual({
      ref: "https://a.example/1.mp3",
      expiresAt: at(9),
      seconds: 12,
    });
    expect(fold([told(1, {}), answer]).recording).toEqual(answer.facts.recording);
  });

  test("joins agents by their ids, and adds custom facts under those that were told", () => {
    const webhook = told(5, { agents: [{ ids: ["201"], talked: true }], custom: { a: 1 } });
    const answer = asked(9, { agents: [{ ids: ["201", "sip:201"], name: "Ravi" }], custom: { a: 2, b: 3 } });
    const { agents, custom } = fold([webhook, answer]);
    expect(agents).toEqual([{ ids: ["201", "sip:201"], name: "Ravi", talkedAt: at(5) }]);
    expect(custom).toEqual({ a: 1, b: 3 });
  });

  test("alone tells a call as any events would", () => {
    const facts = { direction: "inbound", answeredAt: at(3), endedAt: at(33), outcome: "no-answer" } as const;
    const { callId, kind: _, fills: __, ...event } = asked(33, facts, { phase: "ended" });
    expect(fold([{ ...event, callId, kind: "x", fills: true }])).toEqual(
      fold([{ ...event, callId, kind: "x" }]),
    );
  });

  test("can be repeated and come in any order", () => {
    const events = [
      told(1, { startedAt: at(1), agents: [{ ids: ["a"] }] }, { phase: "ringing" }),
      told(9, { answeredAt: at(9), custom: { x: 1 } }, { phase: "answered" }),
      asked(
        70,
        { endedAt: at(70), talkSeconds: 61, outcome: "completed", agents: [{ ids: ["b"], talked: true }] },
        { phase: "ended" },
      ),
      asked(75, { recording: { ref: "https://a.example/1.mp3" }, custom: { y: 2 } }),
    ];
    const expected = fold(events);
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...events), { maxLength: 12 }),
        fc.shuffledSubarray(events, { minLength: 4 }),
        (more, all) => {
          expect(fold([...more, ...all])).toEqual(expected);
        },
      ),
      { seed: 3 },
    );
  });
});
