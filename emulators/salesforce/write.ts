import {
  checkRequired,
  checkRules,
  checkTask,
  checkTwins,
  checkUnique,
  checkValues,
  checkWritable,
} from "./check.ts";
import { derive } from "./derive.ts";
import { failed, type RowError, type RowResult, rowError } from "./errors.ts";
import type { Row } from "./field.ts";
import type { ObjectType } from "./objects.ts";
import { type Org, stampOf } from "./org.ts";
import { type Reading, readValues, type Values } from "./read-values.ts";

/** `allowDuplicates`: what the header Sforce-Duplicate-Rule-Header says. */
export type WriteOptions = { allowDuplicates: boolean };
export type Input = Record<string, unknown>;

export function createRow(org: Org, type: ObjectType, input: Input, options: WriteOptions): RowResult {
  const reading = readValues(org, type, input);
  const { values, fields } = reading;
  const id = org.nextId(type);
  const row = derive(org, type, { ...defaults(org, type), ...values, Id: id, ...stamps(org, true) });
  const errors = firstErrors([
    () => reading.errors,
    () => checkNoId(input),
    () => checkWritable(fields, "createable"),
    () => checkRequired(org.fields(type), row),
    () => checkValues(org, type, fields, values),
    () => (type.name === "Task" ? checkTask(org, row, values) : []),
    () => checkUnique(org, type, fields, values),
    () => checkRules(org, type, row, "create"),
    () => checkTwins(org, type, values, options.allowDuplicates),
  ]);
  if (errors.length > 0) return failed(...errors);
  org.table(type.name).put(row);
  return { id, success: true, errors: [] };
}

/** `id` has 18 characters. */
export function updateRow(org: Org, type: ObjectType, id: string, input: Input): RowResult {
  const before = org.table(type.name).get(id);
  const gone = missing(before);
  if (!before || gone.length > 0) return failed(...gone);
  const reading: Reading = readValues(org, type, input);
  const { values, fields } = reading;
  const row = derive(org, type, { ...before, ...values, ...stamps(org, false) });
  const errors = firstErrors([
    () => reading.errors,
    () => checkWritable(fields, "updateable"),
    () => checkRequired(fields, row),
    () => checkValues(org, type, fields, values),
    () => (type.name === "Task" ? checkTask(org, row, values) : checkLead(before)),
    () => checkUnique(org, type, fields, values, id),
    () => checkRules(org, type, row, "update"),
  ]);
  if (errors.length > 0) return { id, ...failed(...errors) };
  org.table(type.name).put(row);
  return { id, success: true, errors: [] };
}

export function deleteRow(org: Org, type: ObjectType, id: string): RowResult {
  const row = org.table(type.name).get(id);
  const gone = missing(row);
  if (!row || gone.length > 0) return { id, ...failed(...gone) };
  org.table(type.name).put({ ...row, IsDeleted: true, ...stamps(org, false) });
  // unverified: that the activities of a deleted person go with it.
  for (const task of org.table("Task").lookup("WhoId", id) ?? [])
    deleteRow(org, typeNamed(org, "Task"), task.Id);
  return { id, success: true, errors: [] };
}

export function typeNamed(org: Org, name: string): ObjectType {
  const type = org.type(name);
  if (!type) throw new Error(`the emulator has no object ${name}`);
  return type;
}

function checkLead(before: Row): RowError[] {
  if (before["IsConverted"] !== true) return [];
  return [rowError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot update converted lead")];
}

function checkNoId(input: Input): RowError[] {
  if (!Object.keys(input).some((name) => name.toLowerCase() === "id")) return [];
  return [rowError("INVALID_FIELD_FOR_INSERT_UPDATE", "cannot specify Id in an insert call", ["Id"])];
}

function missing(row: Row | undefined): RowError[] {
  if (!row) return [rowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")];
  return row["IsDeleted"] === true ? [rowError("ENTITY_IS_DELETED", "entity is deleted")] : [];
}

/** The errors of the first check that finds any. */
function firstErrors(checks: (() => RowError[])[]): RowError[] {
  for (const check of checks) {
    const errors = check();
    if (errors.length > 0) return errors;
  }
  return [];
}

function defaults(org: Org, type: ObjectType): Values {
  const values: Values = {};
  for (const { name, type: kind, options } of type.fields) {
    const option = options.find((one) => one.isDefault);
    if (option) values[name] = option.value;
    else if (kind === "boolean") values[name] = false;
    else if (name === "OwnerId") values[name] = org.userId;
  }
  return values;
}

export function stamps(org: Org, isNew: boolean): Values {
  const stamp = stampOf(org.now());
  const changed = { LastModifiedDate: stamp, LastModifiedById: org.userId, SystemModstamp: stamp };
  return isNew ? { IsDeleted: false, CreatedDate: stamp, CreatedById: org.userId, ...changed } : changed;
}
