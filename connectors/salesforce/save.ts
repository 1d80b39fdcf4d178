import type { ContactRef } from "../../src/core/contact.ts";
import type { CallRecord, FollowUp, SaveResult, Fields as Values } from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import { eachInTurn } from "../../src/lib/pace.ts";
import {
  failedCall,
  goneCall,
  openBatch,
  type ReadyCall,
  type SavedCall,
  type SettledCall,
} from "../../src/lib/saving.ts";
import type { TaskWork } from "./account.ts";
import { wroteOf } from "./follow-up.ts";
import { contactIn, linkOf, linksAfter, planCall, planTask, type TaskRow, type WrittenTask } from "./plan.ts";
import { type CallInOrg, type Current, readCalls, taskKey, wantsTask } from "./read.ts";
import { type CreatedContact, contactsFor, type WantedContact } from "./unknown-callers.ts";
import type { ObjectRow } from "./values.ts";
import { writeTasks } from "./write.ts";

type ReadyTask = ReadyCall<Current> & {
  /** Absent when there is nothing to write. */
  call?: TaskRow;
  /** Absent when none is to be created. */
  newFollowUp?: TaskRow;
  /** The follow-up that exists already. */
  made?: FollowUp;
};

/** Saves each record by itself; of records with the same key the last one counts. */
export async function saveCalls(work: TaskWork, records: readonly CallRecord[]): Promise<SaveResult[]> {
  const batch = openBatch(records);
  const found = batch.open(await readCalls(work, batch.records));
  const made = await contactsFor(work, found.flatMap(unknownCaller));
  const ready = batch.open(await eachInTurn(found, (call) => readyTask(work, call, contactFor(call, made))));
  const rows = ready.flatMap(({ call, newFollowUp }) => [call ?? [], newFollowUp ?? []].flat());
  const written = await writeTasks(work, rows);
  const writtenOf = new Map(rows.map((row, i) => [row, written[i]]));
  return batch.results(batch.open(ready.map((call) => savedCall(call, writtenOf, work.keyName))));
}

/** A call that had a contact before gets no new one: a person may have removed it. */
function unknownCaller({ record, current }: CallInOrg): WantedContact[] {
  const { createContact, contact, ours } = record;
  const hadOne =
    contact !== undefined || "contactId" in ours || contactIn(linksAfter(current, {})) !== undefined;
  return createContact && !hadOne ? [createContact] : [];
}

function contactFor(call: CallInOrg, made: ReadonlyMap<string, CreatedContact>): CreatedContact | undefined {
  const [wanted] = unknownCaller(call);
  return wanted ? made.get(wanted.number) : call.contact;
}

/** A call whose contact could not be created is logged, and matched later. */
function readyTask(
  work: TaskWork,
  found: CallInOrg,
  made: CreatedContact | undefined,
): ReadyTask | SettledCall {
  const { record, current, followUp } = found;
  const { keyName } = work;
  if (made instanceof CrmError && made.retry === "later") return failedCall(record, made);
  const { contact, without } = contactIfMade(made);
  const plan = planCall(record, current, contact, work);
  const links = linksAfter(current, plan.row);
  const { fallbackOwnerId } = record;
  const common = {
    ...(contact && links[linkOf(contact)] === contact.id && { contact }),
    ...(fallbackOwnerId !== undefined && { fallbackOwner: fallbackOwnerId }),
  };
  const isEmpty = current !== undefined && Object.keys(plan.row).length === 0;
  const row = current ? { ...plan.row, Id: current.id } : { ...plan.row, [keyName]: record.key };
  const call: TaskRow = { what: "the call", change: current !== undefined, row, ...common };
  const ready: ReadyTask = {
    ...found,
    wrote: plan.wrote,
    leftAlone: plan.leftAlone,
    without: [...plan.without, ...without],
    ...(!isEmpty && { call }),
  };
  if (!record.task || !wantsTask(record)) return ready;
  const next = planTask(record.task.fields, links, work);
  const withTask = { ...ready, without: [...ready.without, ...next.without] };
  // An earlier attempt created it, and its answer was lost.
  if (followUp) return { ...withTask, made: { id: followUp.id, wrote: wroteOf(next.row, keyName) } };
  const withKey = { ...next.row, [keyName]: taskKey(record.key) };
  return { ...withTask, newFollowUp: { what: "the follow-up task", change: false, row: withKey, ...common } };
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

/** A call with its row, and its follow-up's, as they were written. */
function savedCall(
  ready: ReadyTask,
  writtenOf: ReadonlyMap<TaskRow, WrittenTask | undefined>,
  keyName: string,
): SavedCall<Current> | SettledCall {
  const { call, newFollowUp, contact: _, ...found } = ready;
  const { record, current } = found;
  const answer = call ? writtenOf.get(call) : { id: current?.id ?? "", created: false, row: undefined };
  const follow = newFollowUp && writtenOf.get(newFollowUp);
  if (!answer)
    return failedCall(record, new CrmError("later", "Salesforce's answer said nothing about this call"));
  if ("gone" in answer) return goneCall(record);
  if ("failed" in answer) return failedCall(record, answer.failed, answer.contactGone);
  // The call is logged, whatever became of its follow-up; one that may be accepted later is sent again with it.
  if (follow && "failed" in follow && follow.failed.retry === "later")
    return failedCall(record, follow.failed, follow.contactGone);
  const row = answer.row?.row ?? {};
  const refused = follow && "failed" in follow ? [`the follow-up task: ${follow.failed.message}`] : [];
  const task =
    follow && "id" in follow ? { id: follow.id, wrote: wroteOf(follow.row.row, keyName) } : ready.made;
  const contact = contactIn(linksAfter(current, row));
  return {
    ...found,
    activityId: answer.id,
    created: answer.created,
    wrote: { ...wroteIn(ready.wrote, row, answer.row?.contact), ...(task && { taskId: task.id }) },
    without: [...ready.without, ...(answer.row?.without ?? []), ...refused],
    ...(contact && { contact }),
    ...(task && { task }),
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
