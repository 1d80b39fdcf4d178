import type { RecordingState, TrackedCall, TrackedRecording } from "../core/tracked-call.ts";
import type { DuePoll } from "./contract/recordings.ts";
import type { Db, ReadDb, Row } from "./db/db.ts";
import { callColumns, toTrackedCall } from "./db/rows.ts";

const recordingColumns =
  "call, installation, state, since, due_at, attempts, seen_at, told_at, place, bytes, sha256, type, reason";
const columnsOfCalls = callColumns.replaceAll(/\w+/g, (name) => `calls.${name} AS ${name}`);

/** Calls that are polled for are in the table `asks`. */
export async function duePolls(
  db: ReadDb,
  installation: string,
  provider: string,
  { now, limit }: { now: number; limit: number },
): Promise<DuePoll[]> {
  const rows = await db.all(
    `SELECT ${columnsOfCalls}, asks.since AS poll_since, asks.attempts AS poll_attempts
      FROM asks JOIN calls ON calls.id = asks.call
      WHERE asks.installation = :installation AND asks.provider = :provider AND asks.due_at <= :now
      ORDER BY asks.due_at LIMIT :limit`,
    { installation, provider, now, limit },
  );
  return rows.map((row) => ({
    row: toTrackedCall(row),
    since: Number(row["poll_since"]),
    attempts: Number(row["poll_attempts"]),
  }));
}

export async function postponePolls(tx: Db, calls: readonly number[], until?: number): Promise<void> {
  if (until === undefined) await tx.run("DELETE FROM asks WHERE call IN (:calls)", { calls });
  else
    await tx.run("UPDATE asks SET due_at = :until, attempts = attempts + 1 WHERE call IN (:calls)", {
      calls,
      until,
    });
}

/** A call that is polled for already keeps its time. */
export function addPoll(
  tx: Db,
  poll: { call: number; installation: string; provider: string; since: number; dueAt: number },
): void {
  tx.send(
    `INSERT INTO asks (call, installation, provider, since, due_at)
      VALUES (:call, :installation, :provider, :since, :dueAt) ON CONFLICT DO NOTHING`,
    poll,
  );
}

export function removePolls(tx: Db, calls: readonly number[]): void {
  if (calls.length > 0) tx.send("DELETE FROM asks WHERE call IN (:calls)", { calls });
}

export async function openCalls(
  db: ReadDb,
  of: { installation: string; provider: string; quietSince: number },
  after: number,
  limit: number,
): Promise<TrackedCall[]> {
  const rows = await db.all(
    `SELECT ${callColumns} FROM calls
      WHERE state = 'open' AND installation = :installation AND provider = :provider
        AND updated_at <= :quietSince AND id > :after
      ORDER BY id LIMIT :limit`,
    { ...of, after, limit },
  );
  return rows.map(toTrackedCall);
}

export async function dueRecordings(
  db: ReadDb,
  installation: string,
  now: number,
  limit: number,
): Promise<TrackedRecording[]> {
  const rows = await db.all(
    `SELECT ${recordingColumns} FROM recordings
      WHERE installation = :installation AND due_at <= :now ORDER BY due_at LIMIT :limit`,
    { installation, now, limit },
  );
  return rows.map(toRecording);
}

export async function nextRecording(db: ReadDb, installation: string): Promise<number | undefined> {
  const row = await db.get(
    "SELECT MIN(due_at) AS due FROM recordings WHERE installation = :installation AND due_at IS NOT NULL",
    { installation },
  );
  return row?.["due"] == null ? undefined : Number(row["due"]);
}

export async function archivedRecordings(
  db: ReadDb,
  installation: string,
  after: number,
  limit: number,
): Promise<TrackedRecording[]> {
  const rows = await db.all(
    `SELECT ${recordingColumns} FROM recordings WHERE installation = :installation AND place IS NOT NULL AND call > :after
      ORDER BY call LIMIT :limit`,
    { installation, after, limit },
  );
  return rows.map(toRecording);
}

