import { turnBytes } from "../core/call.ts";
import type { DeliveryNote, FoundDelivery, ReplayScope, StoredDelivery } from "./contract/calls.ts";
import type { Db, ReadDb, Row } from "./db/db.ts";
import { deliveryColumns, toDelivery } from "./db/rows.ts";

const dayMs = 86_400_000;

/**
 * Each with the earlier one that it repeats, if any. One with a fault is not repeated: the provider sends it again, and
 * this time it may be decoded.
 */
export async function newDeliveries(
  db: ReadDb,
  installation: string,
  limit: number,
): Promise<StoredDelivery[]> {
  const waiting = await db.all(
    `SELECT ${withoutLargeBodies}, state, events, length(body) AS bytes FROM deliveries
      WHERE installation = :installation AND state IN (0, 3) ORDER BY id LIMIT :limit`,
    { installation, limit },
  );
  if (waiting.length === 0) return [];
  const rows = await withBodies(db, turnOf(waiting));
  // They were decoded between the two statements; there may be others.
  if (rows.length === 0) return newDeliveries(db, installation, limit);
  const deliveries = rows.map(toDelivery);
  const twins = await earlierTwins(db, deliveries);
  const seen = new Map<number, StoredDelivery>();
  const found: StoredDelivery[] = [];
  for (const [i, delivery] of deliveries.entries()) {
    if (rows[i]?.["state"] === 3) {
      found.push({ ...delivery, again: true, ...(Number(rows[i]["events"]) > 0 && { counted: true }) });
      continue;
    }
    const twin = twins.get(delivery.digest);
    const earlier = seen.get(delivery.digest) ?? (twin && twin.id < delivery.id ? twin : undefined);
    if (earlier && isRepeat(delivery, earlier)) {
      found.push({ ...delivery, repeatOf: earlier.repeatOf ?? earlier.id });
      continue;
    }
    seen.set(delivery.digest, delivery);
    found.push(delivery);
  }
  return found;
}

/** Larger bodies are read one statement later, and only those of one turn: not all that wait fit into memory. */
const smallBody = 16_384;
const withoutLargeBodies = deliveryColumns.replace(
  "body",
  `CASE WHEN length(body) <= ${smallBody} THEN body END AS body`,
);

/** Those before the last one have fewer than `turnBytes`. */
function turnOf(waiting: readonly Row[]): Row[] {
  const turn: Row[] = [];
  let bytes = 0;
  for (const row of waiting) {
    if (bytes >= turnBytes) break;
    turn.push(row);
    bytes += Number(row["bytes"]);
  }
  return turn;
}

async function withBodies(db: ReadDb, rows: Row[]): Promise<Row[]> {
  const ids = rows.flatMap(({ id, body }) => (body === null ? Number(id) : []));
  if (ids.length === 0) return rows;
  const read = await db.all("SELECT id, body FROM deliveries WHERE id IN (:ids) AND state IN (0, 3)", {
    ids,
  });
  const bodies = new Map(read.map(({ id, body }) => [id, body]));
  return rows.flatMap((row) => {
    const body = row["body"] ?? bodies.get(row["id"] ?? null);
    return body === undefined ? [] : { ...row, body };
  });
}

