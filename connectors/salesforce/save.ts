import type { ContactRef } from "../../src/core/contact.ts";
import type {
  CallRecord,
  ConnectContext,
  FollowUp,
  SaveResult,
  Fields as Values,
} from "../../src/core/contracts.ts";
import { CrmError } from "../../src/core/errors.ts";
import { createPace } from "../../src/lib/pace.ts";
import { wroteOf } from "./follow-up.ts";
import {
  contactIn,
  type Desk,
  type Item,
  linkOf,
  linksAfter,
  type Plan,
  planCall,
  planTask,
  type Written,
} from "./plan.ts";
import { type Current, shortId, tasksById, tasksByKey } from "./read.ts";
import type { RequestOptions } from "./transport.ts";
import { type CreatedContact, contactsFor, type WantedContact } from "./unknown-callers.ts";
import type { ObjectRow } from "./values.ts";
import { writeTasks } from "./write.ts";

/** A call and what the org has of it now. `task`: its follow-up there, which may be deleted. */
type FoundCall = { record: CallRecord; current?: Current; task?: Current };
/** `call`: absent when nothing is to be written. `followUp`: absent when none is to be made. `made`: the one that is there. `noFollowUp`: why none can be. */
type Ready = FoundCall & { plan: Plan; call?: Item; followUp?: Item; made?: FollowUp; noFollowUp?: string };

/** Saves each record by itself; of records with the same key the last one counts. */
export async function saveCalls(
  desk: Desk,
  records: readonly CallRecord[],
  ask: RequestOptions,
  context: ConnectContext,
): Promise<SaveResult[]> {
  const byKey = new Map(records.map((record) => [record.key, record]));
  const results = new Map<string, SaveResult>();
  const present: FoundCall[] = [];
  for (const found of await read(desk, [...byKey.values()])) {
    const { key, activityId } = found.record;
    const isGone = found.current ? found.current.deleted : activityId !== undefined;
    if (isGone) results.set(key, { key, gone: true });
    else present.push(found);
  }
  const made = await contactsFor(desk, present.flatMap(unknownCaller), ask, context);
  const ready: Ready[] = [];
  const pace = createPace();
  for (const found of present) {
    const planned = plan(desk, found, contactFor(found, made));
    if (planned instanceof CrmError)
      results.set(found.record.key, { key: found.record.key, failed: planned });
    else ready.push(planned);
    await pace();
  }
  const items = ready.flatMap(({ call, followUp }) => [
    ...(call ? [call] : []),
    ...(followUp ? [followUp] : []),
  ]);
  const written = await writeTasks(desk, items);
  const writtenOf = new Map(items.map((item, i) => [item, written[i]]));
  for (const one of ready) results.set(one.record.key, resultOf(one, writtenOf, desk.book.keyName));
  return [...byKey.keys()].flatMap((key) => results.get(key) ?? []);
}

/** Reads what may be there: a call that was never sent is not. */
async function read({ connection, book }: Desk, records: readonly CallRecord[]): Promise<FoundCall[]> {
  const maySave = (record: CallRecord) =>
    book.ledger || record.sentAt !== undefined || Object.keys(record.ours).length > 0;
  const names = [...new Set(records.flatMap(({ fields }) => Object.keys(fields)))];
  const ids = records.flatMap(({ activityId }) => activityId ?? []);
  const byId = ids.length > 0 ? await tasksById(connection, book, ids, names) : new Map<string, Current>();
  const keys = records.flatMap((record) => {
    const isKnown = record.activityId !== undefined;
    const needsTask = wantsTask(record) && (isKnown || maySave(record));
    return [
      ...(!isKnown && maySave(record) ? [record.key] : []),
      ...(needsTask ? [taskKey(record.key)] : []),
    ];
  });
  const byKey =
    keys.length > 0 ? await tasksByKey(connection, book, keys, names) : new Map<string, Current>();
  return records.map((record) => {
    const { activityId, key } = record;
    const current = activityId === undefined ? byKey.get(key) : byId.get(shortId(activityId));
    const task = byKey.get(taskKey(key));
    return { record, ...(current && { current }), ...(task && { task }) };
  });
}

/** Made once per key; what a person did with it afterwards is theirs. */
function wantsTask({ task, ours }: CallRecord): boolean {
  return task !== undefined && !("taskId" in ours);
}

function taskKey(key: string): string {
  return `${key}:task`;
}

/** Nobody is made for a call that had a contact before: a person may have taken it away. */
function unknownCaller({ record, current }: FoundCall): WantedContact[] {
  const { createContact, contact, ours } = record;
  const hadOne =
    contact !== undefined || "contactId" in ours || contactIn(linksAfter(current, {})) !== undefined;
  return createContact && !hadOne ? [createContact] : [];
}

