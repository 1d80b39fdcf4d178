import type { Scalar } from "../core/call.ts";
import type { FieldDescription, FieldDescriptions } from "../core/crm.ts";
import type { Fault } from "../core/errors.ts";
import type { Mapping, Yields } from "./compile.ts";
import { didYouMean } from "./nearest.ts";
import { whyLimited } from "./rendering.ts";
import type { Yield } from "./value.ts";
import type { PathType, View } from "./view.ts";

type FieldType = FieldDescription["type"];

/** The types of fact that a field of a type takes. A picklist takes texts, and its options are checked one by one. */
const takes: Record<FieldType, readonly PathType[]> = {
  string: ["string", "datetime", "date", "any"],
  picklist: ["string", "any"],
  number: ["number", "any"],
  boolean: ["boolean", "any"],
  datetime: ["datetime", "any"],
  date: ["date", "any"],
};

/** The path to use instead, where one of the right type exists. */
const cures: Partial<Record<FieldType, string>> = {
  string: 'Write it as a text: {"text": "{{ the.path }}"}.',
  number: "Use a path with a unit, like call.duration.seconds.",
  datetime: "Use call.startedAt, call.answeredAt or call.endedAt.",
  date: "Use call.date.",
  boolean: 'Add a map: {"map": {"<value>": true}, "else": false}.',
};

/**
 * Checks the fields that a mapping names against those of the CRM: they exist, can be written, and take the values of
 * the mapping; the contact fields that it reads exist.
 */
export function checkMapping(
  { yields, contactFieldPlaces }: Pick<Mapping, "yields" | "contactFieldPlaces">,
  { activity, contact, task, readable }: FieldDescriptions,
  file: string,
): Fault[] {
  const unreadable = [...contactFieldPlaces].flatMap(([name, at]) => {
    if (readable.includes(name)) return [];
    const cure = didYouMean(name, readable) ?? "Make the field in the CRM, or remove it here.";
    return [{ at, problem: `the CRM's contacts have no field ${name}.`, cure }];
  });
  return [
    ...sectionFaults(yields.activity, activity, `${file}: activity`, "activity"),
    ...sectionFaults(yields.contact, contact, `${file}: contact`, "contact"),
    ...sectionFaults(yields.task, task, `${file}: task.fields`, "task"),
    ...unreadable,
  ];
}

/** The fields whose texts reach a limit when a long call is written, or its question answered. */
export function limitFaults(mapping: Mapping, file: string): Fault[] {
  const view = longCall(mapping.contactFields);
  const [record, answer] = [mapping.render(view), mapping.render(view)];
  for (const part of ["activity", "task", "associate", "contact"] as const) mapping[part](record);
  mapping.answer(answer);
  return [...record.limited, ...answer.limited].map((one) => ({
    at: `${file}: ${one.field}${one.limit === "output" ? "" : ".text"}`,
    problem: `with a call of an hour, it is a field ${whyLimited(one)}.`,
  }));
}

function sectionFaults(
  yields: Yields,
  descriptions: readonly FieldDescription[],
  place: string,
  what: string,
): Fault[] {
  const known = new Map(descriptions.map((description) => [description.name, description]));
  return Object.entries(yields).flatMap(([name, given]) => {
    const at = `${place}.${name}`;
    const field = known.get(name);
    if (!field) {
      const cure = didYouMean(name, known.keys()) ?? "Make the field in the CRM, or remove it here.";
      return [{ at, problem: `the CRM has no ${what} field ${name}.`, cure }];
    }
    if (!field.writable)
      return [{ at, problem: `the CRM does not let us write ${name}.`, cure: "Remove it here." }];
    return [...factFaults(field, given), ...given.constants.flatMap((one) => constantFaults(field, one))];
  });
}

