import { duplicateResultOf, type RowError, rowError } from "./errors.ts";
import type { Field, Row, Value } from "./field.ts";
import { twinKeys } from "./indexes.ts";
import type { ObjectType } from "./objects.ts";
import type { Org } from "./org.ts";
import { type Values, wrongId } from "./read-values.ts";

const mostDigits = 8;

/** Fields that may not be written now; Salesforce names them all at once. */
export function checkWritable(fields: Field[], how: "createable" | "updateable"): RowError[] {
  const names = fields.filter((field) => !field[how]).map(({ name }) => name);
  if (names.length === 0) return [];
  const message = `Unable to create/update fields: ${names.join(", ")}. Please check the security settings of this field and verify that it is read/write for your profile or permission set.`;
  return [rowError("INVALID_FIELD_FOR_INSERT_UPDATE", message, names)];
}

/** `row`: the record as it would be. */
export function checkRequired(fields: Field[], row: Readonly<Values>): RowError[] {
  const names = fields
    .filter((field) => !field.nillable && (field.createable || field.updateable) && row[field.name] == null)
    .map(({ name }) => name);
  if (names.length === 0) return [];
  return [rowError("REQUIRED_FIELD_MISSING", `Required fields are missing: [${names.join(", ")}]`, names)];
}

/** Lengths, picklists and references of the values that were sent. */
export function checkValues(org: Org, type: ObjectType, fields: Field[], values: Values): RowError[] {
  return fields.flatMap((field) => checkValue(org, type, field, values[field.name] ?? null));
}

function checkValue(org: Org, type: ObjectType, field: Field, value: Value): RowError[] {
  if (typeof value === "number" && Math.abs(value) >= 10 ** mostDigits) {
    const message = `${field.label}: value outside of valid range on numeric field: ${value}`;
    return [rowError("NUMBER_OUTSIDE_VALID_RANGE", message, [field.name])];
  }
  if (typeof value !== "string") return [];
  if (field.type === "email" && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(value)) {
    const message = `${field.label}: invalid email address: ${value}`;
    return [rowError("INVALID_EMAIL_ADDRESS", message, [field.name])];
  }
  if (field.type === "reference") return checkReference(org, type, field, value);
  if (field.length > 0 && value.length > field.length) {
    const message = `${field.label}: data value too large: ${value} (max length=${field.length})`;
    return [rowError("STRING_TOO_LONG", message, [field.name])];
  }
  if (field.restricted && !field.options.some((option) => option.active && option.value === value)) {
    const message = `${field.label}: bad value for restricted picklist field: ${value}`;
    return [rowError("INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", message, [field.name])];
  }
  return [];
}

function checkReference(org: Org, type: ObjectType, field: Field, id: string): RowError[] {
  const target = org.typeOfId(id);
  // A queue of leads, or a public group: public reports show this code and message.
  const isGroup = type.name === "Task" && field.name === "OwnerId" && target?.name === "Group";
  if (isGroup && !org.taskQueues.has(id)) {
    const message = `${field.label}: id value of incorrect type: ${id}`;
    return [rowError("FIELD_INTEGRITY_EXCEPTION", message, [field.name])];
  }
  if (!target || !field.referenceTo.includes(target.name)) return [wrongId(field, id)];
  const row = org.table(target.name).get(id);
  if (!row) return [rowError("INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")];
  if (row["IsDeleted"] === true) return [rowError("ENTITY_IS_DELETED", "entity is deleted")];
  if (field.name === "OwnerId" && row["IsActive"] === false) {
    const message = `operation performed with inactive user [${id}] as owner of ${type.name.toLowerCase()}`;
    return [rowError("INACTIVE_OWNER_OR_USER", message)];
  }
  return [];
}

/** What only Tasks have to obey. `row`: the Task as it would be; `sent`: what is written now. */
export function checkTask(org: Org, row: Readonly<Values>, sent: Values): RowError[] {
  const who = row["WhoId"];
  if (typeof who !== "string" || org.typeOfId(who)?.name !== "Lead") return [];
  if (row["WhatId"] != null) {
    const message = "Related To ID: you can only specify a Related To for a contact, not for a lead";
    return [rowError("FIELD_INTEGRITY_EXCEPTION", message, ["WhatId"])];
  }
  if ("WhoId" in sent && org.table("Lead").get(who)?.["IsConverted"] === true) {
    return [rowError("CANNOT_UPDATE_CONVERTED_LEAD", "cannot reference converted lead")];
  }
  return [];
}

/** `id`: of the record that is written, when there is one already. */
export function checkUnique(
  org: Org,
  type: ObjectType,
  fields: Field[],
  values: Values,
  id?: string,
): RowError[] {
  return fields.flatMap((field) => {
    const value = values[field.name];
    if (!field.unique || typeof value !== "string") return [];
    const other = org
      .table(type.name)
      .lookup(field.name, value)
      ?.find((row) => row.Id !== id);
    if (!other) return [];
    const message = `duplicate value found: ${field.name} duplicates value on record with id: ${other.Id}`;
    return [rowError("DUPLICATE_VALUE", message)];
  });
}

/** The records that the org's duplicate rule takes for the same person: the last name and a number. */
function findTwins(org: Org, type: ObjectType, values: Values): Row[] {
  if (type.name !== "Contact" && type.name !== "Lead") return [];
  return twinKeys(values).flatMap((key) =>
    ["Contact", "Lead"].flatMap((name) => org.table(name).lookup("twins", key) ?? []),
  );
}

function twinError(): RowError {
  return rowError("DUPLICATES_DETECTED", "Use one of these records?");
}

/** What the org's duplicate rule says. The header lets a rule that alerts pass, never one that blocks. */
export function checkTwins(org: Org, type: ObjectType, values: Values, allowSave: boolean): RowError[] {
  const { duplicateRule } = org.settings;
  if (duplicateRule === "off" || (duplicateRule === "alert" && allowSave)) return [];
  const twins = findTwins(org, type, values);
  if (twins.length === 0) return [];
  return [
    { ...twinError(), duplicateResult: duplicateResultOf(type.name, duplicateRule === "alert", twins) },
  ];
}

/** Validation rules, triggers and flows. `row`: the record as it would be. */
export function checkRules(
  { rules }: Org,
  type: ObjectType,
  row: Readonly<Values>,
  how: "create" | "update",
): RowError[] {
  return rules
    .filter(({ object, on = how, refuses }) => object === type.name && on === how && refuses(row))
    .map(({ code = "FIELD_CUSTOM_VALIDATION_EXCEPTION", message, fields }) =>
      rowError(code, message, fields),
    );
}
