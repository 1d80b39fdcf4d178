import { expect, test } from "vitest";
import { messageOf } from "../../src/core/errors.ts";
import { compileMapping, parseMapping } from "../../src/mapping/compile.ts";
import { faultsOf } from "./samples.ts";

const file = "mappings/x.json";

function linesOf(source: unknown): string[] {
  return faultsOf(() => compileMapping(source, file)).map(
    (fault) => `${fault.at}: ${fault.problem} ${fault.cure ?? ""}`,
  );
}

test.each<[string, unknown, RegExp]>([
  ["null", null, /x\.json: activity\.f: null is not a value.*leave the field out/],
  ["an empty constant", "", /activity\.f: is empty/],
  ["a list", ["a"], /activity\.f: a list is not a value.*constant/],
  ["a misspelt directive", { form: "call.id" }, /activity\.f: .*Did you mean from\?/],
  ["two directives", { from: "call.id", text: "x" }, /has both from and text.*Keep one/],
  ["a misspelt key", { from: "call.id", wirte: "once" }, /activity\.f\.wirte: .*Did you mean write\?/],
  [
    "a misspelt mode",
    { from: "call.id", write: "if-emtpy" },
    /activity\.f\.write: .*Did you mean if-empty\?/,
  ],
  ["map beside text", { text: "x", map: { a: 1 } }, /activity\.f\.map: map belongs to from/],
  [
    "a misspelt path",
    { from: "call.durration.ms" },
    /activity\.f\.from: .*Did you mean call\.duration\.ms\?/,
  ],
  [
    "a path that stops short",
    { from: "call.duration" },
    /Did you mean call\.duration\.ms or call\.duration\.seconds/,
  ],
  ["a path without its start", { from: "duration" }, /Did you mean call\.duration\.ms\?/],
  ["an open path without a name", { from: "contact.fields" }, /Name one member.*contact\.fields\.lifecycle/],
  [
    "a misspelt path beside an open one",
    { from: "call.customer.labl" },
    /Did you mean call\.customer\.label\?/,
  ],
  ["a misspelt middle", { from: "call.custmer.label" }, /Did you mean call\.customer\.label\?/],
  ["a plural", { from: "call.customers.name" }, /Did you mean call\.customer\.name\?/],
  ["a misspelt custom fact", { from: "call.customs.order_id" }, /Did you mean call\.custom\.order_id\?/],
  ["a misspelt open path", { from: "contact.field.plan" }, /Did you mean contact\.fields\.plan\?/],
  ["a member of Object", { from: "constructor" }, /constructor is not a path/],
  [
    "a map key that never comes",
    { from: "call.outcome", map: { mised: 1 } },
    /f\.map\.mised: call\.outcome is never mised/,
  ],
  [
    "a null in a map",
    { from: "call.outcome", map: { busy: null } },
    /activity\.f\.map\.busy: null is not a value/,
  ],
])("says what is wrong with %s", (_name, value, expected) => {
  expect(linesOf({ crm: "x", activity: { f: value } }).join("\n")).toMatch(expected);
});

test.each<[string, object, RegExp]>([
  ["an unknown section", { activty: {} }, /x\.json: activty: .*Did you mean activity\?/],
  [
    "a write mode outside the activity",
    { contact: { a: { from: "call.id", write: "once" } } },
    /contact\.a\.write: .*activity only/,
  ],
  [
    "an outcome that is never missed",
    { task: { when: ["completed"], fields: {} } },
    /task\.when\[0\]: .*Use one of: voicemail/,
  ],
  [
    "a misspelt outcome",
    { task: { when: ["no-anser"], fields: {} } },
    /task\.when\[0\]: .*Did you mean no-answer\?/,
  ],
  ["a task without fields", { task: { when: ["busy"] } }, /task\.fields: is missing/],
  [
    "a rule that does nothing",
    { answer: { rules: [{ name: "r", if: {} }] } },
    /rules\[0\]\.agent: .*give it an agent, or reject/,
  ],
  [
    "a rule about no path",
    { answer: { rules: [{ name: "r", if: { "contact.nam": 1 }, agent: "a" }] } },
    /rules\[0\]\.if\.contact\.nam: .*Did you mean contact\.name\?/,
  ],
  [
    "a misspelt condition",
    { answer: { rules: [{ name: "r", if: { "contact.id": { exist: true } }, agent: "a" }] } },
    /Did you mean exists\?/,
  ],
  [
    "a constant that never comes",
    { answer: { rules: [{ name: "r", if: { "call.direction": ["inbond"] }, agent: "a" }] } },
    /call\.direction is never inbond\. Did you mean inbound\?/,
  ],
  [
    "rules that are no list",
    { answer: { rules: {} } },
    /answer\.rules: an array is expected here, not this object/,
  ],
  ["a CRM id with capitals", { crm: "HubSpot" }, /x\.json: crm: a CRM's id is lower case/],
  ["a field name nobody has", { activity: { "a b": "x" } }, /activity\.a b: names start with a letter/],
])("says what is wrong with %s", (_name, more, expected) => {
  expect(linesOf({ crm: "x", activity: {}, ...more }).join("\n")).toMatch(expected);
});

test("tells all faults at once, those of shape and those of meaning", () => {
  const places = linesOf({
    crm: "x",
    activity: { a: { from: "call.idd", els: 1 }, b: { text: "{{ call.nothing }}" } },
    answer: { variables: { c: null }, rules: [{ name: "r", if: { nope: 1 }, agent: "a" }] },
  }).map((line) => line.split(": ")[1]);
  expect(places.sort()).toEqual([
    "activity.a.els",
    "activity.a.from",
    "activity.b.text",
    "answer.rules[0].if.nope",
    "answer.variables.c",
  ]);
});

test("__proto__ is refused wherever a name may stand", () => {
  const text = '{"crm": "x", "activity": {"__proto__": "x", "a": {"from": "__proto__"}}}';
  const lines = faultsOf(() => parseMapping(text, file)).map(({ at }) => at);
  expect(lines).toEqual([`${file}: activity.__proto__`, `${file}: activity.a.from`]);
});

test.each([undefined, null, 3, "x", [], true])("refuses %j as a whole, and throws nothing else", (source) => {
  expect(linesOf(source).join("\n")).toContain(file);
});

test.each<unknown>([
  null,
  0,
  "x",
  [],
  [null],
  [[]],
  { a: null },
  { "": [] },
  true,
  { rules: [null, 1, { if: [] }] },
])("survives %j in every section", (junk) => {
  for (const key of ["crm", "activity", "contact", "task", "answer"]) {
    const source = { crm: "x", activity: {}, [key]: junk };
    try {
      compileMapping(source, file);
    } catch (error) {
      expect(messageOf(error)).toContain(`${file}: ${key}`);
      expect(error).toHaveProperty("faults");
    }
  }
});

test("a huge word is cut in its message", () => {
  const [line] = linesOf({ crm: "x", activity: { a: { from: "x".repeat(100_000) } } });
  expect(line?.length).toBeLessThan(300);
});
