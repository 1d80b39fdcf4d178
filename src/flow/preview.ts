import { chooseContact } from "../core/contact.ts";
import type { Fields, FieldValue, WriteMode } from "../core/contracts.ts";
import { ConfigError } from "../core/errors.ts";
import { type Mapping, parseMapping } from "../mapping/compile.ts";
import type { CallRow } from "../store/contract.ts";
import type { Flow, Installation } from "./installation.ts";
import type { Lookup } from "./match.ts";
import { contactRefOf, recordOf } from "./record.ts";

/** A field that another mapping fills otherwise. Absent `before` or `after`: the field is not sent. */
export type FieldChange = { field: string; before?: FieldValue; after?: FieldValue; write: WriteMode };
export type CallPreview = { key: string; activityId?: string; changes: FieldChange[] };

/** A mapping that somebody wants to use for a CRM. Throws `ConfigError` with all that is wrong with it. */
export function mappingFor(crm: string, text: string, file: string): Mapping {
  const mapping = parseMapping(text, file);
  if (mapping.crm === crm) return mapping;
  const problem = `is made for the CRM "${mapping.crm}", but this installation's is "${crm}".`;
  throw new ConfigError([{ at: `${file}: crm`, problem, cure: `Write "crm": "${crm}" and use its fields.` }]);
}

/**
 * What the latest calls would look like with another mapping, beside what the one in use makes of them now.
 * Reads only the index, never the CRM. Calls that would stay as they are have no changes.
 */
export async function previewMapping(
  flow: Flow,
  installation: Installation,
  next: Mapping,
  calls = 20,
): Promise<CallPreview[]> {
  const { name } = installation.settings;
  const rows = await flow.store.calls({ installation: name, limit: calls });
  const owners = await flow.store.owners(name);
  const previews: CallPreview[] = [];
  for (const row of rows) {
    const lookup = await lookupOf(flow, installation, row);
    const ref = contactRefOf(row, lookup);
    const contact = ref && ((await flow.store.contact(name, ref)) ?? { ...ref, phones: [], fields: {} });
    const record = (mapping: Mapping) =>
      recordOf(flow, { ...installation, mapping: () => mapping }, row, lookup, contact, owners).record;
    const [before, after] = [record(installation.mapping()), record(next)];
    const changes = [
      ...changesOf(before.fields, after.fields, after.modes),
      ...changesOf(before.task?.fields, after.task?.fields, {}, "task."),
      ...changesOf(before.createContact?.fields, after.createContact?.fields, {}, "contact."),
    ];
    const { activityId } = row;
    previews.push({ key: row.call.key, ...(activityId !== undefined && { activityId }), changes });
  }
  return previews;
}

async function lookupOf(
  { store }: Flow,
  { settings }: Installation,
  { number, contact }: CallRow,
): Promise<Lookup> {
  if (contact || number === undefined) return { lookup: "preview" };
  const found = await store.contactsByNumber(settings.name, [number]);
  return { number, lookup: "index", choice: chooseContact(found.get(number) ?? [], settings.contactOrder) };
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
