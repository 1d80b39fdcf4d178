import { describe, expect, test } from "vitest";
import { compileMapping, parseMapping } from "../../src/mapping/compile.ts";
import { growth } from "../support/linear.ts";
import { faultsOf, mappingOf } from "./samples.ts";

const many = <T>(count: number, value: (index: number) => T): Record<string, T> =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, value(index)]));
const constants = (count: number) => many(count, () => "x");
const rule = (conditions: number) => ({ name: "r", agent: "a", if: many(conditions, () => "x") });
const text = (source: object) => JSON.stringify({ crm: "local", activity: {}, ...source });
const told = (source: string) => {
  const [{ at = "", problem = "", cure = "" } = {}] = faultsOf(() => parseMapping(source, "m.json"));
  return `${at}: ${problem} ${cure}`;
};

describe("a mapping is refused, with what is too much and where, when it has", () => {
  test.each<[string, object, RegExp]>([
    [
      "201 fields",
      { activity: constants(201) },
      /^m\.json: activity: has 201 fields; 200 are possible\. Leave/,
    ],
    [
      "201 variables",
      { answer: { variables: constants(201) } },
      /^m\.json: answer\.variables: has 201 fields/,
    ],
    [
      "201 fields of a task",
      { task: { when: ["busy"], fields: constants(201) } },
      /^m\.json: task\.fields: has/,
    ],
    [
      "201 rules",
      { answer: { rules: Array.from({ length: 201 }, () => rule(1)) } },
      /answer\.rules: has 201 rules/,
    ],
    [
      "51 conditions of a rule",
      { answer: { rules: [rule(51)] } },
      /answer\.rules\[0\]\.if: has 51 conditions/,
    ],
    [
      "10,000 values",
      { activity: { x: { from: "call.id", map: constants(10_000) } } },
      /more than 10000 values/,
    ],
    ["256 KB", { activity: { x: "y".repeat(256_000) } }, /is larger than 256 KB/],
    [
      "50,000 characters of Liquid",
      { activity: many(3, () => ({ text: `{{ call.id }}${"x".repeat(19_000)}` })) },
      /activity\.f2\.text: all Liquid up to here has more than 50,000 characters/,
    ],
  ])("more than %s", (_, source, expected) => expect(told(text(source))).toMatch(expected));
});

test("a hundred faults are reported at once, and that there may be more", () => {
  const fields = many(150, (index) => ({ from: `call.outcom${index}` }));
  const faults = faultsOf(() => compileMapping({ crm: "local", activity: fields }, "m.json"));
  expect(faults).toHaveLength(101);
  expect(faults.at(-1)?.problem).toContain("there may be more: 100 are reported at once");
  const words = many(30, (index) => index);
  const unknown = Object.keys(words).map((name) => `{{ call.${name} }}`);
  expect(faultsOf(() => mappingOf({ x: { text: unknown.join("") } }))).toHaveLength(20);
});

test("a mapping with as much as there may be compiles", () => {
  const more = {
    answer: { rules: [{ name: "r", agent: "a", if: { "call.id": "x" } }], variables: constants(200) },
  };
  expect(parseMapping(text({ activity: constants(200), ...more }), "m.json").activityFields).toHaveLength(
    200,
  );
});

test("four times as many facts in a text do not take many times four to compile", () => {
  const at = (outputs: number) => {
    const source = text({ activity: { x: { text: "{{call.id}}".repeat(outputs) } } });
    return () => parseMapping(source, "m.json");
  };
  // Looking for the line of each from the start of the text made it sixteen.
  expect(growth({ name: "compiling", at }, [450, 1_800])).toBeUndefined();
});

test("faults in a long text still name their line and column", () => {
  const lines = `{{ call.id }}\n\n  {{ call.id | upcas }}`;
  expect(told(text({ activity: { x: { text: lines } } }))).toContain(
    "undefined filter: upcas, line:3, col:3",
  );
});
