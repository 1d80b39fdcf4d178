import { describe, expect, test } from "vitest";
import { limitFaults } from "../../src/mapping/check.ts";
import { limitedTexts, recordLimits, shareSpent, startRendering } from "../../src/mapping/rendering.ts";
import { fullView, mappingOf } from "./samples.ts";

const twice = (text: string): string => text.repeat(2);
const loops = (count: number, within: string): string =>
  `${"{% for i in (1..300) %}".repeat(count)}${within}${"{% endfor %}".repeat(count)}`;
const often = (within: string): string => `{% for i in (1..4000) %}${within}{% endfor %}`;
const list = "{% assign list = call.transcript | split: '' %}";
const long = "a".repeat(100_000);
const periodic = `${"a".repeat(2_000)}b${"a".repeat(2_000)}`;
const view = {
  ...fullView,
  call: {
    ...fullView.call,
    transcript: Array.from({ length: 1_000 }, () => "Agent: one <b>moment</b> & I look.").join("\n"),
    custom: { long, periodic },
  },
};

/** All of these took from a second to minutes before there were limits. */
const wild: Record<string, string> = {
  "loops in loops": loops(3, "{{ i }}"),
  "loops around nothing": loops(4, ""),
  "a table": "{% tablerow i in (1..90000) %}{{ i }}{% endtablerow %}",
  "a range of a hundred million": "{% for i in (1..100000000) %}{{ i }}{% endfor %}",
  "a large list, cut again and again": `{% assign r = (1..500000) %}${often("{% for j in r reversed limit: 1 %}{% endfor %}")}`,
  "append in a loop": `{% assign a = "x" %}${often("{% assign a = a | append: call.transcript %}")}`,
  doubling: `{% assign a = call.transcript %}${"{% assign a = a | append: a %}".repeat(40)}{{ a }}`,
  "doubling by capture": `{% assign a = call.id %}${often("{% capture a %}{{ a }}{{ a }}{% endcapture %}")}`,
  "lists in lists": `${list}${often("{% assign list = list | push: list %}")}{{ list }}`,
  "a huge replacement": "{{ call.custom.long | replace: 'a', call.custom.long | size }}",
  "sorting a large list": often(`${list}{% assign list = list | sort_natural %}`),
  "sorting by a property of many names": often(
    `${list}{% assign x = list | sort: '${"a.".repeat(2_000)}' %}`,
  ),
  "finding in a large list": `${list}${often("{% assign x = list | find: 'a.b', 'x' %}")}`,
  "comparing large lists": `${list}{% assign other = list | reverse | reverse %}${often("{% if list == other %}{% endif %}")}`,
  "comparing large lists in a case": `${list}{% assign other = list | reverse | reverse %}${often(`{% case list %}{% when ${"other,".repeat(50)}other %}{% endcase %}`)}`,
  "searching for what repeats itself": often(
    "{% if call.custom.long contains call.custom.periodic %}{% endif %}",
  ),
  "replacing what repeats itself": often("{{ call.custom.long | remove_last: call.custom.periodic | size }}"),
  "many values of a case": often(`{% case call.id %}{% when ${"i,".repeat(4_000)}i %}{% endcase %}`),
  "many values of an or": `{% assign a = false %}${often(`{{ ${"a or ".repeat(2_000)}a }}`)}`,
  "a path of many names": `{% assign a = 1 %}${often(`{{ a${".b".repeat(8_000)} }}`)}`,
  "many dates": often("{{ call.startedAt | date: '%A %B' }}"),
  "a date of many parts": often(`{{ call.startedAt | date: '${"%A".repeat(1_000)}' }}`),
  "a wide date": often("{{ call.startedAt | date: '%900000Y' }}"),
  "escaping a long text": often("{% assign x = call.transcript | escape %}"),
  "printing a long text": often("{{ call.transcript }}"),
};

