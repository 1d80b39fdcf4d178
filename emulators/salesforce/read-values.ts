import { type RowError, rowError } from "./errors.ts";
import type { Field, Value } from "./field.ts";
import { fullId } from "./ids.ts";
import type { ObjectType } from "./objects.ts";
import type { Org } from "./org.ts";

export type Values = Record<string, Value>;
export type Reading = { values: Values; fields: Field[]; errors: RowError[] };

/** The fields of a record as it was sent; `attributes` and `Id` are not among them. */
export function readValues(org: Org, type: ObjectType, record: Record<string, unknown>): Reading {
  const reading: Reading = { values: {}, fields: [], errors: [] };
  for (const [name, sent] of Object.entries(record)) {
    if (name === "attributes" || name.toLowerCase() === "id") continue;
    const field = org.field(type, name);
    if (!field) {
      const message = `No such column '${name}' on sobject of type ${type.name}`;
      reading.errors.push(rowError("INVALID_FIELD", message));
      continue;
    }
    const value = readValue(field, sent);
    if (typeof value === "object" && value !== null) reading.errors.push(value);
    else {
      reading.values[field.name] = value;
      reading.fields.push(field);
    }
  }
  return reading;
}

function readValue(field: Field, sent: unknown): Value | RowError {
  if (sent === null || sent === undefined) return null;
  switch (field.type) {
    case "int":
      return Number.isSafeInteger(sent) ? (sent as number) : cannotRead(field.type, sent);
    case "double":
      return typeof sent === "number" ? sent : cannotRead(field.type, sent);
    case "boolean":
      return typeof sent === "boolean" ? sent : cannotRead(field.type, sent);
    case "date":
      return (typeof sent === "string" && readDate(sent)) || cannotRead(field.type, sent);
    case "datetime":
      return (typeof sent === "string" && readDatetime(sent)) || cannotRead(field.type, sent);
    case "id":
    case "reference":
      if (typeof sent !== "string") return cannotRead("string", sent);
      return sent === "" ? null : (fullId(sent) ?? wrongId(field, sent));
    default:
      if (typeof sent !== "string") return cannotRead("string", sent);
      return sent.trim() === "" ? null : sent.trim();
  }
}

function readDate(text: string): string | undefined {
  const isDate = /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(Date.parse(text));
  return isDate && new Date(text).toISOString().startsWith(text) ? text : undefined;
}

/** ISO with a zone ("Z", "+0000" or "+00:00"), kept in whole seconds. */
export function readDatetime(text: string): string | undefined {
  const parts = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.\d+)?(Z|[+-]\d{2}:?\d{2})$/.exec(text);
  if (!parts) return undefined;
  const zone = parts[2] === "Z" ? "Z" : parts[2]?.replace(/^(...):?/, "$1:");
  const ms = Date.parse(`${parts[1]}${zone}`);
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString();
}

export function wrongId(field: Field, id: string): RowError {
  return rowError("MALFORMED_ID", `${field.label}: id value of incorrect type: ${id}`, [field.name]);
}

function cannotRead(type: string, sent: unknown): RowError {
  const token =
    typeof sent === "number"
      ? `VALUE_NUMBER_${Number.isInteger(sent) ? "INT" : "FLOAT"}`
      : typeof sent === "boolean"
        ? `VALUE_${String(sent).toUpperCase()}`
        : typeof sent === "string"
          ? "VALUE_STRING"
          : Array.isArray(sent)
            ? "START_ARRAY"
            : "START_OBJECT";
  const value = typeof sent === "object" ? "" : ` value ${String(sent)}`;
  return rowError(
    "JSON_PARSER_ERROR",
    `Cannot deserialize instance of ${type} from ${token}${value} or request may be missing a required field at [line:1, column:1]`,
  );
}
