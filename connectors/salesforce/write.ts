import type { Connection } from "jsforce";
import type { ContactRef } from "../../src/core/contact.ts";
import type { RemovedCall } from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import { isObject, type JsonObject, textAt } from "../../src/lib/body.ts";
import { inParts } from "../../src/lib/pace.ts";
import type { TaskWork } from "./account.ts";
import { faultIn, rowFailure, type SalesforceFault } from "./errors.ts";
import { leaveOut } from "./leave-out.ts";
import { linkOf, type TaskRow, type WrittenTask } from "./plan.ts";
import { shortId, tasksByKey } from "./read.ts";
import { create, type RowResult, sendRows, update, upsertBy } from "./rows.ts";
import type { OrgSchema } from "./schema.ts";
import { inLists, queryAll } from "./transport.ts";

/** Owner, contact and fields may be refused one after the other; a row is given up after this many tries. */
const mostRounds = 8;

/** Writes Tasks; rows that the org refuses are corrected and sent again. Throws when Salesforce took none of them. */
export async function writeTasks(work: TaskWork, rows: readonly TaskRow[]): Promise<WrittenTask[]> {
  const written: WrittenTask[] = [];
  let waiting = [...rows.entries()];
  for (let round = 1; waiting.length > 0; round += 1) {
    const results = await sendTasks(
      work,
      waiting.map(([, row]) => row),
    );
    const lost = results.flatMap((result) => ("lost" in result ? [result.lost] : []));
    if (round === 1 && lost[0] && lost.length === results.length) throw lost[0];
    const doubtful = waiting.flatMap(([, row], place) => idsInDoubt(row, faultsIn(results[place])));
    const standings = await readStandings(work.connection, doubtful);
    const again: typeof waiting = [];
    for (const [place, [index, row]] of waiting.entries()) {
      const result = results[place] ?? { faults: [] };
      if ("id" in result) written[index] = { ...result, created: result.created && !row.change, row };
      else if ("lost" in result) written[index] = { failed: result.lost };
      else {
        const { faults } = result;
        const outdated = outdatedBy(work.schema, row, faults);
        const last = round === mostRounds - 1;
        const mayRetry = round < mostRounds && !outdated;
        const next = mayRetry ? corrected(row, faults, standings, { ...work, last }) : undefined;
        if (next && "what" in next) again.push([index, next]);
        else written[index] = next ?? { failed: outdated ?? rowFailure(row.what, faults) };
      }
    }
    waiting = again;
  }
  return written;
}

/** New Tasks first, then existing ones, which may lock each other out. */
async function sendTasks(
  { connection, schema, keyName, ledger }: TaskWork,
  tasks: readonly TaskRow[],
): Promise<RowResult[]> {
  const createNew = ledger ? create(connection, "Task") : upsertBy(connection, keyName);
  const results: RowResult[] = [];
  for (const change of [false, true]) {
    const places = tasks.flatMap((task, i) => (task.change === change ? [i] : []));
    const rows = places.map((i) => tasks[i]?.row ?? {});
    const request = change ? update(connection) : createNew;
    const sent = await sendRows(rows, request, { atOnce: !change, isOutdated: schema.forget });
    for (const [n, i] of places.entries()) results[i] = sent[n] ?? { faults: [] };
  }
  return results;
}

function faultsIn(result: RowResult | undefined): readonly SalesforceFault[] {
  return result && "faults" in result ? result.faults : [];
}

/** A field or picklist may have changed since the schema was read: then the call is retried with the new schema. */
function outdatedBy(
  schema: OrgSchema,
  { what }: TaskRow,
  faults: readonly SalesforceFault[],
): CrmError | undefined {
  const changed = faults.some(({ code }) => /^INVALID_(FIELD|OR_NULL_FOR_RESTRICTED_PICKLIST)/.test(code));
  if (!changed || !schema.forget()) return undefined;
  return new CrmError("later", rowFailure(what, faults).message, { afterMs: 0 });
}

/** Whether records that a row names exist, by the first 15 characters of their id; a lead may have become a contact. */
type RecordStandings = ReadonlyMap<string, "there" | "gone" | ContactRef>;

const brokenLink = new Set([
  "INACTIVE_OWNER_OR_USER",
  "INVALID_CROSS_REFERENCE_KEY",
  "ENTITY_IS_DELETED",
  "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
  "CANNOT_UPDATE_CONVERTED_LEAD",
  "MALFORMED_ID",
]);

const links = ["Id", "WhoId", "WhatId", "OwnerId"];

