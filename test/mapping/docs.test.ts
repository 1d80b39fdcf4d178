import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compileMapping, parseMapping } from "../../src/mapping/compile.ts";
import { openPaths, paths } from "../../src/mapping/paths.ts";

const docs = readFileSync(new URL("../../docs/mappings.md", import.meta.url), "utf8");
const lines = docs.split("\n");

test.each(Object.entries(paths))("docs/mappings.md says what %s is", (name, { type, about }) => {
  expect(lines).toContain(`| \`${name}\` | ${type} | ${about} |`);
});

test.each(Object.entries(openPaths))("docs/mappings.md says what %s is", (name, { about, example }) => {
  expect(lines).toContain(`| \`${name}.<name>\` | any | ${about}, e.g. \`${example}\` |`);
});

test("docs/mappings.md lists no path that is not there", () => {
  const listed = lines.flatMap(
    (line) => /^\| `((?:call|contact|owner|installation)\.[\w.]+)` \|/.exec(line)?.[1] ?? [],
  );
  expect(listed).toEqual(Object.keys(paths));
});

describe.each(["local", "hubspot", "salesforce"])("docs/mappings.md explains mappings/%s.json:", (crm) => {
  const source = JSON.parse(readFileSync(new URL(`../../mappings/${crm}.json`, import.meta.url), "utf8"));
  const chapter = chapterOf(`### mappings/${crm}.json`);

  test.each(Object.keys(source.activity))("%s", (field) => expect(chapter).toMatch(rowWith("", field)));
  test.each(Object.keys(source.contact))("contact %s", (field) =>
    expect(chapter).toMatch(rowWith("contact: ", field)),
  );
  test.each(Object.keys(source.task.fields))("task %s", (field) =>
    expect(chapter).toMatch(rowWith("task: ", field)),
  );

  const answer = chapterOf("### The answer");
  test.each(Object.keys(source.answer.variables))("variable %s", (name) =>
    expect(answer).toMatch(rowWith("", name)),
  );
  test.each(Object.keys(source.answer.metadata))("metadata %s", (name) =>
    expect(answer).toMatch(rowWith("metadata: ", name)),
  );
});

test("the examples in docs/mappings.md compile", () => {
  const [change = "", rules = ""] = [...docs.matchAll(/```json\n([\s\S]*?)```/g)].map(
    ([, text]) => text ?? "",
  );
  const mapping = parseMapping(`{"crm": "hubspot", ${change}}`, "docs/mappings.md");
  expect(mapping.activityFields).toEqual([
    "hs_call_title",
    "order_number",
    "hs_call_source",
    "hs_call_duration",
  ]);
  expect(() =>
    compileMapping({ crm: "x", activity: {}, answer: JSON.parse(`{${rules}}`) }, "docs/mappings.md"),
  ).not.toThrow();
});

function chapterOf(heading: string): string {
  const chapter = docs.split(/^(?=#{2,3} )/m).find((part) => part.startsWith(heading));
  if (chapter === undefined) throw new Error(`docs/mappings.md has no chapter ${heading}`);
  return chapter;
}

function rowWith(section: string, field: string): RegExp {
  return new RegExp(`^\\| ${section}(\`\\w+\`, )*\`${field}\`(, \`\\w+\`)* \\|`, "m");
}
