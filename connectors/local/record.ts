import type { Fields, FieldValue } from "../../src/core/crm.ts";
import { isObject, type JsonObject } from "../../src/lib/body.ts";
import { itemsOf, skipValue, takeName } from "./json.ts";

/** A record as one line of the file: `{ "id": "1", "name": "Asha" }`. */
export function renderRecord(record: JsonObject): string {
  // A line break can only come from the layout: inside a text JSON writes it as \n.
  return JSON.stringify(record, null, 1).replace(/\n */g, " ");
}

export function parseRecord(text: Buffer): JsonObject {
  const value: unknown = JSON.parse(text.toString("utf8"));
  return isObject(value) ? value : {};
}

/** The fields of a record as `fieldsToWrite` compares them: null is absent, a list or object is its JSON text. */
export function fieldsIn(record: JsonObject): Fields {
  const fields = Object.entries(record).flatMap(([name, value]): [string, FieldValue][] => {
    if (value === null || value === undefined) return [];
    return [[name, isScalar(value) ? value : JSON.stringify(value)]];
  });
  return Object.fromEntries(fields);
}

export function isScalar(value: unknown): value is FieldValue {
  return typeof value === "string" || typeof value === "boolean" || Number.isFinite(value);
}

/** The text of a record with some members replaced or added, and every other byte unchanged. */
export function withMembers(text: Buffer, members: Readonly<Record<string, FieldValue | null>>): string {
  const cursor = { bytes: text, at: 0 };
  const added = new Map(Object.entries(members));
  const pieces: string[] = [];
  let copied = 0;
  let end = 0;
  for (const _ of itemsOf(cursor, "{}", "a record")) {
    const name = takeName(cursor);
    const start = cursor.at;
    skipValue(cursor);
    end = cursor.at;
    added.delete(name);
    if (!Object.hasOwn(members, name)) continue;
    pieces.push(cursor.bytes.toString("utf8", copied, start), JSON.stringify(members[name]));
    copied = end;
  }
  if (end === 0) return renderRecord(members);
  pieces.push(cursor.bytes.toString("utf8", copied, end));
  for (const [name, value] of added) pieces.push(`, ${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  return pieces.join("") + cursor.bytes.toString("utf8", end);
}
