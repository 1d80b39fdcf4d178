import { eraseWhatDecodingBrought } from "./bring-back.ts";
import type { Bind, Connection } from "./connection.ts";
import type { DecodedCall, DecodedDelivery } from "./contract.ts";
import type { LearnedLine, LineProgress } from "./contract-lines.ts";
import { digestOfText } from "./digest.ts";
import { writeEnds, writeLineProgress, writeLines } from "./lines.ts";
import { erasedLately } from "./tombstones.ts";

/** A decoded call as the writer needs it: columns and texts, no more than has to cross the thread. */
type CallWrite = {
  row?: number;
  key: string;
  provider: string;
  columns: Bind[];
  newLegs: string[];
  events: { body: string; delivery: number }[];
  absorbed: number[];
  askAt?: number | undefined;
  audioAt?: number | undefined;
  ends: string[];
  lines: LearnedLine[];
};

/** What one turn of decoding changes. Deliveries that were decoded before lose the events they gave then. */
export type DecodedWrite = {
  installation: string;
  now: number;
  deliveries: readonly DecodedDelivery[];
  calls: CallWrite[];
  line?: LineProgress;
};

export function decodedWrite({
  calls,
  line,
  ...rest
}: Pick<DecodedWrite, "installation" | "deliveries" | "now"> & {
  calls: readonly DecodedCall[];
  line?: LineProgress | undefined;
}): DecodedWrite {
  return { ...rest, calls: calls.map(callWrite), ...(line && { line }) };
}

function callWrite(decoded: DecodedCall): CallWrite {
  const { row, call, state, number, reason, dueAt, events, absorbed, askAt, audioAt } = decoded;
  const { ends = [], lines = [] } = decoded;
  const known = new Set(row && absorbed.length === 0 ? row.call.legs : []);
  return {
    ...(row && { row: row.id }),
    key: call.key,
    provider: call.provider,
    columns: [call.revision, JSON.stringify(call), state, reason ?? null, number ?? null, dueAt ?? null],
    newLegs: call.legs.filter((leg) => !known.has(leg)),
    events: events.map(({ event, delivery }) => ({ body: JSON.stringify(event), delivery })),
    absorbed: absorbed.map(({ id }) => id),
    askAt,
    audioAt,
    ends,
    lines,
  };
}

/** Runs in the writer. */
export function writeDecoded(
  db: Connection,
  { installation, now, deliveries, calls, line }: DecodedWrite,
): void {
  for (const delivery of deliveries) writeDelivery(db, delivery, now);
  const erasedAt = erasedLately(db, installation, now);
  for (const call of calls) {
    const id = writeCall(db, installation, call, now);
    if (!erasedAt) continue;
    const number = call.columns[4] === null ? undefined : String(call.columns[4]);
    const deliveries = call.events.map(({ delivery }) => delivery);
    eraseWhatDecodingBrought(db, erasedAt, { id, key: call.key, number, deliveries }, now);
  }
  if (line) writeLineProgress(db, installation, line);
}

function writeDelivery(db: Connection, delivery: DecodedDelivery, now: number): void {
  const { id, digest, kind, events, fault, repeatOf, again } = delivery;
  if (repeatOf !== undefined) {
    // Its twin was set aside in the meantime: it stays new.
    if (db.get("SELECT 1 FROM deliveries WHERE id = ? AND state = 2", repeatOf)) return;
    db.run("DELETE FROM deliveries WHERE id = ?", id);
    db.run("UPDATE deliveries SET repeats = repeats + 1 WHERE id = ?", repeatOf);
    return;
  }
  if (again) db.run("DELETE FROM events WHERE delivery = ?", id);
  db.run("INSERT OR REPLACE INTO digests (digest, delivery, at) VALUES (?, ?, ?)", digest, id, now);
  db.run(
    "UPDATE deliveries SET state = ?, kind = ?, events = ?, fault = ? WHERE id = ? AND kind IS NOT 'erased'",
    fault === undefined ? 1 : 2,
    kind,
    events,
    fault ?? null,
    id,
  );
}

