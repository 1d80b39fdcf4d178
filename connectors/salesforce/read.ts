import type { Connection } from "jsforce";
import type { FieldValue } from "../../src/core/contracts.ts";
import { type JsonObject, textAt } from "../../src/lib/body.ts";
import type { ObjectFields } from "./schema.ts";
import { inLists, queryAll } from "./transport.ts";

/** A Task as it is in the org now. `values`: null where it is empty. */
export type Current = { id: string; deleted: boolean; values: Record<string, FieldValue | null> };

/** Where calls are found again. `keyName`: the field that holds their key; `ledger`: the package is missing, so it is one that everybody writes. */
export type Book = { fields: ObjectFields; keyName: string; ledger: boolean };

const links = ["WhoId", "WhatId", "OwnerId", "CreatedById"];

/** Archived activities count as present: only `queryAll` shows them. By the first 15 characters of their id. */
export async function tasksById(
  connection: Connection,
  book: Book,
  ids: readonly string[],
  names: readonly string[],
): Promise<Map<string, Current>> {
  const records = await read(connection, book, { by: "Id", values: ids }, names);
  return new Map(records.map((record) => [shortId(textAt(record, "Id") ?? ""), currentOf(record)]));
}

/** By key; of several with one key, one that is not deleted. */
export async function tasksByKey(
  connection: Connection,
  book: Book,
  keys: readonly string[],
  names: readonly string[],
): Promise<Map<string, Current>> {
  const found = new Map<string, Current>();
  for (const record of await read(connection, book, { by: book.keyName, values: keys }, names)) {
    const key = String(record[book.keyName] ?? "");
    const current = currentOf(record);
    if (found.get(key)?.deleted !== false) found.set(key, current);
  }
  return found;
}

/** Ids come with 15 or 18 characters; the last three only repeat which of the others are capitals. */
export function shortId(id: string): string {
  return id.slice(0, 15);
}

async function read(
  connection: Connection,
  { fields, keyName }: Book,
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
