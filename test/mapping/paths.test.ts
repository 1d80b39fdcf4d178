import { describe, expect, test } from "vitest";
import { findPath, paths } from "../../src/mapping/paths.ts";
import { readPath } from "../../src/mapping/rendering.ts";
import type { PathType, View } from "../../src/mapping/view.ts";
import { emptyView, fullView, mappingOf, withCall } from "./samples.ts";

function read(name: string, view: View = fullView) {
  const path = findPath(name);
  if (!path) throw new Error(`${name} is not a path`);
  return readPath(path, view);
}

const shapes: Record<PathType, RegExp | string> = {
  string: "string",
  number: "number",
  boolean: "boolean",
  datetime: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/,
  date: /^\d{4}-\d\d-\d\d$/,
  any: "string",
};

describe.each(Object.entries(paths))("%s", (name, { type, values }) => {
  test(`gives a ${type} for a call with every fact`, () => {
    const value = read(name);
    const shape = shapes[type];
    if (typeof shape === "string") expect(typeof value).toBe(shape);
    else expect(value).toMatch(shape);
    if (values) expect(values).toContain(String(value));
  });

  test("is absent when nothing is known, unless it is about the installation or a word for any call", () => {
    const known = name.startsWith("installation.") || ["call.kind", "call.title"].includes(name);
    expect(read(name, emptyView) !== undefined).toBe(known);
  });

  test("never throws or gives nonsense, whatever the facts are", () => {
    for (const junk of [
      null,
      0,
      -1,
      1e300,
      Number.NaN,
      Infinity,
      "",
      "x",
      "\0",
      [],
      [null],
      {},
      true,
      { at: {} },
    ]) {
      const value = read(name, viewOf(junk));
      const shape = typeof value;
      expect(["undefined", type === "datetime" || type === "date" ? "string" : type]).toContain(shape);
      expect([Number.NaN, Infinity, "", "NaN", "undefined", "[object Object]"]).not.toContain(value);
    }
  });
});

/** The full view with junk in the place of every fact, and of every fact inside a fact. */
function viewOf(junk: unknown): View {
  const spoil = (value: object): object => Object.fromEntries(Object.keys(value).map((key) => [key, junk]));
  const { call, contact, owner, people, installation } = fullView;
  const nested = {
    customer: spoil({ number: 1, name: 1 }),
    transfer: { to: junk, kind: junk },
    recording: { seconds: junk },
  };
  const view: unknown = {
    call:
      typeof junk === "string"
        ? { ...spoil(call), ...nested, agents: [junk, { ids: junk, talkedAt: junk }] }
        : spoil(call),
    contact: spoil(contact ?? {}),
    owner: spoil(owner ?? {}),
    people: typeof junk === "string" ? [junk, { ids: junk }, ...(people ?? []).map(spoil)] : junk,
    sharedWith: junk,
    followUpDueMinutes: junk,
    customerNumber: junk,
    recordingUrl: junk,
    installation: { ...installation, timeZone: junk === "x" ? "Nowhere/Land" : installation.timeZone },
  };
  return view as View;
}

test("times are told on the clock of the owner, when it is known", () => {
  const owner = { id: "o1", timeZone: "America/New_York" };
  expect([read("call.date", { ...fullView, owner }), read("call.time", { ...fullView, owner })]).toEqual([
    "2026-11-20",
    "15:05",
  ]);
});

test("times are told on the clock of the installation", () => {
  expect([read("call.date"), read("call.time")]).toEqual(["2026-11-21", "01:35"]);
  const utc = { ...fullView, installation: { ...fullView.installation, timeZone: "UTC" } };
  expect([read("call.date", utc), read("call.time", utc)]).toEqual(["2026-11-20", "20:05"]);
  const midnight = withCall({ startedAt: "2026-11-20T18:30:00.000Z" });
  expect([read("call.date", midnight), read("call.time", midnight)]).toEqual(["2026-11-21", "00:00"]);
});

test("a call without a start began when it was first heard of", () => {
  expect(read("call.startedAt", withCall({ endedAt: "2026-11-20T20:00:00.000Z" }))).toBe(
    "2026-11-20T20:00:00.000Z",
  );
});

test.each([
  [0, "0 s", 0, 0],
  [45, "45 s", 45, 45_000],
  [60, "1 min", 60, 60_000],
  [320.4, "5 min 20 s", 320, 320_400],
  [3600, "1 h", 3600, 3_600_000],
  [3_725, "1 h 2 min", 3_725, 3_725_000],
])("%d seconds of talk are %s", (talkSeconds, text, seconds, ms) => {
  const view = withCall({ talkSeconds });
  expect(read("call.duration.text", view)).toBe(text);
  expect(read("call.duration.seconds", view)).toBe(seconds);
  expect(read("call.duration.ms", view)).toBe(ms);
});

test("from and to follow the direction", () => {
  const outbound = { ...fullView, call: { ...fullView.call, direction: "outbound" as const } };
  expect([read("call.from"), read("call.to")]).toEqual(["+919876543210", "+918012345678"]);
  expect([read("call.from", outbound), read("call.to", outbound)]).toEqual([
    "+918012345678",
    "+919876543210",
  ]);
});

test.each([
  ["inbound", "completed", "Inbound call"],
  ["inbound", "no-answer", "Missed call"],
  ["inbound", "voicemail", "Voicemail"],
  ["outbound", "completed", "Outbound call"],
  ["outbound", "busy", "Unanswered call"],
  ["internal", "no-answer", "Internal call"],
] as const)("an %s call that ended %s is a %s", (direction, outcome, kind) => {
  expect(read("call.kind", withCall({ phase: "ended", direction, outcome }))).toBe(kind);
});

test("the agent is whom the directory names, else who talked last, else the only one", () => {
  expect([read("call.agent.name"), read("call.agent.id")]).toEqual(["Ravi Kumar", "201"]);
  const { people: _, ...noDirectory } = fullView;
  expect([read("call.agent.name", noDirectory), read("call.agent.email", noDirectory)]).toEqual([
    "R.",
    "r@pbx.example",
  ]);
  expect(read("call.agent.name", withCall({ agents: [{ ids: ["1"], name: "Solo" }] }))).toBe("Solo");
  expect(
    read(
      "call.agent.name",
      withCall({
        agents: [
          { ids: ["1"], name: "A" },
          { ids: ["2"], name: "B" },
        ],
      }),
    ),
  ).toBeUndefined();
});

test("the customer is called by the CRM's name, else the caller's, else the number unless it was withheld", () => {
  const label = (view: View) => read("call.customer.label", view);
  expect(label(fullView)).toBe("Asha Rao");
  expect(label(withCall({ customer: { name: "A RAO", number: "+91987" } }))).toBe("A RAO");
  expect(label(withCall({ customer: { number: "+91987" } }))).toBe("+91 987");
  expect(label(withCall({ customer: { number: "anonymous" } }))).toBeUndefined();
});

test("a company has no first name", () => {
  const company = {
    ...emptyView,
    contact: { id: "1", kind: "company" as const, name: "Acme Ltd", phones: [], fields: {} },
  };
  expect([read("contact.firstName"), read("contact.firstName", company)]).toEqual(["Asha", undefined]);
});

test("reading changes nothing in the view", () => {
  const before = JSON.stringify(fullView);
  mappingOf(Object.fromEntries(Object.keys(paths).map((from, i) => [`f${i}`, { from }]))).activity(fullView);
  expect(JSON.stringify(fullView)).toBe(before);
});
