import { hash } from "node:crypto";
import type { Call } from "../core/call.ts";
import { chosenByPerson } from "../core/tracked-call.ts";
import type { DecodedCall, DecodedDelivery, LearnedLine, LineProgress, OpenLine } from "./contract/calls.ts";
import type { Db, ReadDb } from "./db/db.ts";
import { shortDigest } from "./db/rows.ts";
import { eraseDecodedLate, erasedLately } from "./erasure/calls.ts";
import { addPoll, removePoll, wantRecording } from "./recordings.ts";

/** A decoded call with no more than has to cross to the writer, where texts go several times faster than objects. */
type CallWrite = {
  row?: number;
  key: string;
  provider: string;
  columns: CallColumns;
  newLegs: string[];
  events: { body: string; delivery: number }[];
  absorbed: number[];
  pollAt?: number | undefined;
  audioAt?: number | undefined;
  ends: string[];
  lines: LearnedLine[];
  /** Absent when they are as they were. */
  facets?: CallFacets;
};

/** What lists of calls are filtered by. */
type CallFacets = {
  direction: string | undefined;
  outcome: string | undefined;
  /** E-mail address or identifier of the agent who talked last, or else was called first. */
  agent: string | undefined;
  line: string | undefined;
  recording: number;
};

type CallColumns = {
  revision: number;
  body: string;
  state: string;
  reason: string | undefined;
  number: string | undefined;
  dueAt: number | undefined;
};

/** The outcome of one turn of decoding. Deliveries that were decoded before lose the events they gave then. */
type DecodedWrite = {
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
  const { row, call, state, number, reason, dueAt, events, absorbed, pollAt, audioAt } = decoded;
  const { ends = [], lines = [] } = decoded;
  const known = new Set(row && absorbed.length === 0 ? row.call.legs : []);
  const facets = facetsOf(call);
  const hasChanged = !row || JSON.stringify(facetsOf(row.call)) !== JSON.stringify(facets);
  return {
    ...(row && { row: row.id }),
    key: call.key,
    provider: call.provider,
    columns: { revision: call.revision, body: JSON.stringify(call), state, reason, number, dueAt },
    newLegs: call.legs.filter((leg) => !known.has(leg)),
    events: events.map(({ event, delivery }) => ({ body: JSON.stringify(event), delivery })),
    absorbed: absorbed.map(({ id }) => id),
    pollAt,
    audioAt,
    ends,
    lines,
    ...(hasChanged && { facets }),
  };
}

function facetsOf({ direction, outcome, agents, line, recording }: Call): CallFacets {
  const talked = agents.filter(({ talkedAt }) => talkedAt !== undefined);
  const [agent = agents[0]] = talked.sort((a, b) => ((a.talkedAt ?? "") < (b.talkedAt ?? "") ? 1 : -1));
  return { direction, outcome, agent: agent?.email ?? agent?.ids[0], line, recording: recording ? 1 : 0 };
}

export async function saveDecoded(
  tx: Db,
  { installation, now, deliveries, calls, line }: DecodedWrite,
): Promise<void> {
  const erasedAt = await erasedLately(tx, installation, now);
  for (const delivery of deliveries) await saveDelivery(tx, delivery, now);
  for (const call of calls) {
    const id = await saveCall(tx, installation, call, now);
    if (!erasedAt) continue;
    const from = call.events.map(({ delivery }) => delivery);
    const written = { id, key: call.key, number: call.columns.number, deliveries: from };
    await eraseDecodedLate(tx, erasedAt, written, now);
  }
  if (line) saveLineProgress(tx, installation, line);
}

