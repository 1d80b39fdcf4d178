import { appendRows } from "./append.ts";
import type { Bind, Connection } from "./connection.ts";
import * as contacts from "./contacts.ts";
import { writeDecoded } from "./decoded.ts";
import { saveDelivered, saveSending } from "./delivered.ts";

/** Everything that the writer can do, by name. Arguments and results cross a thread: plain data only. */
export const operations = {
  append: appendRows,
  decoded: writeDecoded,
  sending: saveSending,
  delivered: saveDelivered,
  putContacts: contacts.putContacts,
  removeContacts: contacts.removeContacts,
  dropContactsBefore: contacts.dropContactsBefore,
  putOwners: contacts.putOwners,
  run: (db: Connection, sql: string, values: readonly Bind[]) => db.run(sql, ...values),
  ready: () => undefined,
};

export type Operations = typeof operations;
