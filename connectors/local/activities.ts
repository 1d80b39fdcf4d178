import type { ContactRef } from "../../src/core/contact.ts";
import type { CallRecord, Fields, RemovedCall, SaveResult } from "../../src/core/contracts.ts";
import { fieldsToWrite } from "../../src/core/edits.ts";
import { CrmError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/lib/body.ts";
import { createPace } from "../../src/lib/pace.ts";
import { contactFor, faultInContact } from "./contacts.ts";
import { addRecord, type Document, removeActivity, replaceRecord, textsOf } from "./document.ts";
import { followUpOf } from "./follow-ups.ts";
import { fieldsIn, isScalar, parseRecord, withMembers } from "./record.ts";

/** Members of an activity or a task that are not a mapping's to fill. */
const ownMembers = ["id", "key", "taskId"];

type Found = { place: number; text: Buffer; record: JsonObject };

/** Saves each record by itself; of records with the same key the last one counts. */
export async function saveCalls(
  document: Document,
  records: readonly CallRecord[],
  region: string,
): Promise<SaveResult[]> {
  const pace = createPace();
  const results = new Map<string, SaveResult>();
  for (const [key, record] of new Map(records.map((record) => [record.key, record]))) {
    results.set(key, saveCall(document, record, region));
    await pace();
  }
  return records.flatMap(({ key }) => results.get(key) ?? []);
}

/** Takes activities out of the file; those that are gone already are fine. */
export function removeCalls(document: Document, activities: readonly RemovedCall[]): void {
  for (const { key, activityId } of activities) {
    const found = findActivity(document, key, activityId) ?? findActivity(document, key);
    if (found) removeActivity(document, found.place, String(found.record["id"]), key);
  }
}

function saveCall(document: Document, record: CallRecord, region: string): SaveResult {
  const { key } = record;
  const fault = faultIn(record, region);
  if (fault) return { key, failed: new CrmError("never", fault) };
  const found = findActivity(document, key, record.activityId);
  if (!found && record.activityId !== undefined) return { key, gone: true };

  const current = found && fieldsIn(found.record);
  const contact = record.contact ?? newContact(document, record, current, region);
  const links = {
    ...(contact && { contactId: contact.id }),
    ...(record.ownerId && { ownerId: record.ownerId }),
  };
  const { write, kept } = fieldsToWrite({ ...record, fields: { ...links, ...record.fields } }, current);
  const refused = record.task && faultInFields(record.task.fields);
  const task = refused ? undefined : followUpOf(document, record, { ...links, ...current }, region);
  const taskId = task?.id;
  const id = put(document, found, key, { ...write, ...(taskId && { taskId }) }, region);
  const linked = linkedContact(document, { ...current, ...write }, contact);
  return {
    key,
    saved: id,
    created: !found,
    wrote: write,
    kept,
    ...(linked && { contact: linked }),
    ...(task && { task }),
    ...(refused && { without: [`the follow-up task: ${refused}`] }),
  };
}

function put(
  document: Document,
  found: Found | undefined,
  key: string,
  members: Fields,
  region: string,
): string {
  if (!found) return addRecord(document, "activities", { key, ...members }, region);
  if (Object.keys(members).length > 0)
    replaceRecord(document, "activities", found.place, withMembers(found.text, members));
  return String(found.record["id"]);
}

/** By id, else by key. An id that now belongs to another call is not this call's: ids are used again after a deletion. */
function findActivity(document: Document, key: string, activityId?: string): Found | undefined {
  const { byId, byKey } = document.activityPlaces;
  const place = activityId === undefined ? byKey.get(key) : byId.get(activityId);
  const text = place === undefined ? undefined : textsOf(document, "activities").get(place);
  if (place === undefined || text === undefined) return undefined;
  const record = parseRecord(text);
  return (record["key"] ?? key) === key ? { place, text, record } : undefined;
}

/** Makes the contact of an unknown caller, unless this call has had one before: then a person may have taken it away. */
function newContact(
  document: Document,
  record: CallRecord,
  current: Fields | undefined,
  region: string,
): ContactRef | undefined {
  const hadOne = current?.["contactId"] !== undefined || record.ours["contactId"] !== undefined;
  return record.createContact && !hadOne ? contactFor(document, record.createContact, region) : undefined;
}

function linkedContact(
  document: Document,
  fields: Fields,
  contact: ContactRef | undefined,
): ContactRef | undefined {
  const id = String(fields["contactId"] ?? "");
  if (contact?.id === id) return { id, kind: contact.kind };
  const known = document.contacts.get(id);
  return known && { id, kind: known.kind };
}

/** Why a record cannot be saved. Asked first, so that a refused record leaves nothing behind. */
function faultIn({ key, fields, createContact }: CallRecord, region: string): string | undefined {
  if (typeof key !== "string" || key === "") return "a call without a key cannot be saved";
  return faultInFields(fields) ?? (createContact && faultInContact(createContact, region));
}

function faultInFields(fields: Fields): string | undefined {
  for (const [name, value] of Object.entries(fields)) {
    if (ownMembers.includes(name))
      return `the local CRM fills "${name}" itself: give the field another name in the mapping`;
    if (!isScalar(value))
      return `"${name}" is neither text, number nor true/false: see its line in the mapping`;
  }
  return undefined;
}
