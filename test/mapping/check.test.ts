import { expect, test } from "vitest";
import type { FieldDescription } from "../../src/core/crm.ts";
import { checkMapping } from "../../src/mapping/check.ts";
import { compileMapping, type Mapping } from "../../src/mapping/compile.ts";
import { mappingOf } from "./samples.ts";

const fields: FieldDescription[] = [
  { name: "title", type: "string", writable: true },
  { name: "seconds", type: "number", writable: true },
  { name: "missed", type: "boolean", writable: true },
  { name: "start", type: "datetime", writable: true },
  { name: "day", type: "date", writable: true },
  { name: "status", type: "picklist", writable: true, options: ["COMPLETED", "NO_ANSWER", "BUSY"] },
  { name: "id", type: "string", writable: false },
];

function check(activity: object): string[] {
  return textsOf(mappingOf(activity));
}

function textsOf(mapping: Mapping): string[] {
  const descriptions = { activity: fields, contact: fields, task: fields, readable: ["lifecycle"] };
  return checkMapping(mapping, descriptions, "m.json").map(
    ({ at, problem, cure }) => `${at}: ${problem} ${cure ?? ""}`,
  );
}

test("a mapping that fits has no faults", () => {
  const sound = {
    title: { text: "{{ call.kind }} {{ call.duration.seconds }}", else: "Call" },
    seconds: { from: "call.duration.seconds", else: 0 },
    missed: { from: "call.missed" },
    start: { from: "call.startedAt" },
    day: { from: "call.date" },
    status: { from: "call.outcome", map: { completed: "COMPLETED", busy: "BUSY" }, else: "NO_ANSWER" },
  };
  expect(check(sound)).toEqual([]);
});

test("a fact with an open name is taken at its word", () => {
  const open = { from: "call.custom.x" };
  expect(check({ title: open, seconds: open, missed: open, start: open, day: open, status: open })).toEqual(
    [],
  );
});

test.each<[string, object, RegExp]>([
  ["a field that is not there", { titel: "x" }, /^m\.json: activity\.titel: .*Did you mean title\?/],
  ["a field that is nothing like any", { colour_of_hair: "x" }, /Make the field in the CRM/],
  ["a field of the CRM's own", { id: "x" }, /does not let us write id/],
  [
    "a text for a number",
    { seconds: { from: "call.duration.text" } },
    /activity\.seconds\.from: seconds takes a number, and this gives a text.*unit/,
  ],
  [
    "Liquid for a number",
    { seconds: { text: "{{ call.duration.seconds }}" } },
    /activity\.seconds\.text: seconds takes a number/,
  ],
  [
    "a number for a text",
    { title: { from: "call.duration.ms" } },
    /title takes a text, and this gives a number.*\{\{/,
  ],
  ["a date for a time", { start: { from: "call.date" } }, /start takes a date with time.*call\.startedAt/],
  ["a time for a date", { day: { from: "call.startedAt" } }, /day takes a date, .*call\.date/],
  ["milliseconds for a time", { start: { from: "call.startedAt.ms" } }, /start takes a date with time/],
  ["a number for a truth", { missed: { from: "call.ring.seconds" } }, /missed takes true or false.*map/],
  [
    "a constant of the wrong type",
    { seconds: "12" },
    /activity\.seconds: seconds takes a number, and "12" is none/,
  ],
  ["a constant that is no date", { day: "tomorrow" }, /day takes a date/],
  [
    "an else of the wrong type",
    { seconds: { from: "call.duration.seconds", else: "none" } },
    /activity\.seconds\.else: /,
  ],
  [
    "an option that is not there",
    { status: "COMPLETE" },
    /status has no option COMPLETE\. Did you mean COMPLETED\?/,
  ],
  [
    "an option in a plain text",
    { status: { text: "DONE", write: "once" } },
    /activity\.status\.text: status has no option DONE/,
  ],
  [
    "an option in a map",
    { status: { from: "call.outcome", map: { busy: "BUSSY" } } },
    /activity\.status\.map\.busy: .*Did you mean BUSY\?/,
  ],
  [
    "an else that is no option",
    { status: { from: "call.custom.x", else: "?" } },
    /activity\.status\.else: .*Its options are: COMPLETED, /,
  ],
  [
    "words of ours in a picklist",
    { status: { from: "call.direction" } },
    /no option inbound, outbound, internal\. Add a map/,
  ],
])("finds %s", (_name, activity, expected) => {
  const faults = check(activity);
  expect(faults).toHaveLength(1);
  expect(faults[0]).toMatch(expected);
});

test("looks at new contacts, follow-up tasks and the contact fields that are read, too", () => {
  const mapping = compileMapping(
    {
      crm: "local",
      activity: { title: { text: "{{ contact.fields.lifecicle }}" } },
      contact: { titel: "x" },
      task: { when: ["busy"], fields: { id: "x" } },
      answer: { variables: { stage: { from: "contact.fields.lifecycle" } } },
    },
    "m.json",
  );
  expect(textsOf(mapping)).toEqual([
    "m.json: contact.titel: the CRM has no contact field titel. Did you mean title?",
    "m.json: task.fields.id: the CRM does not let us write id. Remove it here.",
    "m.json: activity.title.text: the CRM's contacts have no field lifecicle. Did you mean lifecycle?",
  ]);
});
