import { type ContactRef, chooseContact } from "../../src/core/contact.ts";
import {
  type CallRecord,
  type Fields,
  type FollowUp,
  type FollowUpStanding,
  fieldsToWrite,
  type RemovedCall,
  type SaveResult,
} from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import { identityOf, toE164 } from "../../src/core/phone.ts";
import type { JsonObject } from "../../src/lib/body.ts";
import { createPace } from "../../src/lib/pace.ts";
import type { ActivityLog } from "./activity-log.ts";
import { addContact, type Document } from "./contacts-file.ts";
import { fieldsIn, isScalar, shapes } from "./records.ts";

type Crm = { document: Document; log: ActivityLog; region: string };
type NewContact = NonNullable<CallRecord["createContact"]>;

/** Members of an activity or a task that no mapping may fill. */
const ownMembers = ["id", "key", "taskId", "taskFor"];
const done = "done";

/** Saves each record by itself; of records with the same key the last one counts. */
export async function saveCalls(crm: Crm, records: readonly CallRecord[]): Promise<SaveResult[]> {
  const pace = createPace();
  const results = new Map<string, SaveResult>();
  for (const [key, record] of new Map(records.map((record) => [record.key, record]))) {
    results.set(key, await saveCall(crm, record));
    await pace();
  }
  return records.flatMap(({ key }) => results.get(key) ?? []);
}

/** Removes activities; those that do not exist are ignored. */
export async function removeCalls(log: ActivityLog, activities: readonly RemovedCall[]): Promise<void> {
  for (const { key, activityId } of activities) log.remove(key, activityId);
}

