import { describe, expect, test } from "vitest";
import { emptyView, fieldOf, fullView, mappingOf, missedCall, withCall } from "./samples.ts";

describe("a value", () => {
  test("may be a constant", () => {
    expect(["call", 5, false].map((constant) => fieldOf(constant))).toEqual(["call", 5, false]);
  });

  test("keeps the type of its fact", () => {
    expect(fieldOf({ from: "call.duration.ms" })).toBe(320400);
    expect(fieldOf({ from: "contact.fields.vip" })).toBe(true);
    expect(fieldOf({ from: "call.direction" })).toBe("inbound");
  });

  test("is translated by its map, whatever the fact's type", () => {
    expect(fieldOf({ from: "call.direction", map: { inbound: "INBOUND" } })).toBe("INBOUND");
    expect(fieldOf({ from: "call.missed", map: { true: 1, false: 0 } })).toBe(0);
    expect(fieldOf({ from: "contact.fields.score", map: { 7: "seven" } })).toBe("seven");
  });

  test("is absent when the map does not have it, and else steps in", () => {
    expect(fieldOf({ from: "call.direction", map: { outbound: "OUT" } })).toBeUndefined();
    expect(fieldOf({ from: "call.direction", map: { outbound: "OUT" }, else: "?" })).toBe("?");
    expect(fieldOf({ from: "contact.id", map: { undefined: "wrong" } }, emptyView)).toBeUndefined();
  });

  test("leaves no field when its fact is absent", () => {
    const { fields } = mappingOf({
      a: { from: "contact.name" },
      b: { text: "{{ contact.name }} " },
      c: "kept",
    }).activity(emptyView);
    expect(Object.keys(fields)).toEqual(["c"]);
  });

  test("else is used for an absent fact only", () => {
    expect(fieldOf({ from: "contact.name", else: "nobody" }, emptyView)).toBe("nobody");
    expect(fieldOf({ text: "{{ contact.name }}", else: "nobody" }, emptyView)).toBe("nobody");
    expect(fieldOf({ from: "contact.name", else: "nobody" })).toBe("Asha Rao");
    expect(fieldOf({ from: "call.duration.seconds", else: 9 }, withCall({ talkSeconds: 0 }))).toBe(0);
  });
});

test("write modes are told for every field, always by default", () => {
  const { modes } = mappingOf({
    a: "x",
    b: { from: "call.id", write: "once" },
    c: { text: "x", write: "if-empty" },
  }).activity(emptyView);
  expect(modes).toEqual({ a: "always", b: "once", c: "if-empty" });
});

test("lists its fields and the contact fields it needs from everywhere", () => {
  const mapping = mappingOf(
    {
      a: { from: "contact.fields.one" },
      b: { text: "{{ contact.fields.two | upcase }}{{ contact.fields.one }}" },
    },
    {
      contact: { z: { from: "contact.fields.three" } },
      answer: { rules: [{ name: "r", if: { "contact.fields.four": 1 }, agent: "x" }] },
    },
  );
  expect(mapping.activityFields).toEqual(["a", "b"]);
  expect(mapping.contactFields).toEqual(["four", "one", "three", "two"]);
});

test("fields of a contact made for an unknown caller", () => {
  const mapping = mappingOf({}, { contact: { name: { from: "call.customer.label" }, source: "phone" } });
  expect(mapping.contact(withCall({ customer: { number: "+919876543210" } }))).toEqual({
    name: "+91 98765 43210",
    source: "phone",
  });
  expect(mappingOf({}).contact(fullView)).toEqual({});
});

describe("a follow-up task", () => {
  const mapping = mappingOf({}, { task: { when: ["no-answer", "busy"], fields: { subject: "Call back" } } });

  test("is asked for when a missed call ended in one of the outcomes", () => {
    expect(mapping.task(withCall(missedCall))).toEqual({ subject: "Call back" });
  });

  test.each([
    ["another outcome", { ...missedCall, outcome: "voicemail" as const }],
    ["a call of ours", { ...missedCall, direction: "outbound" as const }],
    ["a call that still rings", { ...missedCall, phase: "ringing" as const }],
    ["a call nobody knows anything of", {}],
  ])("is not asked for after %s", (_name, call) => {
    expect(mapping.task(withCall(call))).toBeUndefined();
  });

  test("is never asked for by a mapping without tasks", () => {
    expect(mappingOf({}).task(withCall(missedCall))).toBeUndefined();
  });
});

test("field names of Object.prototype are ordinary names", () => {
  const { fields, modes } = mappingOf({ constructor: "c", toString: { from: "call.id" } }).activity(fullView);
  expect(Object.entries(fields)).toEqual([
    ["constructor", "c"],
    ["toString", "c1"],
  ]);
  expect(Object.keys(modes)).toEqual(["constructor", "toString"]);
});
