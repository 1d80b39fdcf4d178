import { describe, expect, test } from "vitest";
import { emptyView, faultsOf, fieldOf, fullView, mappingOf, withCall } from "./samples.ts";

function render(text: string, view = fullView) {
  return fieldOf({ text }, view);
}

function refusal(text: string): string {
  return faultsOf(() => mappingOf({ x: { text } }))
    .map(({ at, problem, cure }) => `${at}: ${problem} ${cure ?? ""}`)
    .join("\n");
}

describe("a text", () => {
  test("may name any path, open ones too", () => {
    expect(
      render("{{ call.duration.text }} about {{ call.custom.order_id }}, {{ contact.fields.lifecycle }}"),
    ).toBe("5 min 20 s about A-17, customer");
  });

  test("is a text even when it is one number", () => {
    expect(render("{{ call.duration.seconds }}")).toBe("320");
    expect(render("{{ contact.fields.vip }}")).toBe("true");
  });

  test("a path that has members can be used together with them", () => {
    expect(render("{{ call.startedAt }} = {{ call.startedAt.ms }}")).toBe(
      "2026-11-20T20:05:00.000Z = 1795205100000",
    );
    expect(
      render("[{{ call.startedAt }}{{ call.startedAt.ms }}{% if call.startedAt %}x{% endif %}]", emptyView),
    ).toBe("[]");
  });

  test("is escaped only when asked", () => {
    expect(render("{{ call.summary }}")).toBe("Wants <b>a refund</b> & a call");
    expect(render("{{ call.summary | escape }}.")).toBe("Wants &lt;b&gt;a refund&lt;/b&gt; &amp; a call.");
  });

  test("has conditions, loops and variables of its own", () => {
    expect(render("{% if call.missed %}no{% elsif call.duration.seconds > 300 %}long{% endif %}")).toBe(
      "long",
    );
    expect(
      render("{% assign turns = call.transcript | newline_to_br | split: '<br />' %}{{ turns | size }}"),
    ).toBe("2");
    expect(render("{% for i in (1..3) %}{{ i }}{{ forloop.last }} {% endfor %}")).toBe("1false 2false 3true");
  });

  test("prints times on the clock of the installation", () => {
    expect(render("{{ call.startedAt | date: '%d.%m. %H:%M' }}")).toBe("21.11. 01:35");
    expect(render("{{ call.startedAt | date: '%H:%M', 'UTC' }}")).toBe("20:05");
    const berlin = { ...fullView, installation: { ...fullView.installation, timeZone: "Europe/Berlin" } };
    expect(render("{{ call.startedAt | date: '%H:%M' }}", berlin)).toBe("21:05");
  });

  test("sees a fact's text and nothing that JavaScript hangs on it", () => {
    expect(render("{% assign a = call.id %}[{{ a.constructor }}{{ a.at }}{{ a.__proto__ }}]")).toBe("[]");
  });

  test("that comes out empty leaves no field", () => {
    expect(render("{% if contact.id %}known{% endif %}\n ", emptyView)).toBeUndefined();
    expect(render("{{ contact.name }}", emptyView)).toBeUndefined();
  });

  test("an absent fact prints nothing", () => {
    expect(render("Call from {{ contact.name }}{{ contact.fields.a }}!", emptyView)).toBe("Call from !");
  });

  test("does not carry anything from one call to the next", () => {
    const mapping = mappingOf({ x: { text: "{% increment n %}{% assign a = call.id %}{{ a }}" } });
    expect([1, 2].map(() => mapping.activity(fullView).fields["x"])).toEqual(["0c1", "0c1"]);
  });
});

test.each<[string, string, RegExp]>([
  [
    "an unknown path",
    "{{ call.durration.text }}",
    /m\.json: activity\.x\.text: .*Did you mean call\.duration\.text\?/,
  ],
  ["a path hidden in a filter", "{{ call.id | append: contact.nam }}", /contact\.nam is not a path/],
  ["a path hidden in a tag", "{% if call.outcme == 'busy' %}{% endif %}", /Did you mean call\.outcome\?/],
  ["half a path", "{{ contact }}", /contact is not a path\. Did you mean contact\.id or/],
  ["a path chosen at run time", "{{ contact.fields[call.id] }}", /picks a fact by another fact/],
  ["the size of a fact", "{{ call.transcript.size }}", /Use call\.transcript \| size/],
  ["an unknown filter", "{{ call.id | upcas }}", /undefined filter: upcas.*Did you mean upcase\?/],
  ["a filter of Object.prototype", "{{ call.id | constructor }}", /undefined filter: constructor/],
  ["an unknown tag", "{% fi call.id %}{% endif %}", /tag "fi" not found.*Did you mean if\?/],
  ["reading a file", "{% include '/etc/passwd' %}", /A mapping reads no other files/],
  ["rendering a file", "{% render 'x' %}", /A mapping reads no other files/],
  ["the time of day now", "{{ 'now' | date: '%H' }}", /changes whenever.*Use call\.startedAt/],
  ["chance", "{{ call.transcript | split: ' ' | sample }}", /undefined filter: sample/],
  ["an open tag", "{% if call.id %}", /not closed/],
  ["an open output", "{{ call.id", /does not parse/],
  [
    "a text longer than 20,000 characters",
    `{{ call.id }}${"x".repeat(20_001)}`,
    /has more than 20,000 characters\. Write less/,
  ],
  ["thousands of nested tags", "{% if call.id %}".repeat(1_200), /tags are nested more than 50 deep/],
  [
    "tags nested by the liquid tag",
    `{% ${"liquid ".repeat(60)} echo call.id %}`,
    /tags are nested more than 50 deep/,
  ],
  [
    "where_exp",
    "{{ call.id | where_exp: 'x', 'x' }}",
    /undefined filter: where_exp.*use where, or for with if/,
  ],
  ["group_by_exp", "{{ call.id | group_by_exp: 'x', 'x' }}", /use group_by, or for with if/],
  ["find_index_exp", "{{ call.id | find_index_exp: 'x', 'x' }}", /use find_index, or for with if/],
])("refuses %s at load", (_name, text, expected) => {
  expect(refusal(text)).toMatch(expected);
});

describe("a text that runs wild", () => {
  test.each([
    ["a long loop", "{% for i in (1..100000000) %}{{ i }}{% endfor %}"],
    ["loops in loops", "{% for i in (1..9000) %}{% for j in (1..9000) %}{% endfor %}{% endfor %}x"],
    ["doubling", `{% assign a = call.transcript %}${"{% assign a = a | append: a %}".repeat(40)}{{ a }}`],
  ])("%s is stopped, and the other fields are written", (_name, text) => {
    expect(mappingOf({ x: { text }, y: "kept" }).activity(fullView).fields).toEqual({ y: "kept" });
  });
});

test("broken characters do not leave us", () => {
  const call = { summary: "a\0b\ud800c", transcript: "\0 ", custom: { x: "\udfff" } };
  expect(render("{{ call.summary }}!", withCall(call))).toBe("ab\ufffdc!");
  expect(fieldOf({ from: "call.summary" }, withCall(call))).toBe("ab\ufffdc");
  expect(fieldOf({ from: "call.transcript" }, withCall(call))).toBeUndefined();
  expect(fieldOf({ from: "call.custom.x" }, withCall(call))).toBe("\ufffd");
});
