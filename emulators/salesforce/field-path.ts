import type { Field, Row, Value } from "./field.ts";
import type { ObjectType } from "./objects.ts";
import type { Org } from "./org.ts";
import { readField } from "./read-field.ts";
import { noColumn, noRelationship } from "./soql-error.ts";

/** A field as a query names it, through relationships if need be: `Account.Owner.Email`. */
export type FieldPath = {
  /** The relationships with the names that they have in an answer. */
  steps: Field[];
  field: Field;
  read(row: Row): Value;
};

/** Fields that a polymorphic relationship (Who, What, a queue or user as Owner) shows, whatever it points to. */
const nameFields = "Id Name FirstName LastName Type Email Phone Title Alias Username IsActive".split(" ");
const mostSteps = 5;

export function resolvePath(org: Org, type: ObjectType, path: string, soql: string): FieldPath {
  const names = path.split(".");
  const last = names.pop() ?? "";
  if (names.length > mostSteps) noRelationship(soql, path);
  const steps: Field[] = [];
  let here: ObjectType | undefined = type;
  for (const name of names) {
    const step: Field = relationshipOf(org, here, name) ?? noRelationship(soql, name);
    steps.push(step);
    here = step.referenceTo.length === 1 ? org.type(step.referenceTo[0] ?? "") : undefined;
  }
  const field = here ? org.field(here, last) : nameField(org, steps, last);
  if (!field) noColumn(soql, last, here?.name ?? "Name");
  return { steps, field, read: (row) => readThrough(org, steps, field, row) };
}

/** The record at the end of some relationships; undefined when one of them is empty. */
export function follow(org: Org, steps: readonly Field[], row: Row): Row | undefined {
  let here: Row | undefined = row;
  for (const step of steps) {
    const id: Value = here?.[step.name] ?? null;
    here = typeof id === "string" ? org.record(id)?.row : undefined;
  }
  return here;
}

function readThrough(org: Org, steps: readonly Field[], field: Field, row: Row): Value {
  const target = follow(org, steps, row);
  if (!target) return null;
  const isTypeOfName =
    steps.length > 0 && field.name === "Type" && !org.typeOfId(target.Id)?.fields.includes(field);
  return isTypeOfName ? (org.typeOfId(target.Id)?.name ?? null) : readField(org, target, field);
}

function relationshipOf(org: Org, type: ObjectType | undefined, name: string): Field | undefined {
  if (!type) return undefined;
  const lower = name.toLowerCase();
  return org.fields(type).find(({ relationship }) => relationship?.toLowerCase() === lower);
}

function nameField(org: Org, steps: readonly Field[], name: string): Field | undefined {
  const known = nameFields.find((one) => one.toLowerCase() === name.toLowerCase());
  if (!known) return undefined;
  const targets = steps.at(-1)?.referenceTo.flatMap((target) => org.type(target) ?? []) ?? [];
  const model = org.type("User");
  const field = known === "Type" ? undefined : targets.map((one) => org.field(one, known)).find((one) => one);
  return field ?? (model && { ...(org.field(model, "Name") as Field), name: known, label: known });
}
