import { expect, test } from "vitest";
import { limitedTexts, recordLimits, shareSpent, startRendering } from "../../src/mapping/rendering.ts";
import { fullView, mappingOf } from "./samples.ts";

const cap = 200_000;
const transcript = "User: hello there, how are you?\n".repeat(20_000).trim();
const view = { ...fullView, call: { ...fullView.call, transcript } };
const many = (value: object | string, count = 200) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, value]));
const size = (fields: object): number => Object.values(fields).join("").length;

const long: Record<string, object | string> = {
  "a fact": { from: "call.transcript" },
  "a text of one output": { text: "{{ call.transcript }}" },
  "a text": { text: "{{ call.transcript }}." },
  "a text without facts": { text: transcript.slice(0, 240_000) },
  "a constant": transcript.slice(0, 240_000),
  "an else": { from: "call.custom.none", else: transcript.slice(0, 240_000) },
  "a translation": { from: "call.direction", map: { inbound: transcript.slice(0, 240_000) } },
};

test.each(Object.entries(long))("%s that is too long arrives cut", (_, value) => {
  const rendering = startRendering(view);
  const { fields } = mappingOf({ x: value }).activity(rendering);
  expect(fields).toEqual({ x: `${transcript.slice(0, cap - 1)}…` });
  expect(rendering.limited).toEqual([]);
  expect(rendering.budget.left.output).toBe(recordLimits.output - cap);
});

test.each(["a fact", "a text of one output"])(
  "as often as fields are possible, %s: some arrive, the others are limited, and short fields stay",
  (name) => {
    const fields = { ...many(long[name] ?? "", 198), title: { from: "call.kind" }, source: "phone" };
    const mapping = mappingOf(fields);
    const [first, second] = [startRendering(view), startRendering(view)];
    const got = mapping.activity(first).fields;
    expect(Object.keys(got)).toEqual(["f0", "f1", "f2", "f3", "title", "source"]);
    expect(size(got)).toBeLessThan(recordLimits.output);
    expect(first.limited).toHaveLength(194);
    expect(first.limited[0]).toEqual({ field: "activity.f4", limit: "output" });
    expect(limitedTexts(first.limited)[0]).toMatch(
      /^activity\.f4, whose text ran into a limit: .*1,000,000 characters.*To do: put long texts into fewer/,
    );
    expect(shareSpent(first.budget)).toBeGreaterThan(0.7);
    expect(mapping.activity(second).fields).toEqual(got);
    expect(second.limited).toEqual(first.limited);
  },
);

test("all parts of a record have one room, an answer its own; a limited field gets its else", () => {
  const fields = many({ from: "call.transcript", else: "none" }, 6);
  const task = { when: ["no-answer"], fields };
  const mapping = mappingOf(fields, { contact: fields, task, answer: { variables: fields } });
  const rendering = startRendering({ ...view, call: { ...view.call, outcome: "no-answer" } });
  const parts = [mapping.activity(rendering).fields, mapping.task(rendering), mapping.contact(rendering)];
  expect(parts.map((part) => size(part ?? {}))).toEqual([4 * cap + 8, 24, 24]);
  expect(rendering.limited).toHaveLength(2 + 6 + 6);
  const { variables } = mapping.answer(startRendering(view));
  expect(size(variables)).toBe(4 * cap + 8);
});

test("an else that is too long as well is told once", () => {
  const fields = many({ from: "call.transcript", else: "none".repeat(30_000) }, 5);
  const rendering = startRendering(view);
  expect(Object.keys(mappingOf(fields).activity(rendering).fields)).toHaveLength(4);
  expect(rendering.limited).toEqual([{ field: "activity.f4", limit: "output" }]);
});

test("what a rule looks at is no output", () => {
  const rules = [{ name: "long", if: { "call.transcript": { exists: true } }, reject: true }];
  const rendering = startRendering(view);
  expect(mappingOf({}, { answer: { rules } }).answer(rendering)).toMatchObject({ reject: true });
  expect(rendering.budget.left.output).toBe(recordLimits.output);
});

test("no character is cut in two", () => {
  for (const start of ["", "x"]) {
    const wide = { ...view, call: { ...view.call, transcript: start + "𝄞".repeat(cap) } };
    const { text } = mappingOf({ text: { from: "call.transcript" } }).activity(wide).fields;
    expect(String(text)).toMatch(/^x?𝄞+…$/u);
    expect(String(text).length).toBeGreaterThan(cap - 3);
  }
});
