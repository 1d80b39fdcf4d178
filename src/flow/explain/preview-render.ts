import type { Contact, Owner } from "../../core/contact.ts";
import type { FieldDescriptions, Fields, FieldValue, WriteMode } from "../../core/crm.ts";
import { ConfigError } from "../../core/errors.ts";
import type { InstallationSettings } from "../../core/settings.ts";
import type { TrackedCall } from "../../core/tracked-call.ts";
import { checkMapping } from "../../mapping/check.ts";
import { type Mapping, parseMapping } from "../../mapping/compile.ts";
import { createBudget, cutEnd, type RenderBudget, shareSpent, whyLimited } from "../../mapping/rendering.ts";
import type { Lookup } from "../calls/match.ts";
import { type Outgoing, recordOf } from "../calls/record.ts";

/**
 * A field that another mapping fills otherwise. Absent `before` or `after`: the field is not sent. `cut`: only the
 * beginning of one or both is shown.
 */
type FieldChange = {
  field: string;
  before?: FieldValue;
  after?: FieldValue;
  cut?: true;
  write: WriteMode;
};

type CallPreview = {
  key: string;
  activityId?: string;
  changes: FieldChange[];
  /** The fields that both mappings fill alike; only when they are asked for. */
  unchanged?: { field: string; value: FieldValue; cut?: true }[];
  /** Fields whose texts in the other mapping run into a limit, so that they are left out or get their `else`. */
  limited?: { field: string; why: string }[];
};

type Preview = {
  /** Each a `CallPreview` as JSON. */
  calls: string[];
  /** Why there are fewer calls than there could be. */
  stopped?: string;
};

/** A call with all that its record needs. */
export type PreviewedCall = {
  row: TrackedCall;
  lookup: Lookup;
  contact: Contact | undefined;
  recordingUrl: string | undefined;
  transcriptUrl: string | undefined;
};

export type MappingText = { text: string; file: string };

/** All that a preview needs, as it is sent to another thread. */
export type PreviewJob = {
  crm: string;
  settings: InstallationSettings;
  owners: readonly Owner[];
  calls: readonly PreviewedCall[];
  /** The next call was too large to be included. */
  tooLarge?: true;
  inUse: MappingText;
  next: MappingText;
  /** Shows the fields that stay as they are as well. */
  unchanged: boolean;
  /** The fields of the CRM, if they are known: what they do not take is a warning. */
  fields?: FieldDescriptions;
};

/** A preview may cost as much as this many records at their limits; usual records cost a hundredth of that. */
const mostRecords = 10;
/** From this many characters on, no more calls are added. */
const longestPreview = 1_000_000;
const longestShown = 2_000;

/**
 * What calls look like with another mapping, beside the one in use, as JSON that the serving thread passes on unchanged.
 * Throws `ConfigError`.
 */
export function previewText(job: PreviewJob): string {
  const next = mappingFor(job.crm, job.next);
  const { calls, stopped } = renderPreview(job, next);
  const end = stopped === undefined ? "" : `,"stopped":${JSON.stringify(stopped)}`;
  const warnings = job.fields && checkMapping(next, job.fields, job.next.file);
  const warned = warnings === undefined ? "" : `,"warnings":${JSON.stringify(warnings)}`;
  return `{"calls":[${calls.join(",")}]${end}${warned}}`;
}

function renderPreview(job: PreviewJob, next: Mapping): Preview {
  const inUse = parseMapping(job.inUse.text, job.inUse.file);
  const calls: string[] = [];
  let [spent, length] = [0, 0];
  for (const call of job.calls) {
    if (spent >= mostRecords) return { calls, stopped: stoppedAfter(calls.length, job.calls.length) };
    if (length >= longestPreview)
      return { calls, stopped: shownOnly(calls.length, "the changes are so long") };
    const budgets = [createBudget(), createBudget()] as const;
    const before = rendered(job, call, inUse, budgets[0]);
    const shown = JSON.stringify(previewOf(before, rendered(job, call, next, budgets[1]), job.unchanged));
    calls.push(shown);
    length += shown.length;
    spent += shareSpent(budgets[0]) + shareSpent(budgets[1]);
  }
  return job.tooLarge ? { calls, stopped: shownOnly(calls.length, "the calls are so long") } : { calls };
}

