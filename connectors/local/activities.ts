import type { ContactRef } from "../../src/core/contact.ts";
import type { CallRecord, Fields, FieldValue, RemovedCall, SaveResult } from "../../src/core/crm.ts";
import { fieldsToWrite } from "../../src/core/edits.ts";
import { CrmError } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/lib/body.ts";
import { createPace } from "../../src/lib/pace.ts";
import { contactFor, faultInContact } from "./contacts.ts";
import { addRecord, type Document, removeActivity, replaceRecord, textsOf } from "./document.ts";
import { followUpOf } from "./follow-ups.ts";
import { fieldsIn, isScalar, parseRecord, withMembers } from "./record.ts";

/** Members of an activity or a task that no mapping may fill. */
const ownMembers = ["id", "key", "taskId"];

type StoredActivity = { place: number; text: Buffer; record: JsonObject };

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

/** Removes activities from the file; those that do not exist are ignored. */
export function removeCalls(document: Document, activities: readonly RemovedCall[]): void {
  for (const { key, activityId } of activities) {
    const found = findActivity(document, key, activityId) ?? findActivity(document, key);
    if (found) removeActivity(document, found.place, String(found.record["id"]), key);
  }
}

function saveCall(document: Document, record: CallRecord, region: string): SaveResult {
  const { key } = record;
  if (typeof key !== "string" || key === "")
    return { key, failed: new CrmError("never", "a call without a key cannot be saved") };
  const without: string[] = [];
  const fields = fittingIn(record.fields, (words) => without.push(words));
  const found = findActivity(document, key, record.activityId);
  if (!found && record.activityId !== undefined) return { key, gone: true };

  const current = found && fieldsIn(found.record);
  const made = record.contact ? undefined : newContact(document, record, current, region);
  if (made && "fault" in made) without.push(`a contact for its caller: ${made.fault}`);
  const contact = record.contact ?? (made && "id" in made ? made : undefined);
  const links = {
    ...(contact && { contactId: contact.id }),
    ...(record.ownerId && { ownerId: record.ownerId }),
  };
  const { write, kept } = fieldsToWrite({ ...record, fields: { ...links, ...fields } }, current);
  const leaveOut = (words: string) => void without.push(`the follow-up task: ${words}`);
  const task = followUpOf(document, withFittingTask(record, leaveOut), { ...links, ...current }, region);
  const taskId = task?.id;
  const id = put(document, found, { key, ...write, ...(taskId && { taskId }) }, region);
  const linked = linkedContact(document, { ...current, ...write }, contact);
  return {
    key,
    saved: id,
    created: !found,
    wrote: write,
    kept,
    ...(linked && { contact: linked }),
    ...(task && { task }),
    ...(without.length > 0 && { without }),
  };
}

function put(
  document: Document,
  found: StoredActivity | undefined,
  { key, ...members }: Fields & { key: string },
  region: string,
): string {
  if (!found) return addRecord(document, "activities", { key, ...members }, region);
  if (Object.keys(members).length > 0)
    replaceRecord(document, "activities", found.place, withMembers(found.text, emptied(members)));
  return String(found.record["id"]);
}

/** A field without a value is null, whatever its type. */
function emptied(members: Fields): Record<string, FieldValue | null> {
  return Object.fromEntries(
    Object.entries(members).map(([name, value]) => [name, value === "" ? null : value]),
  );
}

/** By id, else by key. Ids are used again after a deletion, so an id with another key belongs to another call. */
function findActivity(document: Document, key: string, activityId?: string): StoredActivity | undefined {
  const { byId, byKey } = document.activityPlaces;
  const place = activityId === undefined ? byKey.get(key) : byId.get(activityId);
  const text = place === undefined ? undefined : textsOf(document, "activities").get(place);
  if (place === undefined || text === undefined) return undefined;
  const record = parseRecord(text);
  return (record["key"] ?? key) === key ? { place, text, record } : undefined;
}

/** Creates the contact of an unknown caller, unless the call had one before: a person may have removed it. */
function newContact(
  document: Document,
  record: CallRecord,
  current: Fields | undefined,
  region: string,
): ContactRef | { fault: string } | undefined {
  const { createContact, ours } = record;
  const hadOne = current?.["contactId"] !== undefined || ours["contactId"] !== undefined;
  if (!createContact || hadOne) return undefined;
  const fault = faultInContact(createContact, region);
  return fault === undefined ? contactFor(document, createContact, region) : { fault };
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

/** The follow-up without the fields that it cannot have. */
function withFittingTask({ task, ...record }: CallRecord, leaveOut: (words: string) => void): CallRecord {
  return task ? { ...record, task: { ...task, fields: fittingIn(task.fields, leaveOut) } } : record;
}

/** The fields that an activity can have; `leaveOut` is called with the reason for each other one. */
function fittingIn(fields: Fields, leaveOut: (words: string) => void = () => {}): Fields {
  const fitting = Object.entries(fields).filter(([name, value]) => {
    const isOwn = ownMembers.includes(name);
    if (isOwn) leaveOut(`${name}: the local CRM fills it itself; give the field another name in the mapping`);
    else if (!isScalar(value))
      leaveOut(`${name}: neither text, number nor true/false; see its line in the mapping`);
    return !isOwn && isScalar(value);
  });
  return Object.fromEntries(fitting);
}