function writeCall(db: Connection, installation: string, call: CallWrite, now: number): number {
  const id = call.row ?? insertCall(db, installation, call, now);
  if (call.row !== undefined) updateCall(db, id, call, now);
  for (const loser of call.absorbed) absorb(db, id, loser, now);
  for (const leg of call.newLegs) {
    db.run(
      "INSERT OR REPLACE INTO legs (installation, provider, call_id, call) VALUES (?, ?, ?, ?)",
      installation,
      call.provider,
      leg,
      id,
    );
  }
  for (const { body, delivery } of call.events) {
    db.run(
      "INSERT OR IGNORE INTO events (call, digest, delivery, body) VALUES (?, ?, ?, ?)",
      id,
      digestOfText(body),
      delivery,
      body,
    );
  }
  const place = { installation, call: id, now };
  writeAsk(db, place, call);
  writeAudio(db, place, call);
  writeEnds(db, { installation, provider: call.provider, call: id }, call.ends);
  writeLines(db, installation, call.provider, call.lines);
  return id;
}

/** A call that was written, by the id of its row. */
type WrittenCall = { installation: string; call: number; now: number };

/** A provider that is being asked already keeps its turn; one that told all is asked no more. */
function writeAsk(
  db: Connection,
  { installation, call, now }: WrittenCall,
  { provider, askAt }: CallWrite,
): void {
  if (askAt === undefined) db.run("DELETE FROM asks WHERE call = ?", call);
  else
    db.run(
      "INSERT OR IGNORE INTO asks (call, installation, provider, since, due_at) VALUES (?, ?, ?, ?, ?)",
      call,
      installation,
      provider,
      now,
      askAt,
    );
}

/** A recording that did not come in its time is looked for again when the call has news. */
function writeAudio(db: Connection, { installation, call, now }: WrittenCall, { audioAt }: CallWrite): void {
  if (audioAt === undefined) return;
  db.run(
    `INSERT INTO recordings (call, installation, state, since, due_at) VALUES (?, ?, 'wanted', ?, ?)
      ON CONFLICT (call) DO UPDATE SET state = 'wanted', since = excluded.since, due_at = excluded.due_at, attempts = 0
        WHERE state = 'missing'`,
    call,
    installation,
    now,
    audioAt,
  );
}

/**
 * An activity of a leg that was really another call has to go: the lane removes it when its row comes due. Whether there
 * is one is known here only: it may have been saved since the call was read.
 */
function absorb(db: Connection, winner: number, loser: number, now: number): void {
  db.run("UPDATE OR IGNORE events SET call = ? WHERE call = ?", winner, loser);
  db.run("DELETE FROM events WHERE call = ?", loser);
  db.run("DELETE FROM asks WHERE call = ?", loser);
  db.run("DELETE FROM ends WHERE call = ?", loser);
  db.run("UPDATE recordings SET state = 'erase', due_at = ? WHERE call = ?", now, loser);
  db.run(
    `UPDATE calls SET state = 'merged', merged_into = ?, reason = 'a transfer merged it into another call',
        due_at = CASE WHEN activity_id IS NULL THEN NULL ELSE ? END, updated_at = ?
      WHERE id = ?`,
    winner,
    now,
    now,
    loser,
  );
}

function insertCall(
  db: Connection,
  installation: string,
  { key, provider, columns }: CallWrite,
  now: number,
): number {
  return db.run(
    `INSERT INTO calls (key, installation, provider, revision, body, state, reason, number, due_at, created_at, updated_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    key,
    installation,
    provider,
    ...columns,
    now,
    now,
  ).id;
}

/**
 * A leg that comes back after it was merged away has no activity any more, unless its removal is still to come.
 * A call that became due since it was read (its number is known now) stays due. With another customer it has another contact.
 */
function updateCall(db: Connection, id: number, { columns }: CallWrite, now: number): void {
  const number = columns[4] ?? null;
  db.run(
    "UPDATE calls SET contact_kind = NULL, contact_id = NULL, decision = NULL WHERE id = ? AND number <> ?",
    id,
    number,
  );
  db.run(
    `UPDATE calls SET revision = ?, body = ?, state = ?, reason = ?, number = ?,
        due_at = COALESCE(?, CASE WHEN state = 'logged' THEN due_at END), updated_at = ?,
        activity_id = CASE WHEN state = 'merged' AND due_at IS NULL THEN NULL ELSE activity_id END,
        merged_into = NULL
      WHERE id = ?`,
    ...columns,
    now,
    id,
  );
}