async function saveDelivery(tx: Db, delivery: DecodedDelivery, now: number): Promise<void> {
  const { id, digest, kind, events, fault, repeatOf, again } = delivery;
  if (repeatOf !== undefined) {
    // The earlier one has got a fault since: this one stays new.
    if (await tx.get("SELECT 1 FROM deliveries WHERE id = :repeatOf AND state = 2", { repeatOf })) return;
    tx.send("DELETE FROM deliveries WHERE id = :id", { id });
    tx.send("UPDATE deliveries SET repeats = repeats + 1 WHERE id = :repeatOf", { repeatOf });
    return;
  }
  if (again) tx.send("DELETE FROM events WHERE delivery = :id", { id });
  tx.send(
    `INSERT INTO digests (digest, delivery, at) VALUES (:digest, :id, :now)
      ON CONFLICT (digest) DO UPDATE SET delivery = excluded.delivery, at = excluded.at`,
    { digest, id, now },
  );
  tx.send(
    `UPDATE deliveries SET state = :state, kind = :kind, events = :events, fault = :fault
      WHERE id = :id AND kind IS DISTINCT FROM 'erased'`,
    { id, state: fault === undefined ? 1 : 2, kind, events, fault },
  );
}

async function saveCall(tx: Db, installation: string, call: CallWrite, now: number): Promise<number> {
  const id = call.row ?? (await insertCall(tx, installation, call, now));
  if (call.row !== undefined) updateCall(tx, id, call, now);
  for (const loser of call.absorbed) absorb(tx, id, loser, now);
  const { provider } = call;
  if (call.facets)
    tx.send(
      `INSERT INTO facets (call, installation, provider, direction, outcome, agent, line, recording)
        VALUES (:id, :installation, :provider, :direction, :outcome, :agent, :line, :recording)
        ON CONFLICT (call) DO UPDATE SET direction = excluded.direction, outcome = excluded.outcome,
          agent = excluded.agent, line = excluded.line, recording = excluded.recording`,
      { id, installation, provider, ...call.facets },
    );
  for (const leg of call.newLegs) {
    tx.send(
      `INSERT INTO legs (installation, provider, call_id, call) VALUES (:installation, :provider, :leg, :id)
        ON CONFLICT (installation, provider, call_id) DO UPDATE SET call = excluded.call`,
      { installation, provider, leg, id },
    );
  }
  for (const { body, delivery } of call.events) {
    tx.send(
      `INSERT INTO events (call, digest, delivery, body) VALUES (:id, :digest, :delivery, :body)
        ON CONFLICT DO NOTHING`,
      { id, digest: shortDigest(hash("sha1", body, "buffer")), delivery, body },
    );
  }
  const isNew = call.row === undefined;
  if (call.pollAt !== undefined)
    addPoll(tx, { call: id, installation, provider, since: now, dueAt: call.pollAt });
  else if (!isNew) removePoll(tx, id);
  if (call.audioAt !== undefined)
    wantRecording(tx, { call: id, installation, since: now, dueAt: call.audioAt });
  if (!isNew) tx.send("DELETE FROM ends WHERE call = :id", { id });
  for (const number of call.ends)
    tx.send(
      `INSERT INTO ends (installation, provider, number, call) VALUES (:installation, :provider, :number, :id)
        ON CONFLICT DO NOTHING`,
      { installation, provider, number, id },
    );
  for (const { number, openBefore } of call.lines) {
    // A line that is known keeps the calls that are still to be folded again.
    tx.send(
      `INSERT INTO lines (installation, provider, number, open_before)
        VALUES (:installation, :provider, :number, :openBefore) ON CONFLICT DO NOTHING`,
      { installation, provider, number, openBefore },
    );
  }
  return id;
}

/**
 * The activity of a leg that belongs to another call has to be removed: the lane does that when the leg's row is due. Only
 * the row tells whether there is one, because it may have been saved since the call was read.
 */
function absorb(tx: Db, winner: number, loser: number, now: number): void {
  tx.send(
    `UPDATE events SET call = :winner
      WHERE call = :loser AND digest NOT IN (SELECT digest FROM events WHERE call = :winner)`,
    { winner, loser },
  );
  tx.send("DELETE FROM events WHERE call = :loser", { loser });
  removePoll(tx, loser);
  tx.send("DELETE FROM ends WHERE call = :loser", { loser });
  tx.send("UPDATE recordings SET state = 'erase', due_at = :now WHERE call = :loser", { loser, now });
  tx.send(
    `UPDATE calls SET state = 'merged', merged_into = :winner, reason = 'a transfer merged it into another call',
        due_at = CASE WHEN activity_id IS NOT NULL THEN CAST(:now AS bigint) END, updated_at = :now
      WHERE id = :loser`,
    { winner, loser, now },
  );
}

