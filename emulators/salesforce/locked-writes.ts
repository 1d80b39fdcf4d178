import type { EmulatorRequest } from "../server.ts";
import { failed, notFoundMessage, type RowResult, refuse } from "./errors.ts";
import type { Row } from "./field.ts";
import { type Lock, parentsOf } from "./locks.ts";
import type { ObjectType } from "./objects.ts";
import type { Org } from "./org.ts";
import { createRow, deleteRow, type Input, updateRow, type WriteOptions } from "./write.ts";

/** The object and the external id field in a path. */
export function upsertTarget(org: Org, typeName = "", fieldName = ""): { type: ObjectType; key: string } {
  const type = org.type(typeName) ?? refuse(404, "NOT_FOUND", notFoundMessage);
  const field = org.field(type, fieldName);
  if (!field?.externalId) {
    refuse(404, "NOT_FOUND", `Provided external ID field does not exist or is not accessible: ${fieldName}`);
  }
  return { type, key: field.name };
}

export function upsertLocked(
  org: Org,
  type: ObjectType,
  key: string,
  value: string,
  record: Input,
  options: WriteOptions,
  lock: Lock,
): RowResult {
  const [existing] = org.table(type.name).lookup(key, value.trim()) ?? [];
  if (!existing) {
    const result = createLocked(org, type, record, options, lock);
    return result.success ? { ...result, created: true } : result;
  }
  const { [key]: _known, ...rest } = record;
  const result = updateLocked(org, type, existing.Id, rest, lock);
  return result.success ? { ...result, created: false } : result;
}

/** A Task that is completed from the start locks nothing; an open one locks what it belongs to. */
export function createLocked(
  org: Org,
  type: ObjectType,
  record: Input,
  options: WriteOptions,
  lock: Lock,
): RowResult {
  const isOpenTask = type.name === "Task" && record["Status"] !== "Completed";
  const held = isOpenTask ? lock.take(parentsOf(org, [record])) : [];
  return held.length > 0 ? failed(...held) : createRow(org, type, record, options);
}

export function updateLocked(org: Org, type: ObjectType, id: string, record: Input, lock: Lock): RowResult {
  const before = org.table(type.name).get(id);
  const parents = type.name === "Task" && before ? parentsOf(org, [before, record]) : [];
  const held = lock.take([id, ...parents]);
  return held.length > 0 ? { id, ...failed(...held) } : updateRow(org, type, id, record);
}

export function allowsDuplicates(request: EmulatorRequest): boolean {
  return /\ballowSave\s*=\s*true\b/i.test(request.headers["sforce-duplicate-rule-header"] ?? "");
}

export function deleteLocked(org: Org, type: ObjectType, row: Row, lock: Lock): RowResult {
  const held = lock.take([row.Id, ...(type.name === "Task" ? parentsOf(org, [row]) : [])]);
  return held.length > 0 ? failed(...held) : deleteRow(org, type, row.Id);
}