/** By digest, the first delivery that was decoded with it. */
async function earlierTwins(
  db: ReadDb,
  deliveries: readonly StoredDelivery[],
): Promise<Map<number, StoredDelivery>> {
  const rows = await db.all(
    `SELECT ${deliveryColumns} FROM deliveries
      WHERE id IN (SELECT delivery FROM digests WHERE digest IN (:digests)) AND state <> 2`,
    { digests: deliveries.map(({ digest }) => digest) },
  );
  return new Map(rows.map(toDelivery).map((twin) => [twin.digest, twin]));
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

export async function deliveriesOf(db: ReadDb, call: number): Promise<DeliveryNote[]> {
  const rows = await db.all(
    `SELECT ${noteColumns} FROM deliveries
      WHERE id IN (SELECT delivery FROM events WHERE call = :call) ORDER BY id`,
    { call },
  );
  return rows.map(toNote);
}

/** A delivery whose bytes were erased is not found. */
export async function delivery(db: ReadDb, id: number): Promise<FoundDelivery | undefined> {
  const row = await db.get(
    `SELECT ${noteColumns}, headers, body FROM deliveries WHERE id = :id AND kind IS DISTINCT FROM 'erased'`,
    { id },
  );
  if (!row) return undefined;
  const calls = await db.all(
    "SELECT DISTINCT calls.key AS key FROM events JOIN calls ON calls.id = events.call WHERE events.delivery = :id ORDER BY key",
    { id },
  );
  return { note: toNote(row), delivery: toDelivery(row), calls: calls.map(({ key }) => String(key)) };
}

export async function unusedDeliveries(
  db: ReadDb,
  limit: number,
  installation?: string,
): Promise<DeliveryNote[]> {
  const rows = await db.all(
    `SELECT ${noteColumns} FROM deliveries
      WHERE state IN (1, 2) AND events = 0 ${installation ? "AND installation = :installation" : ""}
      ORDER BY id DESC LIMIT :limit`,
    { limit, installation },
  );
  return rows.map(toNote);
}

export async function deliveriesIn(
  db: ReadDb,
  { installation, provider, since, key }: ReplayScope,
  after: number,
  limit: number,
): Promise<StoredDelivery[]> {
  const conditions = [
    "id > :after AND kind IS DISTINCT FROM 'erased'",
    ...(installation ? ["installation = :installation"] : []),
    ...(provider ? ["provider = :provider"] : []),
    ...(since ? ["received_at >= :since"] : []),
    ...(key
      ? ["id IN (SELECT delivery FROM events WHERE call IN (SELECT id FROM calls WHERE key = :key))"]
      : []),
  ];
  const rows = await db.all(
    `SELECT ${deliveryColumns} FROM deliveries WHERE ${conditions.join(" AND ")} ORDER BY id LIMIT :limit`,
    { after, limit, installation, provider, key, since: since && Date.parse(since) },
  );
  return rows.map(toDelivery);
}

export async function replay(tx: Db, ids: readonly number[], now: number): Promise<void> {
  await tx.run("UPDATE deliveries SET state = 3, fault = NULL WHERE id IN (:ids)", { ids });
  await tx.run(
    `UPDATE calls SET due_at = :now, attempts = 0
      WHERE id IN (SELECT call FROM events WHERE delivery IN (:ids)) AND state IN ('logged', 'dead', 'waiting')`,
    { ids, now },
  );
}

/** They keep their fault until they are decoded. */
export async function tryAgain(tx: Db, version: string): Promise<number> {
  const known = await tx.get("SELECT value FROM marks WHERE name = 'decoders'");
  if (known?.["value"] === version) return 0;
  await tx.run(
    `INSERT INTO marks (name, value) VALUES ('decoders', :version)
      ON CONFLICT (name) DO UPDATE SET value = excluded.value`,
    { version },
  );
  return tx.run("UPDATE deliveries SET state = 3 WHERE state = 2");
}

const noteColumns =
  "id, installation, provider, received_at, method, url, state, kind, fault, events, repeats";

function toNote(row: Row): DeliveryNote {
  const states = ["new", "decoded", "fault"] as const;
  return {
    id: Number(row["id"]),
    installation: String(row["installation"]),
    provider: String(row["provider"]),
    receivedAt: new Date(Number(row["received_at"])).toISOString(),
    method: String(row["method"]),
    url: withoutLinks(String(row["url"])),
    state: states[Number(row["state"])] ?? "new",
    events: Number(row["events"]),
    repeats: Number(row["repeats"]),
    ...(row["kind"] !== null && { kind: String(row["kind"]) }),
    ...(row["fault"] !== null && { fault: String(row["fault"]) }),
  };
}

/** A link in a query, such as the recording in Exotel's Passthru, may be a credential. */
function withoutLinks(url: string): string {
  return url.replace(/=https?(?::|%3A)[^&]*/gi, "=(link)");
}
