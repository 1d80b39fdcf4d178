import type {
  DeadCall,
  DeadSearch,
  IgnoredFailure,
  RetriedCalls,
  RetriedCounts,
  StoredRetry,
} from "./contract/failures.ts";
import type { Db, ReadDb, Row } from "./db/db.ts";

/** More retries are not listed. */
const mostRetries = 20;
/** A retry that ended is forgotten after this time. */
const keptMs = 30 * 86_400_000;

export async function deadCalls(db: ReadDb, search: DeadSearch): Promise<DeadCall[]> {
  const { installation, after, before, notIn } = search;
  const conditions = [
    "state = 'dead'",
    ...(installation === undefined ? [] : ["installation = :installation"]),
    ...(after === undefined ? [] : ["id > :after"]),
    ...(before === undefined ? [] : ["id < :before"]),
    ...(notIn === undefined
      ? []
      : ["NOT EXISTS (SELECT 1 FROM retried_calls WHERE retry = :notIn AND call = calls.id)"]),
  ];
  const order = after === undefined ? "DESC" : "ASC";
  // Ids alone are found in an index, as for lists of calls.
  const rows = await db.all(
    `SELECT id, key, installation, reason, updated_at FROM calls
      WHERE id IN (SELECT id FROM calls WHERE ${conditions.join(" AND ")} ORDER BY id ${order} LIMIT :limit)
      ORDER BY id ${order}`,
    { ...search },
  );
  return rows.map((row) => ({
    id: Number(row["id"]),
    key: String(row["key"]),
    installation: String(row["installation"]),
    reason: String(row["reason"] ?? ""),
    diedAt: Number(row["updated_at"]),
  }));
}

type NewRetry = Pick<StoredRetry, "id" | "installation" | "failure" | "startedBy" | "createdAt">;

export async function addRetry(tx: Db, retry: NewRetry): Promise<string> {
  const { installation = null, failure = null, ...rest } = retry;
  tx.lock("retries", "exclusive");
  await tx.run("DELETE FROM retries WHERE ended_at < :end", { end: rest.createdAt - keptMs });
  const same = await tx.get(
    `SELECT id FROM retries WHERE ended_at IS NULL AND cancelled IS NULL
        AND installation IS NOT DISTINCT FROM CAST(:installation AS text)
        AND failure IS NOT DISTINCT FROM CAST(:failure AS text)`,
    { installation, failure },
  );
  if (same) return String(same["id"]);
  await tx.run(
    `INSERT INTO retries (id, installation, failure, started_by, created_at, place)
      VALUES (:id, :installation, :failure, :startedBy, :createdAt, 0)`,
    { ...rest, installation, failure },
  );
  return rest.id;
}

export async function retryById(db: ReadDb, id: string): Promise<StoredRetry | undefined> {
  const row = await db.get("SELECT * FROM retries WHERE id = :id", { id });
  return row && toRetry(row);
}

export async function retries(db: ReadDb, installation?: string): Promise<StoredRetry[]> {
  const mine = installation === undefined ? "TRUE" : "installation = :installation";
  const rows = await db.all(
    `SELECT * FROM retries WHERE ${mine} ORDER BY created_at DESC, id LIMIT ${mostRetries}`,
    installation === undefined ? {} : { installation },
  );
  return rows.map(toRetry);
}

export async function openRetries(db: ReadDb): Promise<StoredRetry[]> {
  const rows = await db.all(
    `SELECT * FROM retries WHERE ended_at IS NULL ORDER BY created_at, id LIMIT ${mostRetries}`,
  );
  return rows.map(toRetry);
}

function toRetry(row: Row): StoredRetry {
  return {
    id: String(row["id"]),
    startedBy: String(row["started_by"]),
    createdAt: Number(row["created_at"]),
    place: Number(row["place"]),
    ...(row["installation"] !== null && { installation: String(row["installation"]) }),
    ...(row["failure"] !== null && { failure: String(row["failure"]) }),
    ...(row["cancelled"] !== null && { cancelled: Number(row["cancelled"]) }),
    ...(row["ended_at"] !== null && {
      endedAt: Number(row["ended_at"]),
      counts: {
        waiting: 0,
        logged: Number(row["logged"]),
        dead: Number(row["dead"]),
        other: Number(row["other"]),
      },
    }),
  };
}