function contactFor(
  found: FoundCall,
  made: Awaited<ReturnType<typeof contactsFor>>,
): CreatedContact | undefined {
  const [wanted] = unknownCaller(found);
  return wanted ? made.get(wanted.number) : found.record.contact;
}

/** A contact that could not be made is no reason not to log its call: it is matched later. */
function plan(desk: Desk, found: FoundCall, made: CreatedContact | undefined): Ready | CrmError {
  const { record, current, task } = found;
  const { book, warn } = desk;
  if (made instanceof CrmError && made.retry === "later") return made;
  const { contact, without } = contactIfMade(made);
  const planned = planCall(record, current, contact, { book, warn });
  const plan = { ...planned, without: [...planned.without, ...without] };
  const links = linksAfter(current, plan.row);
  const linked = contact && links[linkOf(contact)] === contact.id ? { contact } : {};
  const { fallbackOwnerId } = record;
  const common = { ...linked, ...(fallbackOwnerId !== undefined && { fallbackOwner: fallbackOwnerId }) };
  const isEmpty = current !== undefined && Object.keys(plan.row).length === 0;
  const row = current ? { ...plan.row, Id: current.id } : { ...plan.row, [book.keyName]: record.key };
  const call: Item = { what: "the call", change: current !== undefined, row, ...common };
  const ready: Ready = { ...found, plan, ...(!isEmpty && { call }) };
  if (!record.task || !wantsTask(record)) return ready;
  const { row: taskRow, without: left } = planTask(record.task.fields, links, book, warn);
  ready.plan = { ...plan, without: [...plan.without, ...left] };
  // An earlier attempt made it, whose answer was lost.
  if (task) return { ...ready, made: { id: task.id, wrote: wroteOf(taskRow, book.keyName) } };
  const withKey = { ...taskRow, [book.keyName]: taskKey(record.key) };
  return { ...ready, followUp: { what: "the follow-up task", change: false, row: withKey, ...common } };
}

function contactIfMade(made: CreatedContact | undefined): {
  contact?: ContactRef;
  without: readonly string[];
} {
  if (!made) return { without: [] };
  if (made instanceof CrmError) return { without: [`a contact for its caller: ${made.message}`] };
  const { id, kind, without = [] } = made;
  return { contact: { id, kind }, without };
}

function resultOf(
  ready: Ready,
  writtenOf: ReadonlyMap<Item, Written | undefined>,
  keyName: string,
): SaveResult {
  const { record, current, plan, call, followUp } = ready;
  const { key } = record;
  const saved = call ? writtenOf.get(call) : { id: current?.id ?? "", created: false, item: undefined };
  const follow = followUp && writtenOf.get(followUp);
  if (!saved)
    return { key, failed: new CrmError("later", "Salesforce's answer said nothing about this call") };
  if (!("id" in saved)) return { key, ...saved };
  // The call is there, whatever became of its follow-up; what may be accepted later is sent again with it.
  if (follow && "failed" in follow && follow.failed.retry === "later") return { key, ...follow };
  const row = saved.item?.row ?? {};
  const wrote = wroteIn(plan.wrote, row, saved.item?.contact);
  const refused = follow && "failed" in follow ? [`the follow-up task: ${follow.failed.message}`] : [];
  const without = [...plan.without, ...(saved.item?.without ?? []), ...refused];
  const made =
    follow && "id" in follow ? { id: follow.id, wrote: wroteOf(follow.item.row, keyName) } : ready.made;
  if (made) wrote["taskId"] = made.id;
  const contact = contactIn(linksAfter(current, row));
  return {
    key,
    saved: saved.id,
    created: saved.created,
    wrote,
    kept: plan.kept,
    ...(contact && { contact }),
    ...(made && { task: made }),
    ...(without.length > 0 && { without }),
  };
}

/** What was written in the end, in the mapping's words: less than planned, or with another owner or contact. */
function wroteIn(
  planned: Readonly<Values>,
  row: Readonly<ObjectRow>,
  contact: ContactRef | undefined,
): Values {
  const wrote: Values = {};
  for (const [name, value] of Object.entries(planned)) {
    if (name === "contactId") {
      if (contact) wrote[name] = contact.id;
    } else if (name === "ownerId" || name === "OwnerId") {
      if (typeof row["OwnerId"] === "string") wrote[name] = row["OwnerId"];
    } else if (row[name] !== undefined) wrote[name] = value;
  }
  return wrote;
}