describe("a wild text is stopped by a count, and the fields beside it are written:", () => {
  test.each(Object.entries(wild))("%s", (_, text) => {
    const mapping = mappingOf({
      before: { text: "{{ call.id }}." },
      x: { text },
      after: { text: "{{ call.id }}!" },
    });
    const [first, second] = [startRendering(view), startRendering(view)];
    expect(mapping.activity(first).fields).toEqual({ before: "c1.", after: "c1!" });
    expect(first.limited).toEqual([
      { field: "activity.x", limit: expect.stringMatching(/^(steps|characters|depth)$/) },
    ]);
    mapping.activity(second);
    expect(second.limited).toEqual(first.limited);
    expect(second.budget.left).toEqual(first.budget.left);
  });

  test.each(["loops in loops", "append in a loop", "many dates", "printing a long text"])(
    "two hundred times %s, within one budget",
    (name) => {
      const text = wild[name] ?? "";
      const fields = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`f${index}`, { text }]));
      const rendering = startRendering(view);
      expect(mappingOf(fields).activity(rendering).fields).toEqual({});
      expect(rendering.limited).toHaveLength(200);
      expect(new Set(rendering.limited.map(({ limit }) => limit)).has("time")).toBe(false);
      expect(Math.min(...Object.values(rendering.budget.left))).toBeGreaterThanOrEqual(0);
    },
  );
});

test("all parts of a record spend from one budget, an answer from its own", () => {
  const text = loops(2, "{{ i }}");
  const more = {
    contact: { x: { text } },
    task: { when: ["no-answer"], fields: { x: { text } } },
    answer: { variables: { x: { text, else: "none" } }, metadata: { x: { text } } },
  };
  const mapping = mappingOf({ x: { text } }, more);
  const record = startRendering({ ...view, call: { ...view.call, outcome: "no-answer" } });
  const parts = [mapping.activity(record).fields, mapping.task(record), mapping.contact(record)];
  expect(parts).toEqual([{}, {}, {}]);
  expect(record.limited.map(({ field }) => field)).toEqual(["activity.x", "task.fields.x", "contact.x"]);
  expect(record.budget.left.steps).toBe(recordLimits.steps / 8);
  const answer = startRendering(view);
  expect(mapping.answer(answer)).toEqual({ variables: { x: "none" }, metadata: {} });
  expect(answer.limited.map(({ field }) => field)).toEqual(["answer.variables.x", "answer.metadata.x"]);
});

test("usual work stays far below the limits", () => {
  const turns = `{% assign turns = call.transcript | escape | split: "\n" %}{% for turn in turns limit: 300 %}
    {% if turn contains "Agent" %}<b>{{ turn | truncate: 200 }}</b>{% else %}{{ turn }}{% endif %}<br>{% endfor %}`;
  const rendering = startRendering(view);
  const { fields } = mappingOf({
    a: { text: turns },
    b: { text: "{{ call.transcript | newline_to_br }}" },
  }).activity(rendering);
  expect(Object.keys(fields)).toEqual(["a", "b"]);
  expect(shareSpent(rendering.budget)).toBeLessThan(0.5);
});

test("what is said names the field, the limit and what to do, and nothing of the text", () => {
  const [told = ""] = limitedTexts([{ field: "activity.x", limit: "steps" }]);
  expect(told).toMatch(
    /^activity\.x, whose text ran into a limit: .*10,000 steps.*To do: make its loops fewer/,
  );
});

test("check finds what would run into a limit with a long call", () => {
  const wildOne = mappingOf({
    a: { text: twice("{{ call.transcript | escape_once }}") },
    b: { text: "{{ call.id }}." },
  });
  expect(limitFaults(wildOne, "m.json")).toEqual([
    {
      at: "m.json: activity.a.text",
      problem: expect.stringMatching(/call of an hour.*3,000,000 characters/),
    },
  ]);
  expect(limitFaults(mappingOf({ b: { text: "{{ call.transcript | escape }}" } }), "m.json")).toEqual([]);
});
