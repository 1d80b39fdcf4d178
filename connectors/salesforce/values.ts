import type { FieldValue, Fields as Values } from "../../src/core/crm.ts";
import { cutText } from "../../src/lib/cut.ts";
import type { ObjectField, ObjectFields, Option } from "./schema.ts";

const numbers = new Set(["int", "double", "currency", "percent", "long"]);
const texts = new Set(["string", "textarea", "phone", "email", "url", "combobox", "encryptedstring"]);
const picklists = new Set(["picklist", "multipicklist"]);

/** A record as it is sent; null empties a field. */
export type ObjectRow = Record<string, FieldValue | null>;

/** A value as it is sent. `fault`: why the field cannot take it. `none`: the picklist lacks it and may stay empty. */
export type Wire = { value: FieldValue } | { none: true } | { fault: string };

/** A mapping's value in the field's JSON type; a wrong one can fail all rows of a request. */
export function wireOf(field: ObjectField, value: FieldValue): Wire {
  const { name, type } = field;
  if (value === "" && !texts.has(type)) return { none: true };
  if (numbers.has(type)) {
    const number = typeof value === "boolean" ? Number.NaN : Number(value);
    if (!Number.isFinite(number)) return { fault: `${name} takes a number` };
    return { value: type === "int" || type === "long" ? Math.round(number) : number };
  }
  if (type === "boolean") {
    const text = String(value).toLowerCase();
    return text === "true" || text === "false"
      ? { value: text === "true" }
      : { fault: `${name} takes true or false` };
  }
  if (type === "date") {
    const day = /^\d{4}-\d\d-\d\d/.exec(String(value))?.[0];
    return day ? { value: day } : { fault: `${name} takes a date such as 2026-11-02` };
  }
  if (type === "datetime") {
    const ms = Date.parse(String(value));
    return Number.isNaN(ms)
      ? { fault: `${name} takes a date with time` }
      : { value: new Date(ms).toISOString() };
  }
  if (picklists.has(type)) return picklistWire(field, value);
  return { value: texts.has(type) ? cut(String(value), field.length) : String(value) };
}

function picklistWire(field: ObjectField, value: FieldValue): Wire {
  const parts = field.type === "multipicklist" ? String(value).split(";") : [String(value)];
  const found = parts.map((part) => matching(field.options, part));
  if (found.every((option) => option?.active))
    return { value: found.map((option) => option?.value).join(";") };
  return field.restrictedPicklist ? { none: true } : { value: cut(String(value), field.length) };
}

function matching(options: readonly Option[], wanted: string): Option | undefined {
  const lower = wanted.trim().toLowerCase();
  const sameValue = options.filter(({ value }) => value.toLowerCase() === lower);
  const sameLabel = options.filter(({ label }) => label.toLowerCase() === lower);
  return (
    sameValue.find(({ value }) => value === wanted) ??
    [...sameValue, ...sameLabel].find(({ active }) => active) ??
    sameValue[0]
  );
}

/**
 * The form in which a value to send and one that Salesforce returns are compared. Salesforce stores datetimes in whole
 * seconds, trims texts and drops carriage returns.
 */
export function formOf(field: ObjectField | undefined, value: FieldValue): FieldValue {
  if (!field) return value;
  const { type, options } = field;
  if (type === "datetime") return Math.floor(Date.parse(String(value)) / 1000);
  if (type === "multipicklist") return String(value).split(";").sort().join(";");
  if (type === "picklist") {
    const option = matching(options, String(value));
    return option?.value ?? (field.restrictedPicklist ? "" : String(value).trim());
  }
  if (type === "reference" || type === "id") return String(value).slice(0, 15);
  const wire = wireOf(field, value);
  return "value" in wire ? wire.value : value;
}

/** At most `length` characters. */
function cut(text: string, length: number): string {
  const tidied = text.replaceAll("\r\n", "\n").trim();
  return length > 0 ? cutText(tidied, length) : tidied;
}

/** What a new Task needs besides the mapping. `isOver`: a call is completed, a follow-up is not. */
export function defaultsFor(fields: ObjectFields, given: Readonly<ObjectRow>, isOver: boolean): Values {
  const status = isOver ? (closedStatus(fields) ?? defaultStatus(fields)) : undefined;
  return {
    ...(status !== undefined && given["Status"] === undefined && { Status: status }),
    ...(given["Priority"] === undefined && usual(fields, "Priority", "Normal")),
  };
}

/** The org's Status for a completed Task, which need not be "Completed". */
export function closedStatus(fields: ObjectFields): string | undefined {
  const active = fields.get("Status")?.options.filter((option) => option.active) ?? [];
  const found = active.find(({ closed }) => closed) ?? active.find(({ value }) => value === "Completed");
  return found?.value;
}

/** For a call, when the org does not say which status is closed. */
function defaultStatus(fields: ObjectFields): string | undefined {
  return fields.get("Status")?.options.find(({ active, isDefault }) => active && isDefault)?.value;
}

function usual(fields: ObjectFields, name: string, value: string): Values {
  const isThere = fields.get(name)?.options.some((option) => option.active && option.value === value);
  return isThere ? { [name]: value } : {};
}
