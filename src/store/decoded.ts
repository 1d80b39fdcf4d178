import type { CallEvent } from "../core/call.ts";
import type { Bind, Connection } from "./connection.ts";
import type { CallGroup, DecodedCall, DecodedDelivery, Leg, StoredDelivery } from "./contract.ts";
import { digestOfText } from "./digest.ts";
import { callColumns, deliveryColumns, toCallRow, toDelivery } from "./rows.ts";

const dayMs = 86_400_000;

/** The oldest deliveries that nobody has decoded, each with the earlier one it repeats, if any. */
export function newDeliveries(db: Connection, installation: string, limit: number): StoredDelivery[] {
  const rows = db.all(
    `SELECT ${deliveryColumns} FROM deliveries WHERE installation = ? AND state = 0 ORDER BY id LIMIT ?`,
    installation,
    limit,
  );
  const seen = new Map<number, StoredDelivery>();
  return rows.map(toDelivery).map((delivery) => {
    const earlier = seen.get(delivery.digest) ?? earlierTwin(db, delivery);
    if (earlier && isRepeat(delivery, earlier))
      return { ...delivery, repeatOf: earlier.repeatOf ?? earlier.id };
    seen.set(delivery.digest, delivery);
    return delivery;
  });
}

function earlierTwin(db: Connection, { digest, id }: StoredDelivery): StoredDelivery | undefined {
  const row = db.get(
    `SELECT ${deliveryColumns} FROM deliveries
      WHERE id = (SELECT delivery FROM digests WHERE digest = ? AND delivery < ?)`,
    digest,
    id,
  );
  return row && toDelivery(row);
}

function isRepeat(delivery: StoredDelivery, earlier: StoredDelivery): boolean {
  return (
    Date.parse(delivery.receivedAt) - Date.parse(earlier.receivedAt) < dayMs &&
    delivery.provider === earlier.provider &&
    delivery.method === earlier.method &&
    delivery.url === earlier.url &&
    Buffer.compare(delivery.body, earlier.body) === 0
  );
}

/** The calls that these legs belong to, each once, with all of their events. */
export function groupsOf(db: Connection, installation: string, legs: readonly Leg[]): CallGroup[] {
  const ids = new Set<number>();
  for (const { provider, callId } of legs) {
    const row = db.get(
      "SELECT call FROM legs WHERE installation = ? AND provider = ? AND call_id = ?",
      installation,
      provider,
      callId,
    );
    if (row) ids.add(Number(row["call"]));
  }
  return [...ids].flatMap((id) => groupOf(db, id) ?? []);
}

/** A call by its row id, with its events. */
export function groupOf(db: Connection, id: number): CallGroup | undefined {
  const row = db.get(`SELECT ${callColumns} FROM calls WHERE id = ?`, id);
  if (!row) return undefined;
  const events = db.all("SELECT body FROM events WHERE call = ?", id);
  return { row: toCallRow(row), events: events.map(({ body }) => JSON.parse(String(body)) as CallEvent) };
}

/** One transaction: the deliveries are decoded, their events and calls are stored. */
export function saveDecoded(
  db: Connection,
  installation: string,
  deliveries: readonly DecodedDelivery[],
  calls: readonly DecodedCall[],
  now: number,
): void {
  db.transaction(() => {
    for (const delivery of deliveries) saveDelivery(db, delivery, now);
    for (const call of calls) saveCall(db, installation, call, now);
  });
}

function saveDelivery(
  db: Connection,
  { id, digest, kind, events, fault, repeatOf }: DecodedDelivery,
  now: number,
): void {
  if (repeatOf !== undefined) {
    db.run("DELETE FROM deliveries WHERE id = ?", id);
    db.run("UPDATE deliveries SET repeats = repeats + 1 WHERE id = ?", repeatOf);
    return;
  }
  db.run("INSERT OR REPLACE INTO digests (digest, delivery, at) VALUES (?, ?, ?)", digest, id, now);
  db.run(
    "UPDATE deliveries SET state = ?, kind = ?, events = ?, fault = ? WHERE id = ?",
    fault === undefined ? 1 : 2,
    kind,
    events,
    fault ?? null,
    id,
  );
}

function saveCall(db: Connection, installation: string, decoded: DecodedCall, now: number): void {
  const { call, events, absorbed } = decoded;
  const id = decoded.row
    ? updateCall(db, decoded.row.id, decoded, now)
    : insertCall(db, installation, decoded, now);
  for (const { id: loser, activityId } of absorbed.map((row) => row)) {
    db.run("UPDATE OR IGNORE events SET call = ? WHERE call = ?", id, loser);
    db.run("DELETE FROM events WHERE call = ?", loser);
    // An activity of a leg that was really another call has to go; the lane removes it when its row comes due.
    db.run(
      `UPDATE calls SET state = 'merged', merged_into = ?, reason = 'a transfer merged it into another call',
        due_at = ?, updated_at = ? WHERE id = ?`,
      id,
      activityId === undefined ? null : now,
      now,
      loser,
    );
  }
  const known = decoded.row && absorbed.length === 0 ? new Set(decoded.row.call.legs) : new Set<string>();
  for (const leg of call.legs) {
    if (known.has(leg)) continue;
    db.run(
      "INSERT OR REPLACE INTO legs (installation, provider, call_id, call) VALUES (?, ?, ?, ?)",
      installation,
      call.provider,
      leg,
      id,
    );
  }
  for (const { event, delivery } of events) {
    const body = JSON.stringify(event);
    db.run(
      "INSERT OR IGNORE INTO events (call, digest, delivery, body) VALUES (?, ?, ?, ?)",
      id,
      digestOfText(body),
      delivery,
      body,
    );
  }
}

function columnsOf({ call, state, reason, number, dueAt }: DecodedCall): Bind[] {
  return [call.revision, JSON.stringify(call), state, reason ?? null, number ?? null, dueAt ?? null];
}

function insertCall(db: Connection, installation: string, decoded: DecodedCall, now: number): number {
  const { key, provider } = decoded.call;
  return db.run(
    `INSERT INTO calls (key, installation, provider, revision, body, state, reason, number, due_at, created_at, updated_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    key,
    installation,
    provider,
    ...columnsOf(decoded),
    now,
    now,
  ).id;
}

function updateCall(db: Connection, id: number, decoded: DecodedCall, now: number): number {
  db.run(
    `UPDATE calls SET revision = ?, body = ?, state = ?, reason = ?, number = ?, due_at = ?, updated_at = ? WHERE id = ?`,
    ...columnsOf(decoded),
    now,
    id,
  );
  return id;
}