function factFaults(field: FieldDescription, { fact }: Yield): Fault[] {
  if (!fact) return [];
  const { name, type, options } = field;
  if (!takes[type].includes(fact.type)) {
    const cure = cures[type];
    const problem = `${name} takes ${kind(type)}, and this gives ${kind(fact.type)}.`;
    return [{ at: fact.at, problem, ...(cure && { cure }) }];
  }
  if (!options || !fact.values) return [];
  const unknown = fact.values.filter((value) => !options.includes(value));
  if (unknown.length === 0) return [];
  const problem = `${name} has no option ${unknown.join(", ")}.`;
  return [{ at: fact.at, problem, cure: `Add a map to its options: ${listed(options)}.` }];
}

function constantFaults(field: FieldDescription, { at, value }: { at: string; value: Scalar }): Fault[] {
  const { name, type, options } = field;
  if (!fits(type, value)) {
    return [
      { at, problem: `${name} takes ${kind(type)}, and ${JSON.stringify(value).slice(0, 60)} is none.` },
    ];
  }
  if (type !== "picklist" || !options || options.includes(String(value))) return [];
  const cure = didYouMean(String(value), options) ?? `Its options are: ${listed(options)}.`;
  return [{ at, problem: `${name} has no option ${String(value).slice(0, 60)}.`, cure }];
}

function fits(type: FieldType, value: Scalar): boolean {
  if (type === "number" || type === "boolean") return typeof value === type;
  if (type === "date") return typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value);
  if (type === "datetime") return typeof value === "string" && !Number.isNaN(Date.parse(value));
  return type === "picklist" || typeof value === "string";
}

function kind(type: PathType | "picklist"): string {
  if (type === "datetime") return "a date with time";
  if (type === "boolean") return "true or false";
  if (type === "picklist") return "one of its options";
  return `a ${type === "string" ? "text" : type}`;
}

function listed(options: readonly string[]): string {
  return options.length > 12 ? `${options.slice(0, 12).join(", ")} …` : options.join(", ");
}

const at = (minutes: number): string => new Date(Date.UTC(2026, 10, 20, 10, minutes)).toISOString();
const turns = 1_000;
const sentence = "I would like to know when my order arrives & whether <it> is paid.";

/** A call of an hour, for `check`: a mapping whose texts reach a limit with it does so with a real one. */
function longCall(contactFields: readonly string[]): View {
  const lines = Array.from({ length: turns }, (_, turn) => `${turn % 2 ? "Agent" : "Caller"}: ${sentence}`);
  return {
    call: {
      key: "sample:retell:call",
      callId: "call",
      provider: "retell",
      phase: "ended",
      direction: "inbound",
      outcome: "no-answer",
      startedAt: at(0),
      answeredAt: at(1),
      endedAt: at(59),
      talkSeconds: 3_480,
      ringSeconds: 60,
      customer: { number: "+12137771234", name: "Asha Rao" },
      line: "+12135550100",
      agents: [{ ids: ["1"], name: "Ravi Iyer", email: "ravi@example.com", talkedAt: at(1) }],
      transcript: lines.join("\n"),
      summary: lines.slice(0, 20).join(" "),
      sentiment: "Positive",
    },
    customerNumber: "+12137771234",
    recordingUrl: "https://calls.example.com/recordings/sample",
    transcriptUrl: "https://calls.example.com/transcripts/sample",
    contact: {
      id: "1",
      kind: "contact",
      name: "Asha Rao",
      email: "asha@example.com",
      company: "Acme",
      phones: ["+12137771234"],
      fields: Object.fromEntries(contactFields.map((name) => [name, sentence])),
    },
    owner: { id: "1", name: "Ravi Iyer", email: "ravi@example.com" },
    people: [{ ids: ["1"], name: "Ravi Iyer", email: "ravi@example.com", talkedAt: at(1) }],
    sharedWith: ["Ben Carter"],
    followUpDueMinutes: 60,
    installation: { name: "sample", region: "US", timeZone: "America/New_York" },
  };
}