async function saveCall(crm: Crm, record: CallRecord): Promise<SaveResult> {
  const { document, log, region } = crm;
  const { key } = record;
  if (typeof key !== "string" || key === "")
    return { key, failed: new CrmError("never", "a call without a key cannot be saved") };
  const without: string[] = [];
  const fields = fittingIn(record.fields, (words) => without.push(words));
  const found = await log.activity(key, record.activityId);
  if (!found && record.activityId !== undefined) return { key, gone: true };

  const current = found && fieldsIn(found);
  const made = record.contact ? undefined : newContact(document, record, current, region);
  if (made && "fault" in made) without.push(`a contact for its caller: ${made.fault}`);
  const contact = record.contact ?? (made && "id" in made ? made : undefined);
  const links = {
    ...(contact && { contactId: contact.id }),
    ...(record.ownerId && { ownerId: record.ownerId }),
  };
  const { write, kept } = fieldsToWrite({ ...record, fields: { ...links, ...fields } }, current);
  const leaveOut = (words: string) => void without.push(`the follow-up task: ${words}`);
  const task = await followUpOf(log, withFittingTask(record, leaveOut), { ...links, ...current });
  const members = { ...write, ...(task && { taskId: task.id }) };
  const id = found ? String(found["id"]) : log.nextId("activities");
  if (!found) log.put("activities", { id, key, ...members });
  else if (Object.keys(members).length > 0) log.put("activities", { ...found, ...emptied(members) });
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

/** A field without a value is null, whatever its type. */
function emptied(members: Fields): JsonObject {
  return Object.fromEntries(
    Object.entries(members).map(([name, value]) => [name, value === "" ? null : value]),
  );
}

/** The contact of an unknown caller, unless the call had one before: a person may have removed it. */
function newContact(
  document: Document,
  { createContact, ours }: CallRecord,
  current: Fields | undefined,
  region: string,
): ContactRef | { fault: string } | undefined {
  const hadOne = current?.["contactId"] !== undefined || ours["contactId"] !== undefined;
  if (!createContact || hadOne) return undefined;
  const fault = faultInContact(createContact, region);
  return fault === undefined ? contactFor(document, createContact, region) : { fault };
}

/** Why this contact cannot be created; undefined when it can. */
function faultInContact({ number, fields }: NewContact, region: string): string | undefined {
  if (!toE164(number, region)) return "a contact can only be made for a number that can be dialled";
  for (const name of ["id", "phones"])
    if (Object.hasOwn(fields, name)) return `the local CRM fills "${name}" of a contact itself`;
  const [issue] = shapes.contacts.safeParse({ id: "1", ...fields }).error?.issues ?? [];
  return issue && `new contact, ${issue.path.join(".")}: ${issue.message}`;
}

/** The contact with this number: an existing one, else a new one. */
function contactFor(
  document: Document,
  { number, phone = number, fields }: NewContact,
  region: string,
): ContactRef {
  const identity = identityOf(number, region) ?? number;
  const known = chooseContact(document.contactsByNumber.get(identity) ?? []).contact;
  if (known) return { id: known.id, kind: known.kind };
  const { name, ...others } = fields;
  const phones = [toE164(phone, region) ?? phone];
  const { id, kind } = addContact(
    document,
    { ...(name !== undefined && { name }), phones, ...others },
    region,
  );
  return { id, kind };
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

/** The follow-up of a call, created once. The activity records it, so that a deleted one is not created again. */
async function followUpOf(
  log: ActivityLog,
  { key, task, ours }: CallRecord,
  { contactId, ownerId, taskId }: Fields,
): Promise<FollowUp | undefined> {
  if (!task || "taskId" in ours) return undefined;
  const links = { ...(contactId !== undefined && { contactId }), ...(ownerId !== undefined && { ownerId }) };
  const wrote = { ...links, ...task.fields };
  const known = log.taskIdOf(key) ?? taskId;
  if (known !== undefined) return { id: String(known), wrote };
  const id = log.nextId("tasks");
  log.put("tasks", { id, taskFor: key, ...wrote });
  return { id, wrote };
}

export async function standingsOf(
  log: ActivityLog,
  tasks: readonly FollowUp[],
): Promise<Map<string, FollowUpStanding>> {
  const standings = new Map<string, FollowUpStanding>();
  for (const task of tasks) standings.set(task.id, standingOf(await log.task(task.id), task));
  return standings;
}

export async function closeTasks(
  log: ActivityLog,
  tasks: readonly FollowUp[],
): Promise<Map<string, "closed" | "touched" | "done">> {
  const results = new Map<string, "closed" | "touched" | "done">();
  for (const task of tasks) {
    const found = await log.task(task.id);
    const standing = standingOf(found, task);
    if (found && standing === "open") log.put("tasks", { ...found, status: done });
    results.set(task.id, standing === "open" ? "closed" : standing);
  }
  return results;
}

function standingOf(found: JsonObject | undefined, { wrote }: FollowUp): FollowUpStanding {
  if (!found) return "done";
  const { id: _, taskFor: __, ...now } = fieldsIn(found);
  if (now["status"] === done) return "done";
  const names = new Set([...Object.keys(now), ...Object.keys(wrote)]);
  const isSame = [...names].every((name) => String(now[name] ?? "") === String(wrote[name] ?? ""));
  return isSame ? "open" : "touched";
}

/** The follow-up without the fields that it cannot have. */
function withFittingTask({ task, ...record }: CallRecord, leaveOut: (words: string) => void): CallRecord {
  return task ? { ...record, task: { ...task, fields: fittingIn(task.fields, leaveOut) } } : record;
}

/** The fields that an activity can have; `leaveOut` is called with the reason for each other one. */
function fittingIn(fields: Fields, leaveOut: (words: string) => void): Fields {
  const fitting = Object.entries(fields).filter(([name, value]) => {
    const isOwn = ownMembers.includes(name);
    if (isOwn) leaveOut(`${name}: the local CRM fills it itself; give the field another name in the mapping`);
    else if (!isScalar(value))
      leaveOut(`${name}: neither text, number nor true/false; see its line in the mapping`);
    return !isOwn && isScalar(value);
  });
  return Object.fromEntries(fitting);
}