async function insertCall(
  tx: Db,
  installation: string,
  { key, provider, columns }: CallWrite,
  now: number,
): Promise<number> {
  const row = await tx.get(
    `INSERT INTO calls (key, installation, provider, revision, body, state, reason, number, due_at, created_at, updated_at)
      VALUES (:key, :installation, :provider, :revision, :body, :state, :reason, :number, :dueAt, :now, :now)
      RETURNING id`,
    { key, installation, provider, ...columns, now },
  );
  return Number(row?.["id"]);
}

const isOther = "number <> :number AND instr(COALESCE(decision, ''), :chosen) = 0";

/**
 * A leg that becomes a call again has no activity, unless that is still to be removed. A call that became due since it
 * was read stays due. With another number it has another contact, unless a person chose it.
 */
function updateCall(tx: Db, id: number, { columns }: CallWrite, now: number): void {
  tx.send(
    `UPDATE calls SET revision = :revision, body = :body, state = :state, reason = :reason, number = :number,
        contact_kind = CASE WHEN ${isOther} THEN NULL ELSE contact_kind END,
        contact_id = CASE WHEN ${isOther} THEN NULL ELSE contact_id END,
        decision = CASE WHEN ${isOther} THEN NULL ELSE decision END,
        due_at = COALESCE(:dueAt, CASE WHEN state = 'logged' THEN due_at END), updated_at = :now,
        activity_id = CASE WHEN state = 'merged' AND due_at IS NULL THEN NULL ELSE activity_id END,
        merged_into = NULL
      WHERE id = :id`,
    { ...columns, id, now, chosen: `"lookup":${JSON.stringify(chosenByPerson)}` },
  );
}

function saveLineProgress(
  tx: Db,
  installation: string,
  { provider, number, openBefore }: LineProgress,
): void {
  tx.send(
    `UPDATE lines SET open_before = :openBefore
      WHERE installation = :installation AND provider = :provider AND number = :number`,
    { installation, provider, number, openBefore },
  );
}

export async function lines(db: ReadDb, installation: string, provider: string): Promise<string[]> {
  const rows = await db.all(
    "SELECT number FROM lines WHERE installation = :installation AND provider = :provider",
    { installation, provider },
  );
  return rows.map(({ number }) => String(number));
}

export async function openLine(db: ReadDb, installation: string): Promise<OpenLine | undefined> {
  const row = await db.get(
    `SELECT provider, number, open_before FROM lines
      WHERE installation = :installation AND open_before IS NOT NULL LIMIT 1`,
    { installation },
  );
  return (
    row && {
      provider: String(row["provider"]),
      number: String(row["number"]),
      openBefore: Number(row["open_before"]),
    }
  );
}

/** Calls that are folded again in one turn: webhooks and live calls wait meanwhile. */
const callsAtOnce = 200;

export async function callsBetween(
  db: ReadDb,
  installation: string,
  { provider, number }: { provider: string; number: string },
  before = Number.MAX_SAFE_INTEGER,
): Promise<{ callIds: string[]; openBefore?: number }> {
  const rows = await db.all(
    `SELECT calls.id AS id, calls.body AS body FROM ends JOIN calls ON calls.id = ends.call
      WHERE ends.installation = :installation AND ends.provider = :provider AND ends.number = :number
        AND ends.call < :before
      ORDER BY ends.call DESC LIMIT ${callsAtOnce}`,
    { installation, provider, number, before },
  );
  const last = rows.length === callsAtOnce ? rows.at(-1) : undefined;
  return {
    callIds: rows.map(({ body }) => (JSON.parse(String(body)) as Call).callId),
    ...(last && { openBefore: Number(last["id"]) }),
  };
}