export async function retriedCounts(db: ReadDb, id: string): Promise<RetriedCounts> {
  const rows = await db.all(
    `SELECT calls.state AS state, COUNT(*) AS calls FROM retried_calls JOIN calls ON calls.id = retried_calls.call
      WHERE retried_calls.retry = :id GROUP BY calls.state`,
    { id },
  );
  const counts: RetriedCounts = { waiting: 0, logged: 0, dead: 0, other: 0 };
  for (const { state, calls } of rows) {
    const name = state === "waiting" || state === "logged" || state === "dead" ? state : "other";
    counts[name] += Number(calls);
  }
  return counts;
}

export async function retryCalls(tx: Db, id: string, { calls, place, now }: RetriedCalls): Promise<number> {
  lockRetry(tx, id);
  const isOpen = await tx.get(
    "SELECT 1 AS one FROM retries WHERE id = :id AND ended_at IS NULL AND cancelled IS NULL",
    { id },
  );
  if (!isOpen) return 0;
  let retried = 0;
  for (const call of calls) {
    const changed = await tx.run(
      `UPDATE calls SET due_at = :now, attempts = 0, state = 'waiting', reason = NULL
        WHERE id = :call AND state = 'dead'
          AND NOT EXISTS (SELECT 1 FROM retried_calls WHERE retry = :id AND call = :call)`,
      { id, call, now },
    );
    if (changed === 0) continue;
    await tx.run("INSERT INTO retried_calls (retry, call) VALUES (:id, :call)", { id, call });
    retried += 1;
  }
  await tx.run("UPDATE retries SET place = :place WHERE id = :id", { id, place });
  return retried;
}

function lockRetry(tx: Db, id: string): void {
  tx.lock(`retry ${id}`, "exclusive");
}

export async function cancelRetry(tx: Db, id: string): Promise<boolean> {
  lockRetry(tx, id);
  const changed = await tx.run(
    "UPDATE retries SET cancelled = -1 WHERE id = :id AND ended_at IS NULL AND cancelled IS NULL",
    { id },
  );
  return changed > 0;
}

export async function countCancelled(tx: Db, id: string, cancelled: number): Promise<void> {
  await tx.run("UPDATE retries SET cancelled = :cancelled WHERE id = :id", { id, cancelled });
}

export async function endRetry(tx: Db, id: string, counts: RetriedCounts, now: number): Promise<void> {
  lockRetry(tx, id);
  const { logged, dead, other } = counts;
  await tx.run(
    `UPDATE retries SET ended_at = :now, logged = :logged, dead = :dead, other = :other
      WHERE id = :id AND ended_at IS NULL`,
    { id, now, logged, dead, other },
  );
  await tx.run("DELETE FROM retried_calls WHERE retry = :id", { id });
}

export async function ignoreFailure(tx: Db, ignored: IgnoredFailure): Promise<void> {
  await tx.run(
    `INSERT INTO ignored_failures (installation, failure, at) VALUES (:installation, :failure, :at)
      ON CONFLICT (installation, failure) DO UPDATE SET at = excluded.at`,
    { ...ignored },
  );
}

export async function showFailure(tx: Db, installation: string, failure: string): Promise<boolean> {
  const deleted = await tx.run(
    "DELETE FROM ignored_failures WHERE installation = :installation AND failure = :failure",
    { installation, failure },
  );
  return deleted > 0;
}

export async function ignoredFailures(db: ReadDb, installation?: string): Promise<IgnoredFailure[]> {
  const mine = installation === undefined ? "TRUE" : "installation = :installation";
  const rows = await db.all(
    `SELECT installation, failure, at FROM ignored_failures WHERE ${mine}`,
    installation === undefined ? {} : { installation },
  );
  return rows.map((row) => ({
    installation: String(row["installation"]),
    failure: String(row["failure"]),
    at: Number(row["at"]),
  }));
}
