import type { Contact, Owner } from "../core/contact.ts";
import type { Fields, FieldValue, WriteMode } from "../core/contracts.ts";
import { ConfigError } from "../core/errors.ts";
import type { InstallationSettings } from "../core/settings.ts";
import { createBudget, type RenderBudget, shareSpent } from "../mapping/budget.ts";
import { type Mapping, parseMapping } from "../mapping/compile.ts";
import { whyLimited } from "../mapping/limits.ts";
import type { CallRow } from "../store/contract.ts";
import type { Lookup } from "./match.ts";
import { type Outgoing, recordOf } from "./record.ts";

/** A field that another mapping fills otherwise. Absent `before` or `after`: the field is not sent. */
type FieldChange = { field: string; before?: FieldValue; after?: FieldValue; write: WriteMode };

/** `limited`: fields whose texts in the other mapping run into a limit, so that they are left out or get their `else`. */
type CallPreview = {
  key: string;
  activityId?: string;
  changes: FieldChange[];
  limited?: { field: string; why: string }[];
};

/** `stopped`: why there are fewer calls than there could be. */
export type Preview = { calls: CallPreview[]; stopped?: string };

/** A call with all that its record needs. */
export type PreviewedCall = {
  row: CallRow;
  lookup: Lookup;
  contact: Contact | undefined;
  recordingUrl: string | undefined;
  transcriptUrl: string | undefined;
};

export type MappingText = { text: string; file: string };

/** All that a preview needs, as it crosses to another thread. */
export type PreviewJob = {
  crm: string;
  settings: InstallationSettings;
  owners: readonly Owner[];
  calls: readonly PreviewedCall[];
  inUse: MappingText;
  next: MappingText;
};

/** A preview may take as much as so many records that spend all they have; usual ones need a hundredth of that. */
const mostRecords = 10;

/** What calls look like with another mapping, beside what the one in use makes of them. Throws `ConfigError`. */
export function renderPreview(job: PreviewJob): Preview {
  const next = mappingFor(job.crm, job.next);
  const inUse = parseMapping(job.inUse.text, job.inUse.file);
  const calls: CallPreview[] = [];
  let spent = 0;
  for (const call of job.calls) {
    if (spent >= mostRecords) return { calls, stopped: stoppedAfter(calls.length, job.calls.length) };
    const budgets = [createBudget(), createBudget()] as const;
    const before = rendered(job, call, inUse, budgets[0]);
    calls.push(previewOf(before, rendered(job, call, next, budgets[1])));
    spent += shareSpent(budgets[0]) + shareSpent(budgets[1]);
  }
  return { calls };
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
): CallPreview {
  const { activityId } = row;
  return {
    key: row.call.key,
    ...(activityId !== undefined && { activityId }),
    changes: [
      ...changesOf(before.fields, after.fields, after.modes),
      ...changesOf(before.task?.fields, after.task?.fields, {}, "task."),
      ...changesOf(before.createContact?.fields, after.createContact?.fields, {}, "contact."),
    ],
    ...(limited.length > 0 && {
      limited: limited.map((one) => ({ field: one.field, why: whyLimited(one) })),
    }),
  };
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
    const change = { ...(was !== undefined && { before: was }), ...(will !== undefined && { after: will }) };
    return [{ field: `${prefix}${name}`, ...change, write: own(modes, name) ?? "always" }];
  });
}

/** Only own members: a field may be called `constructor`. */
function own<T>(members: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(members, name) ? members[name] : undefined;
}