/** What to read of each object, by the prefix of its ids. */
const readable: Record<string, { object: string; fields: string }> = {
  "003": { object: "Contact", fields: "Id" },
  "00Q": { object: "Lead", fields: "Id, IsConverted, ConvertedContactId, ConvertedAccountId" },
  "001": { object: "Account", fields: "Id" },
  "005": { object: "User", fields: "Id, IsActive" },
  "00T": { object: "Task", fields: "Id" },
};

/** The ids that a row's faults may be about: Salesforce seldom says which of its links is broken. */
function idsInDoubt({ row }: TaskRow, faults: readonly SalesforceFault[]): string[] {
  if (!faults.some(({ code }) => brokenLink.has(code))) return [];
  return links.flatMap((name) => (typeof row[name] === "string" ? [row[name]] : []));
}

async function readStandings(connection: Connection, ids: readonly string[]): Promise<RecordStandings> {
  const standings = new Map<string, "there" | "gone" | ContactRef>();
  for (const [prefix, { object, fields }] of Object.entries(readable)) {
    const own = ids.filter((id) => id.startsWith(prefix));
    for (const id of own) standings.set(shortId(id), "gone");
    for (const list of inLists(own)) {
      const soql = `SELECT ${fields} FROM ${object} WHERE Id IN (${list})`;
      for (const record of await queryAll(connection, soql)) {
        standings.set(shortId(textAt(record, "Id") ?? ""), standingOf(record));
      }
    }
  }
  return standings;
}

/**
 * The row as it may be accepted, or what became of it; undefined when nothing can be corrected. Deleted and merged
 * records come first, then what can be left out. `last`: the row is sent once more at most.
 */
function corrected(
  task: TaskRow,
  faults: readonly SalesforceFault[],
  standings: RecordStandings,
  { keyName, warn, last }: Pick<TaskWork, "keyName" | "warn"> & { last: boolean },
): TaskRow | WrittenTask | undefined {
  const { contact, row, change } = task;
  const standing = (id: unknown) => standings.get(shortId(String(id)));
  if (faults.some(({ code }) => brokenLink.has(code))) {
    if (change && standing(row["Id"]) === "gone") return { gone: true };
    const person = contact && standing(contact.id);
    if (contact && person === "gone") {
      const message = `the ${contact.kind} ${contact.id} is not in Salesforce any more: the caller is looked up again`;
      return { failed: new CrmError("later", message, { afterMs: 0 }), contactGone: contact };
    }
    if (typeof person === "object") return linkedTo(task, person);
  }
  return leaveOut(task, faults, { keyName, ownerGone: standing(row["OwnerId"]) === "gone", last, warn });
}

function linkedTo(task: TaskRow, contact: ContactRef): TaskRow {
  const { WhoId: _lead, ...row } = task.row;
  return { ...task, contact, row: { ...row, [linkOf(contact)]: contact.id } };
}

function standingOf(record: JsonObject): "there" | "gone" | ContactRef {
  if (record["IsActive"] === false) return "gone";
  if (record["IsConverted"] !== true) return "there";
  const contact = textAt(record, "ConvertedContactId");
  const account = textAt(record, "ConvertedAccountId");
  if (contact) return { id: contact, kind: "contact" };
  return account ? { id: account, kind: "company" } : "gone";
}

/** The limit of ids in the URL of one request. */
const mostIds = 200;
const alreadyGone = new Set(["ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND"]);

/** Deletes the Tasks of calls; those that are deleted already are ignored. Throws when one stays. */
export async function removeCalls(work: TaskWork, calls: readonly RemovedCall[]): Promise<void> {
  const unknown = calls.filter(({ activityId }) => activityId === undefined).map(({ key }) => key);
  const found = await tasksByKey(work, unknown, []);
  const present = [...found.values()].filter(({ deleted }) => !deleted).map(({ id }) => id);
  const ids = [...calls.flatMap(({ activityId }) => activityId ?? []), ...present];
  const distinct = [...new Map(ids.map((id) => [shortId(id), id])).values()];
  for (const part of inParts(distinct, mostIds)) {
    const answer: unknown = await work.connection.destroy("Task", part, { allOrNone: false });
    const faults = (Array.isArray(answer) ? answer : []).flatMap(faultsLeft);
    if (faults.length > 0) throw rowFailure("to delete a Task", faults);
  }
}

function faultsLeft(result: unknown): SalesforceFault[] {
  const errors: unknown = isObject(result) && result["success"] !== true ? result["errors"] : [];
  const faults = (Array.isArray(errors) ? errors : []).flatMap((one) => faultIn(one) ?? []);
  return faults.filter(({ code }) => !alreadyGone.has(code));
}
