import type { CallEvent } from "../core/call.ts";
import { type EventLimits, endLimits } from "../core/call-limits.ts";
import type { Connection } from "./connection.ts";
import type { CallGroup, CallSize, Leg, StoredDelivery } from "./contract.ts";
import { callColumns, deliveryColumns, toCallRow, toDelivery } from "./rows.ts";

const dayMs = 86_400_000;
/** Decoding this much holds the thread for some 10 ms. One delivery more is taken, so that a larger one gets its turn. */
const bytesAtOnce = 1_048_576;

/**
 * The oldest deliveries that nobody has decoded, each with the earlier one it repeats, if any. One that was set aside is not
 * repeated: the provider sends it once more, and this time it may be decoded.
 */
export function newDeliveries(db: Connection, installation: string, limit: number): StoredDelivery[] {
  const rows = db.all(
    `WITH next AS (SELECT id, length(body) AS bytes FROM deliveries
                    WHERE installation = ? AND state IN (0, 3) ORDER BY id LIMIT ?),
          sums AS (SELECT id, sum(bytes) OVER (ORDER BY id) - bytes AS bytes_before FROM next)
     SELECT ${deliveryColumns}, state, events FROM deliveries
      WHERE id IN (SELECT id FROM sums WHERE bytes_before < ?) ORDER BY id`,
    installation,
    limit,
    bytesAtOnce,
  );
  const seen = new Map<number, StoredDelivery>();
  return rows.map((row) => {
    const delivery = toDelivery(row);
    if (row["state"] === 3)
      return { ...delivery, again: true, ...(Number(row["events"]) > 0 && { counted: true as const }) };
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
      WHERE id = (SELECT delivery FROM digests WHERE digest = ? AND delivery < ?) AND state <> 2`,
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

/** The calls that these legs belong to or that have events of these deliveries, each once, with all of their events. */
export function groupsOf(
  db: Connection,
  installation: string,
  legs: readonly Leg[],
  deliveries: readonly number[] = [],
): CallGroup[] {
  const ids = new Set<number>();
  for (const delivery of deliveries) {
    for (const { call } of db.all("SELECT call FROM events WHERE delivery = ?", delivery))
      ids.add(Number(call));
  }
  for (const leg of legs) {
    const id = callOf(db, installation, leg);
    if (id !== undefined) ids.add(id);
  }
  return [...ids].flatMap((id) => groupOf(db, id) ?? []);
}

function callOf(db: Connection, installation: string, { provider, callId }: Leg): number | undefined {
  const row = db.get(
    "SELECT call FROM legs WHERE installation = ? AND provider = ? AND call_id = ?",
    installation,
    provider,
    callId,
  );
  return row && Number(row["call"]);
}

/** How large the calls of these legs are, without the events of these deliveries. A leg of no call is left out. */
export function sizesOf(
  db: Connection,
  installation: string,
  legs: readonly Leg[],
  without: readonly number[],
): CallSize[] {
  const calls = new Map<number, EventLimits>();
  return legs.flatMap((leg) => {
    const call = callOf(db, installation, leg);
    if (call === undefined) return [];
    const size = calls.get(call) ?? sizeOf(db, call, without);
    calls.set(call, size);
    return { leg, call, ...size };
  });
}

function sizeOf(db: Connection, call: number, without: readonly number[] = []): EventLimits {
  const row = db.get(
    `SELECT COUNT(*) AS events, SUM(octet_length(body)) AS bytes FROM events
      WHERE call = ? AND delivery NOT IN (SELECT value FROM json_each(?))`,
    call,
    JSON.stringify(without),
  );
  return { events: Number(row?.["events"] ?? 0), bytes: Number(row?.["bytes"] ?? 0) };
}

/** A call by its row id, with its events. */
export function groupOf(db: Connection, id: number): CallGroup | undefined {
  const row = db.get(`SELECT ${callColumns} FROM calls WHERE id = ?`, id);
  if (!row) return undefined;
  const events = eventsOf(db, id);
  return {
    row: toCallRow(row),
    events: events.map(({ body }) => JSON.parse(String(body)) as CallEvent),
    from: events.map(({ delivery }) => Number(delivery)),
  };
}

/** Of a call that an earlier version let grow without limits, those of the oldest deliveries. */
function eventsOf(db: Connection, id: number): ReturnType<Connection["all"]> {
  const { events, bytes } = sizeOf(db, id);
  if (events <= endLimits.events && bytes <= endLimits.bytes)
    return db.all("SELECT body, delivery FROM events WHERE call = ?", id);
  return db.all(
    `WITH sums AS (SELECT digest, sum(octet_length(body)) OVER oldest - octet_length(body) AS bytes_before,
                          row_number() OVER oldest AS place
                     FROM events WHERE call = ? WINDOW oldest AS (ORDER BY delivery, digest))
     SELECT body, delivery FROM events
      WHERE call = ? AND digest IN (SELECT digest FROM sums WHERE bytes_before < ? AND place <= ?)`,
    id,
    id,
    endLimits.bytes,
    endLimits.events,
  );
}