export async function recording(db: ReadDb, call: number): Promise<TrackedRecording | undefined> {
  const row = await db.get(`SELECT ${recordingColumns} FROM recordings WHERE call = :call`, { call });
  return row && toRecording(row);
}

/** One that did not come in its time is looked for again when its call has news. */
export function wantRecording(
  tx: Db,
  wanted: { call: number; installation: string; since: number; dueAt: number },
): void {
  tx.send(
    `INSERT INTO recordings (call, installation, state, since, due_at)
      VALUES (:call, :installation, 'wanted', :since, :dueAt)
      ON CONFLICT (call) DO UPDATE
        SET state = 'wanted', since = excluded.since, due_at = excluded.due_at, attempts = 0
        WHERE recordings.state = 'missing'`,
    wanted,
  );
}

export async function saveRecording(tx: Db, row: TrackedRecording, was: RecordingState): Promise<boolean> {
  const { call, state, since, attempts, dueAt, seenAt, toldAt, place, bytes, sha256, type, reason } = row;
  const changed = await tx.run(
    `UPDATE recordings SET state = :state, since = :since, attempts = :attempts, due_at = :dueAt, seen_at = :seenAt,
        told_at = :toldAt, place = :place, bytes = :bytes, sha256 = :sha256, type = :type, reason = :reason
      WHERE call = :call AND state = :was`,
    { call, was, state, since, attempts, dueAt, seenAt, toldAt, place, bytes, sha256, type, reason },
  );
  return changed > 0;
}

export async function deleteRecording(
  tx: Db,
  { call, installation }: Pick<TrackedRecording, "call" | "installation">,
  now: number,
): Promise<void> {
  await tx.run(
    `INSERT INTO recordings (call, installation, state, since, due_at, attempts, reason)
      VALUES (:call, :installation, 'deleted', :now, :now, 0, 'it was deleted on request')
      ON CONFLICT (call) DO UPDATE
        SET state = excluded.state, due_at = excluded.due_at, attempts = 0, reason = excluded.reason
        WHERE recordings.state <> 'erase'`,
    { call, installation, now },
  );
}

export async function leaveCopy(tx: Db, call: number, place: string, now: number): Promise<boolean> {
  const changed = await tx.run(
    "UPDATE recordings SET place = :place, due_at = :now WHERE call = :call AND state IN ('erase', 'deleted')",
    { call, place, now },
  );
  return changed > 0;
}

export async function forgetRecording(tx: Db, call: number): Promise<void> {
  await tx.run("DELETE FROM recordings WHERE call = :call", { call });
}

export async function relink(tx: Db, call: number, link: number, now: number): Promise<void> {
  await tx.run(
    `UPDATE calls SET link = :link, due_at = CASE WHEN state = 'logged' THEN COALESCE(due_at, :now) ELSE due_at END
      WHERE id = :call`,
    { call, link, now },
  );
}

function toRecording(row: Row): TrackedRecording {
  return {
    call: Number(row["call"]),
    installation: String(row["installation"]),
    state: row["state"] as RecordingState,
    since: Number(row["since"]),
    attempts: Number(row["attempts"]),
    ...(row["due_at"] !== null && { dueAt: Number(row["due_at"]) }),
    ...(row["seen_at"] !== null && { seenAt: Number(row["seen_at"]) }),
    ...(row["told_at"] !== null && { toldAt: Number(row["told_at"]) }),
    ...(row["place"] !== null && { place: String(row["place"]) }),
    ...(row["bytes"] !== null && { bytes: Number(row["bytes"]) }),
    ...(row["sha256"] !== null && { sha256: String(row["sha256"]) }),
    ...(row["type"] !== null && { type: String(row["type"]) }),
    ...(row["reason"] !== null && { reason: String(row["reason"]) }),
  };
}
