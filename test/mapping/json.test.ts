import fc from "fast-check";
import { expect, test } from "vitest";
import { parseJson } from "../../src/mapping/json.ts";
import { faultsOf } from "./samples.ts";

test.each<[string, string, string]>([
  [
    "a missing comma",
    '{\n  "a": 1\n  "b": 2\n}',
    'm.json: line 3, column 3: "," or "}" is expected here, found "\\"".',
  ],
  [
    "a comma too many",
    '{ "a": 1, }',
    'm.json: line 1, column 11: a name in double quotes is expected, found "}".',
  ],
  [
    "a word without quotes",
    '{\n"a": yes }',
    'm.json: line 2, column 6: a value is expected here, found "y".',
  ],
  ["single quotes", "{'a': 1}", 'm.json: line 1, column 2: a name in double quotes is expected, found "\'".'],
  ["a missing colon", '{"a" 1}', 'm.json: line 1, column 6: ":" is expected here, found "1".'],
  [
    "an open list",
    "[1,\n2",
    'm.json: line 2, column 2: "," or "]" is expected here, found the end of the text.',
  ],
  [
    "an open text",
    '{"a": "b}',
    'm.json: line 1, column 7: the text in quotes has no end: a " is missing on this line.',
  ],
  [
    "an open text before more lines",
    '{"a": "b,\n "c": "d"}',
    'm.json: line 1, column 7: the text in quotes has no end: a " is missing on this line.',
  ],
  ["a tab in a text", '{"a": "b\tc"}', "m.json: line 1, column 9: write \\t for this character."],
  [
    "an escape that JSON lacks",
    '{"a": "C:\\x41"}',
    "m.json: line 1, column 10: no such escape in JSON; write \\\\ for a backslash.",
  ],
  ["an empty file", "", "m.json: line 1, column 1: a value is expected here, found the end of the text."],
  ["two values", "{} {}", "m.json: line 1, column 4: there is more text after the end of the JSON value."],
  ["a comment", "// hello\n{}", 'm.json: line 1, column 1: a value is expected here, found "/".'],
  ["a name given twice", '{"a": 1,\n "a": 2}', 'm.json: line 2, column 2: "a" stands here a second time.'],
])("points at %s", (_name, text, expected) => {
  const [fault] = faultsOf(() => parseJson(text, "m.json"));
  expect(`${fault?.at}: ${fault?.problem}`).toBe(expected);
});

test.each([
  ["{,", "a name in double quotes is expected", 2],
  ['{"a\nb": 1}', 'a " is missing on this line', 2],
  ["[,", "a value is expected here", 2],
  ["[1,]", "a value is expected here", 4],
  ["[1 x]", '"," or "]" is expected here', 4],
  ["[01]", '"," or "]" is expected here', 3],
  ['{"a" x}', '":" is expected here', 6],
  ['{"a": [1}', '"," or "]" is expected here', 9],
  ['{"a": 1', '"," or "}" is expected here', 8],
  ["1 // a", "there is more text", 3],
  ['{"a": 1, "\\u0061": 2}', '"a" stands here a second time', 10],
])("says what is wrong in %j: %s", (text, problem, column) => {
  const [fault] = faultsOf(() => parseJson(text, "m.json"));
  expect(fault?.at).toBe(`m.json: line 1, column ${column}`);
  expect(fault?.problem).toContain(problem);
});

test("takes a byte order mark, and the same name in two objects", () => {
  expect(parseJson('\uFEFF{"a": {"x": 1}, "b": {"x": 2}}', "m.json")).toEqual({ a: { x: 1 }, b: { x: 2 } });
});

test("refuses endless nesting and takes a long text without running out of stack", () => {
  expect(faultsOf(() => parseJson("[".repeat(100_000), "m.json"))[0]?.problem).toMatch(
    /nested more than 50 deep/,
  );
  for (const open of ['{"a":', '[{"a":[', "[\n", " [ "])
    expect(faultsOf(() => parseJson(open.repeat(100_000), "m.json"))[0]?.problem).toMatch(
      /more than 50 deep/,
    );
  expect(parseJson(`${"[".repeat(51)}${"]".repeat(51)}`, "m.json")).toHaveLength(1);
  expect(parseJson(JSON.stringify("ä".repeat(900_000)), "m.json")).toHaveLength(900_000);
});

test("agrees with JSON.parse on what is JSON", () => {
  const wild = fc.oneof(
    fc.json({ maxDepth: 4 }),
    fc.string(),
    fc.tuple(fc.json({ maxDepth: 3 }), fc.nat(), fc.string({ maxLength: 2 })).map(([json, at, junk]) => {
      const place = at % (json.length + 1);
      return json.slice(0, place) + junk + json.slice(place + 1);
    }),
  );
  fc.assert(
    fc.property(wild, (text) => {
      const ours = attempt(() => parseJson(text, "m.json"));
      if (ours.error?.includes("second time")) return;
      const theirs = attempt(() => JSON.parse(text.startsWith("\uFEFF") ? text.slice(1) : text));
      expect(ours.error === undefined).toBe(theirs.error === undefined);
      expect(ours.value).toEqual(theirs.value);
    }),
    { numRuns: 2_000 },
  );
});

function attempt(parse: () => unknown): { value?: unknown; error?: string } {
  try {
    return { value: parse() };
  } catch (error) {
    return { error: error instanceof Error ? error.message : "?" };
  }
}