/** A mapping for a CRM. Throws `ConfigError` with all that is wrong with it. */
function mappingFor(crm: string, { text, file }: MappingText): Mapping {
  const mapping = parseMapping(text, file);
  if (mapping.crm === crm) return mapping;
  const problem = `is made for the CRM "${mapping.crm}", but this installation's is "${crm}".`;
  throw new ConfigError([{ at: `${file}: crm`, problem, cure: `Write "crm": "${crm}" and use its fields.` }]);
}

function rendered(
  { settings, owners }: PreviewJob,
  { row, lookup, contact, recordingUrl, transcriptUrl }: PreviewedCall,
  mapping: Mapping,
  budget: RenderBudget,
): Outgoing {
  const links = { recordingUrl: () => recordingUrl, transcriptUrl: () => transcriptUrl, budget };
  return recordOf(links, { settings, mapping: () => mapping }, { row, lookup, contact, owners });
}

function previewOf(
  { record: before }: Outgoing,
  { row, record: after, limited = [] }: Outgoing,
  withUnchanged: boolean,
): CallPreview {
  const { activityId } = row;
  const parts = [
    [before.fields, after.fields, ""],
    [before.task?.fields, after.task?.fields, "task."],
    [before.createContact?.fields, after.createContact?.fields, "contact."],
  ] as const;
  return {
    key: row.call.key,
    ...(activityId !== undefined && { activityId }),
    changes: parts.flatMap(([was, will, prefix]) =>
      changesOf(was, will, prefix === "" ? after.modes : {}, prefix),
    ),
    ...(withUnchanged && {
      unchanged: parts.flatMap(([was, will, prefix]) => unchangedOf(was, will, prefix)),
    }),
    ...(limited.length > 0 && {
      limited: limited.map((one) => ({ field: one.field, why: whyLimited(one) })),
    }),
  };
}

function shownOnly(calls: number, why: string): string {
  return `${why} that only the latest calls are shown: ${calls}`;
}

function stoppedAfter(done: number, all: number): string {
  const why = `the mappings ran into their limits so often that only ${done} of ${all} calls are shown`;
  return `${why}: see \`limited\` for which texts did, and docs/mappings.md#limits`;
}

function changesOf(
  before: Fields = {},
  after: Fields = {},
  modes: Readonly<Record<string, WriteMode>>,
  prefix = "",
): FieldChange[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name) => {
    const [was, will] = [own(before, name), own(after, name)];
    if (was === will) return [];
    const change = {
      ...(was !== undefined && { before: shownOf(was) }),
      ...(will !== undefined && { after: shownOf(will) }),
      ...((isLong(was) || isLong(will)) && { cut: true as const }),
    };
    return [{ field: `${prefix}${name}`, ...change, write: own(modes, name) ?? "always" }];
  });
}

function unchangedOf(
  before: Fields = {},
  after: Fields = {},
  prefix = "",
): NonNullable<CallPreview["unchanged"]> {
  return Object.entries(after).flatMap(([name, value]) => {
    if (own(before, name) !== value) return [];
    return [
      { field: `${prefix}${name}`, value: shownOf(value), ...(isLong(value) && { cut: true as const }) },
    ];
  });
}

function isLong(value: FieldValue | undefined): boolean {
  return typeof value === "string" && value.length > longestShown;
}

function shownOf(value: FieldValue): FieldValue {
  return typeof value === "string" ? cutEnd(value, longestShown) : value;
}

/** Only own members: a field may be called `constructor`. */
function own<T>(members: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(members, name) ? members[name] : undefined;
}
