import type { CallRecord, FieldValue } from "../../src/core/crm.ts";
import { type JsonObject, textAt } from "../../src/lib/body.ts";
import { type FoundCall, goneCall, type SettledCall } from "../../src/lib/saving.ts";
import type { TaskWork } from "./account.ts";
import { inLists, queryAll } from "./transport.ts";

/** A Task as it is in the org. */
export type Current = {
  id: string;
  deleted: boolean;
  /** Null for an empty field. */
  values: Record<string, FieldValue | null>;
};

export type CallInOrg = FoundCall<Current> & {
  /** Its follow-up task in the org, which may be deleted. */
  followUp?: Current;
};

const links = ["WhoId", "WhatId", "OwnerId", "CreatedById"];

/** Reads what may exist: a call that was never sent does not. */
export async function readCalls(
  work: TaskWork,
  records: readonly CallRecord[],
): Promise<(CallInOrg | SettledCall)[]> {
  const mayExist = (record: CallRecord) =>
    work.ledger || record.sentAt !== undefined || Object.keys(record.ours).length > 0;
  const names = [...new Set(records.flatMap(({ fields }) => Object.keys(fields)))];
  const ids = records.flatMap(({ activityId }) => activityId ?? []);
  const byId = await tasksById(work, ids, names);
  const keys = records.flatMap((record) => {
    const isKnown = record.activityId !== undefined;
    const needsTask = wantsTask(record) && (isKnown || mayExist(record));
    return [
      ...(!isKnown && mayExist(record) ? [record.key] : []),
      ...(needsTask ? [taskKey(record.key)] : []),
    ];
  });
  const byKey = await tasksByKey(work, keys, names);
  return records.map((record) => {
    const { activityId, key, contact } = record;
    const current = activityId === undefined ? byKey.get(key) : byId.get(shortId(activityId));
    const isGone = current ? current.deleted : activityId !== undefined;
    if (isGone) return goneCall(record);
    const followUp = byKey.get(taskKey(key));
    return {
      record,
      without: [],
      ...(contact && { contact }),
      ...(current && { current }),
      ...(followUp && { followUp }),
    };
  });
}

/** A follow-up is created once per key; later changes are up to people. */
export function wantsTask({ task, ours }: CallRecord): boolean {
  return task !== undefined && !("taskId" in ours);
}

export function taskKey(key: string): string {
  return `${key}:task`;
}

/** By the first 15 characters of their ids. Archived activities count as present: only `queryAll` finds them. */
export async function tasksById(
  work: TaskWork,
  ids: readonly string[],
  names: readonly string[],
): Promise<Map<string, Current>> {
  const records = await read(work, { by: "Id", values: ids }, names);
  return new Map(records.map((record) => [shortId(textAt(record, "Id") ?? ""), currentOf(record)]));
}

/** By key; of several Tasks with one key, one that is not deleted. */
export async function tasksByKey(
  work: TaskWork,
  keys: readonly string[],
  names: readonly string[],
): Promise<Map<string, Current>> {
  const found = new Map<string, Current>();
  for (const record of await read(work, { by: work.keyName, values: keys }, names)) {
    const key = String(record[work.keyName] ?? "");
    const current = currentOf(record);
    if (found.get(key)?.deleted !== false) found.set(key, current);
  }
  return found;
}

/** Ids have 15 or 18 characters; the last three only encode the case of the others. */
export function shortId(id: string): string {
  return id.slice(0, 15);
}

async function read(
  { connection, fields, keyName }: TaskWork,
  { by, values }: { by: string; values: readonly string[] },
  names: readonly string[],
): Promise<JsonObject[]> {
  const known = [...links, keyName, ...names].filter((name) => fields.has(name));
  const select = [...new Set(["Id", "IsDeleted", ...known])].join(", ");
  const records: JsonObject[] = [];
  for (const list of inLists(values)) {
    records.push(
      ...(await queryAll(connection, `SELECT ${select} FROM Task WHERE ${by} IN (${list})`, true)),
    );
  }
  return records;
}

function currentOf(record: JsonObject): Current {
  const values: Current["values"] = {};
  for (const [name, value] of Object.entries(record)) {
    if (
      value === null ||
      typeof value === "string" ||
      typeof value === "number" ||
      typeof value === "boolean"
    )
      values[name] = value;
  }
  return { id: textAt(record, "Id") ?? "", deleted: record["IsDeleted"] === true, values };
}
