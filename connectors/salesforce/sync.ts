import { createHash } from "node:crypto";
import type { Connection } from "jsforce";
import type { Contact, ContactRef } from "../../src/core/contact.ts";
import type { ContactChanges } from "../../src/core/crm.ts";
import { isObject, type JsonObject, textAt } from "../../src/lib/body.ts";
import type { OrgWork } from "./account.ts";
import { hasFault } from "./errors.ts";
import { contactOf, kindOf, type Shape, shapesOf } from "./people.ts";
import { literal, queryAll } from "./transport.ts";

/** Small enough to be read between two inbound questions without delaying them. */
const pageSize = 500;
/** A change may become visible after later ones, and clocks differ a little. */
const overlapMs = 5 * 60_000;
/** Salesforce remembers what was deleted for 30 days. */
const longestGapMs = 29 * 86_400_000;

type ChangesPage = { contacts: Contact[]; removed: ContactRef[]; last?: { stamp: string; id: string } };

/**
 * The next page of contacts: all of them first, in the order of their last change, then what changed and what was
 * deleted since. A stop in between goes on from the last page.
 */
export async function changedContacts(work: OrgWork, text: string | undefined): Promise<ContactChanges> {
  const { connection } = work;
  const { now } = work.context;
  const shapes = await shapesOf(work);
  const shape = digestOf(shapes);
  const start = new Date(now()).toISOString();
  const known = readCursor(text);
  const usable = known && known.shape === shape && !isTooOld(known, now());
  const cursor: ChangesCursor = usable ? { ...known, start: known.start ?? start } : { shape, start };
  const full = !usable;
  const contacts: Contact[] = [];
  const removed: ContactRef[] = [];
  const from = shapes.findIndex(({ object }) => object === cursor.object);
  for (const next of shapes.slice(Math.max(0, from))) {
    const page = await readPage(connection, next, cursor);
    contacts.push(...page.contacts);
    removed.push(...page.removed);
    if (page.last) {
      const on = { ...cursor, object: next.object, ...page.last };
      return { contacts, removed, cursor: JSON.stringify(on), more: true, ...(full && { full }) };
    }
    delete cursor.stamp;
    delete cursor.id;
  }
  const deleted =
    cursor.since === undefined ? [] : await deletedSince(connection, shapes, cursor.since, now());
  if (deleted === "unknown") return changedContacts(work, undefined);
  // A record may have been restored from the recycle bin.
  const present = new Set(contacts.map(({ id }) => id));
  removed.push(...deleted.filter(({ id }) => !present.has(id)));
  const done: ChangesCursor = { shape, since: cursor.start ?? start };
  return { contacts, removed, cursor: JSON.stringify(done), more: false, ...(full && { full }) };
}

/** `last`: there is more behind it. */
async function readPage(connection: Connection, shape: Shape, cursor: ChangesCursor): Promise<ChangesPage> {
  const { object, select } = shape;
  const conditions: string[] = [];
  if (cursor.stamp && cursor.id) {
    const { stamp, id } = cursor;
    conditions.push(`(SystemModstamp > ${stamp} OR (SystemModstamp = ${stamp} AND Id > ${literal(id)}))`);
  } else if (cursor.since) {
    conditions.push(`SystemModstamp >= ${earlier(cursor.since)}`);
  }
  // A full list leaves out converted leads; a list of changes has them, to be removed.
  if (object === "Lead" && !cursor.since) conditions.push("IsConverted = false");
  const where = conditions.length > 0 ? ` WHERE ${conditions.join(" AND ")}` : "";
  const soql = `SELECT ${select.join(", ")} FROM ${object}${where} ORDER BY SystemModstamp, Id LIMIT ${pageSize}`;
  const records = await queryAll(connection, soql);
  const last = records.length >= pageSize ? records.at(-1) : undefined;
  // A person account is read as its Contact.
  const own = records.filter((record) => object !== "Account" || record["IsPersonAccount"] !== true);
  const isGone = (record: JsonObject) => record["IsConverted"] === true;
  return {
    contacts: own.filter((record) => !isGone(record)).map((record) => contactOf(shape, record)),
    removed: own.filter(isGone).map((record) => ({ id: textAt(record, "Id") ?? "", kind: kindOf[object] })),
    ...(last && { last: { stamp: stampOf(last), id: textAt(last, "Id") ?? "" } }),
  };
}

/** Deleted records; "unknown" when the time is too long or the records are too many for Salesforce. */
async function deletedSince(
  connection: Connection,
  shapes: readonly Shape[],
  since: string,
  now: number,
): Promise<ContactRef[] | "unknown"> {
  const removed: ContactRef[] = [];
  for (const { object } of shapes) {
    try {
      const { deletedRecords } = await connection.deleted(
        object,
        earlier(since),
        new Date(now).toISOString(),
      );
      removed.push(...deletedRecords.map(({ id }) => ({ id, kind: kindOf[object] })));
    } catch (error) {
      if (hasFault(error, "INVALID_REPLICATION_DATE", "EXCEEDED_ID_LIMIT")) return "unknown";
      throw error;
    }
  }
  return removed;
}

function earlier(since: string): string {
  return new Date(Date.parse(since) - overlapMs).toISOString();
}

function stampOf(record: JsonObject): string {
  return new Date(textAt(record, "SystemModstamp") ?? 0).toISOString();
}

/** Other fields, or other objects that the user may see, need a complete list. */
function digestOf(shapes: readonly Shape[]): string {
  const text = JSON.stringify(shapes.map(({ object, select }) => [object, [...select].sort()]));
  return createHash("sha256").update(text).digest("base64url").slice(0, 16);
}

function isTooOld({ since, start }: ChangesCursor, now: number): boolean {
  return now - Date.parse(since ?? start ?? "") > longestGapMs;
}

/** Where a sync stands. Times are ISO. */
type ChangesCursor = {
  /** A digest of the fields that are read. */
  shape: string;
  /** The start of the last complete round; absent during the first. */
  since?: string;
  /** The start of this round; absent between rounds. */
  start?: string;
  /** The object that is read. */
  object?: string;
  /** The last change that was read, with `id`. */
  stamp?: string;
  id?: string;
};

/** A cursor that `changedContacts` returned; undefined for anything else. */
function readCursor(text: string | undefined): ChangesCursor | undefined {
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const shape = isObject(value) ? textAt(value, "shape") : undefined;
  if (!isObject(value) || !shape) return undefined;
  const cursor: ChangesCursor = { shape };
  for (const name of ["since", "start", "object", "stamp", "id"] as const) {
    const text = textAt(value, name);
    if (text) cursor[name] = text;
  }
  return cursor;
}
