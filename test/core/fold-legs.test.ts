import { describe, expect, test } from "vitest";
import type { CallEvent, Facts } from "../../src/core/call.ts";
import { canonical, fold } from "../../src/core/fold.ts";

const customer = { number: "+31612345678", name: "Anna" };

describe("legs that turn out to be one call", () => {
  const chain = [
    on("X", 1, { direction: "inbound", customer }),
    on("Y", 2, { direction: "internal" }),
    { ...on("Y", 3, {}), sameCallAs: "X" },
    on("W", 4, { direction: "internal" }),
    { ...on("W", 5, {}), sameCallAs: "Y" },
    on("W", 6, { outcome: "completed" }),
  ];

  test("keep the last survivor of a chain, all legs and the outsider, in every order", () => {
    expect(fold(chain)).toMatchObject({ callId: "W", legs: ["W", "X", "Y"], direction: "inbound", customer });
    for (const order of permutations(chain)) expect(canonical(fold(order))).toBe(canonical(fold(chain)));
  });

  test("keep the survivor also when two merges have the same time", () => {
    const first = { ...on("Y", 3, {}), sameCallAs: "X" };
    const second = { ...on("A", 3, {}), sameCallAs: "Y" };
    expect(fold([first, second]).callId).toBe("A");
    expect(fold([second, first]).callId).toBe("A");
  });

  test("name a survivor even when each was said to replace the other", () => {
    const there = { ...on("X", 3, {}), sameCallAs: "Y" };
    const back = { ...on("Y", 4, {}), sameCallAs: "X" };
    expect(fold([back, there])).toMatchObject({ callId: "Y", legs: ["X", "Y"] });
  });
});

describe("who called whom", () => {
  const colleague = { number: "+31201234568", name: "Cees" };
  const merge = { ...on("X", 9, {}), sameCallAs: "Y" };

  test("the customer's leg speaks before the consult leg, however early that was", () => {
    const consult = on("Y", 1, { direction: "outbound", customer: colleague, line: "+31201234567" });
    const inbound = on("X", 2, { direction: "inbound", customer, line: "+31850001111" });
    expect(fold([consult, inbound, merge])).toMatchObject({
      direction: "inbound",
      customer,
      line: "+31850001111",
    });
  });

  test("a colleague does not become the customer of a caller who withheld the number", () => {
    const consult = on("Y", 1, { direction: "outbound", customer: colleague });
    const call = fold([consult, on("X", 2, { direction: "inbound" }), merge]);
    expect(call.direction).toBe("inbound");
    expect(call).not.toHaveProperty("customer");
  });

  test("a leg that began between colleagues stays so when its end only says outbound", () => {
    const ringing = on("X", 1, { direction: "internal" });
    const ended = on("X", 2, { direction: "outbound", customer: colleague });
    const call = fold([ended, ringing]);
    expect(call.direction).toBe("internal");
    expect(call).not.toHaveProperty("customer");
  });

  test("an event without a direction may name the customer", () => {
    const call = fold([on("X", 1, { direction: "inbound" }), on("X", 2, { customer })]);
    expect(call).toMatchObject({ direction: "inbound", customer });
  });

  test("so may one on a merged leg, when the customer's own leg did not", () => {
    const call = fold([on("X", 1, { direction: "inbound" }), on("Y", 2, { customer }), merge]);
    expect(call).toMatchObject({ direction: "inbound", customer });
  });

  test("another number's name is not the customer's", () => {
    const named = on("X", 2, { customer: { number: "201", name: "Bram" } });
    const call = fold([on("X", 1, { customer: { number: "+31612345678" } }), named]);
    expect(call.customer).toEqual({ number: "+31612345678" });
  });
});

describe("agents", () => {
  test("two who turn out to share an id become one, with what was known of both", () => {
    const call = fold([
      on("X", 1, { agents: [{ ids: ["201"], name: "Bram", talked: true }] }),
      on("X", 2, { agents: [{ ids: ["u1"], email: "bram@example.com", talked: true }] }),
      on("X", 3, { agents: [{ ids: ["u1", "201"] }] }),
    ]);
    expect(call.agents).toEqual([
      { ids: ["201", "u1"], name: "Bram", email: "bram@example.com", talkedAt: isoAfter(2) },
    ]);
  });

  test("talked last is the last time, not the last to arrive", () => {
    const late = on("X", 5, { agents: [{ ids: ["201"], talked: true }] });
    const early = on("X", 1, { agents: [{ ids: ["201"], talked: true }] });
    expect(fold([late, early]).agents).toEqual([{ ids: ["201"], talkedAt: isoAfter(5) }]);
  });
});

test("names of custom facts cannot reach a prototype", () => {
  const custom = JSON.parse('{"__proto__": "x", "constructor": "y"}') as Record<string, string>;
  const call = fold([on("X", 1, { custom }), on("X", 2, { custom: { a: 1 } })]);
  expect(Object.keys(call.custom ?? {})).toEqual(["__proto__", "constructor", "a"]);
  expect(Object.getPrototypeOf(call.custom)).toBe(Object.prototype);
});

function on(callId: string, seconds: number, facts: Facts): CallEvent {
  return { callId, at: isoAfter(seconds), kind: "test", facts };
}

function isoAfter(seconds: number): string {
  return new Date(Date.UTC(2026, 1, 3) + seconds * 1000).toISOString();
}

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length <= 1) return [[...items]];
  return items.flatMap((item, i) =>
    permutations([...items.slice(0, i), ...items.slice(i + 1)]).map((rest) => [item, ...rest]),
  );
}
