import { createHash, randomBytes } from "node:crypto";
import type { Call } from "../../core/call.ts";
import type { ContactKind } from "../../core/contact.ts";
import type { CallState, Decision, TrackedCall, WrittenByUs } from "../../core/tracked-call.ts";
import type { StoredDelivery } from "../contract/calls.ts";
import type { Db, ReadDb, Row } from "./db.ts";

export const callColumns = `id, body, state, reason, number, due_at, attempts, saved_revision, contact_kind, contact_id,
  owner_id, activity_id, sent_at, ours, decision, merged_into, link, created_at, updated_at`;

export function toTrackedCall(row: Row): TrackedCall {
  return {
    id: Number(row["id"]),
    call: JSON.parse(String(row["body"])) as Call,
    state: row["state"] as CallState,
    attempts: Number(row["attempts"]),
    savedRevision: Number(row["saved_revision"]),
    ours: JSON.parse(String(row["ours"])) as WrittenByUs,
    link: Number(row["link"]),
    createdAt: Number(row["created_at"]),
    updatedAt: Number(row["updated_at"]),
    ...(row["number"] !== null && { number: String(row["number"]) }),
    ...(row["reason"] !== null && { reason: String(row["reason"]) }),
    ...(row["due_at"] !== null && { dueAt: Number(row["due_at"]) }),
    ...(row["contact_id"] !== null && {
      contact: { id: String(row["contact_id"]), kind: row["contact_kind"] as ContactKind },
    }),
    ...(row["owner_id"] !== null && { ownerId: String(row["owner_id"]) }),
    ...(row["activity_id"] !== null && { activityId: String(row["activity_id"]) }),
    ...(row["sent_at"] !== null && { sentAt: Number(row["sent_at"]) }),
    ...(row["decision"] !== null && { decision: JSON.parse(String(row["decision"])) as Decision }),
    ...(row["merged_into"] !== null && { mergedInto: Number(row["merged_into"]) }),
  };
}

export const deliveryColumns = "id, installation, provider, received_at, method, url, headers, body";

export function toDelivery(row: Row): StoredDelivery {
  const delivery = {
    id: Number(row["id"]),
    installation: String(row["installation"]),
    provider: String(row["provider"]),
    receivedAt: new Date(Number(row["received_at"])).toISOString(),
    method: String(row["method"]),
    url: String(row["url"]),
    headers: JSON.parse(String(row["headers"])) as Record<string, string>,
    body: row["body"] as Uint8Array,
  };
  return { ...delivery, digest: digestOf(delivery) };
}

/** The same for the same request to the same installation. Never trusted without comparing the bytes. */
function digestOf(delivery: Omit<StoredDelivery, "digest">): number {
  const { installation, provider, method, url, body } = delivery;
  const hash = createHash("sha1").update(`${installation}\n${provider}\n${method}\n${url}\n`).update(body);
  return shortDigest(hash.digest());
}

/** 48 bits: an integer that JavaScript represents exactly. */
export function shortDigest(digest: Buffer): number {
  return digest.readUIntBE(0, 6);
}

/** Digits of an E.164 number: at most 15, so an exact integer, and a third of the size of the text. */
export function digitsOf(number: string): number {
  return Number(number.slice(1));
}

/** An erased delivery has nothing to read. */
export async function deliveryOf(db: ReadDb, id: number): Promise<StoredDelivery | undefined> {
  const row = await db.get(
    `SELECT ${deliveryColumns} FROM deliveries WHERE id = :id AND kind IS DISTINCT FROM 'erased'`,
    { id },
  );
  return row && toDelivery(row);
}

/** Rows that are read or erased in one step. */
export const rowsAtOnce = 200;
/** Deliveries have no index by installation, so a step looks at this many of all. */
const deliveriesAtOnce = 1_000;
/** Bodies can be large. */
const bytesAtOnce = 4 * 1024 * 1024;

/** Calls in the order of their keys, which start with the name of the installation. */
export async function callsAfter(
  db: ReadDb,
  installation: string,
  after: string,
): Promise<{ id: number; key: string }[]> {
  const rows = await db.all(
    `SELECT id, key FROM calls WHERE key > :after AND key < :end ORDER BY key LIMIT ${rowsAtOnce}`,
    // ";" is the character after ":".
    { after: after || `${installation}:`, end: `${installation};` },
  );
  return rows.map(({ id, key }) => ({ id: Number(id), key: String(key) }));
}

/** The id of the last of the next `count` deliveries; undefined when there are fewer. */
export async function endOfStep(db: ReadDb, after: number, count: number): Promise<number | undefined> {
  const row = await db.get(
    `SELECT id FROM deliveries WHERE id > :after ORDER BY id LIMIT 1 OFFSET ${count - 1}`,
    { after },
  );
  return row && Number(row["id"]);
}

/** The ids of an installation's deliveries in a range of all deliveries, which may have none. `next`: the end of the range. */
export async function deliveriesAfter(
  db: ReadDb,
  installation: string,
  after: number,
): Promise<{ ids: number[]; next?: number }> {
  const last = await endOfStep(db, after, deliveriesAtOnce);
  const rows = await db.all(
    `SELECT id, length(body) AS bytes FROM deliveries
      WHERE id > :after AND id <= :last AND installation = :installation ORDER BY id`,
    { installation, after, last: last ?? Number.MAX_SAFE_INTEGER },
  );
  let bytes = 0;
  const ids: number[] = [];
  for (const row of rows) {
    if (ids.length === rowsAtOnce || (bytes > 0 && bytes + Number(row["bytes"]) > bytesAtOnce))
      return { ids, next: ids.at(-1) ?? after };
    ids.push(Number(row["id"]));
    bytes += Number(row["bytes"]);
  }
  return { ids, ...(last !== undefined && { next: last }) };
}

export async function findSecret(db: ReadDb, name: string): Promise<Uint8Array | undefined> {
  const row = await db.get("SELECT value FROM secrets WHERE name = :name", { name });
  return row && (row["value"] as Uint8Array);
}

/** The secret counts that was made first, perhaps by another process. */
export async function makeSecret(tx: Db, name: string): Promise<Uint8Array> {
  await tx.run("INSERT INTO secrets (name, value) VALUES (:name, :value) ON CONFLICT DO NOTHING", {
    name,
    value: randomBytes(32),
  });
  const made = await findSecret(tx, name);
  if (!made) throw new Error(`the secret ${name} was stored, and is not there`);
  return made;
}

/** A line of the history of a call; `detail` is JSON. */
type HistoryLine = { call: number; at: number; step: string; detail: string };

/** Adds lines to the histories of calls. */
export function addSteps(tx: Db, lines: readonly HistoryLine[]): void {
  tx.sendRows("INSERT INTO history (call, at, step, detail) VALUES (:call, :at, :step, :detail)", lines);
}
