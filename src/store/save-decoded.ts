import { hash } from "node:crypto";
import { type Call, mainAgent } from "../core/call.ts";
import { chosenByPerson } from "../core/tracked-call.ts";
import type { DecodedCall, DecodedDelivery, LearnedLine, LineProgress } from "./contract/calls.ts";
import type { Db } from "./db/db.ts";
import { shortDigest } from "./db/rows.ts";
import { eraseDecodedLate, erasedLately } from "./erasure/calls.ts";
import { addPoll, removePolls, wantRecording } from "./recordings.ts";

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
  const agent = mainAgent(agents);
  return { direction, outcome, agent: agent?.email ?? agent?.ids[0], line, recording: recording ? 1 : 0 };
}

export async function saveDecoded(
  tx: Db,
  { installation, now, deliveries, calls, line }: DecodedWrite,
): Promise<void> {
  const erasedAt = await erasedLately(tx, installation, now);
  await saveDeliveries(tx, deliveries, now);
  const ids = await insertCalls(tx, installation, calls, now);
  const written = calls.map((call) => ({ ...call, id: call.row ?? ids.get(call.key) ?? 0 }));
  saveCalls(tx, installation, written, now);
  if (erasedAt)
    for (const { id, key, columns, events } of written) {
      const from = events.map(({ delivery }) => delivery);
      await eraseDecodedLate(tx, erasedAt, { id, key, number: columns.number, deliveries: from }, now);
    }
  if (line) saveLineProgress(tx, installation, line);
}

async function saveDeliveries(tx: Db, deliveries: readonly DecodedDelivery[], now: number): Promise<void> {
  const decoded: DecodedDelivery[] = [];
  for (const delivery of deliveries) {
    const { id, repeatOf, again } = delivery;
    if (repeatOf === undefined) {
      decoded.push(delivery);
      if (again) tx.send("DELETE FROM events WHERE delivery = :id", { id });
      continue;
    }
    // When the earlier one has got a fault since, this one stays new.
    if (!(await tx.get("SELECT 1 FROM deliveries WHERE id = :repeatOf AND state = 2", { repeatOf }))) {
      tx.send("DELETE FROM deliveries WHERE id = :id", { id });
      tx.send("UPDATE deliveries SET repeats = repeats + 1 WHERE id = :repeatOf", { repeatOf });
    }
  }
  const digests = new Map(decoded.map(({ digest, id }) => [digest, { digest, id, now }]));
  tx.sendRows(
    `INSERT INTO digests (digest, delivery, at) VALUES (:digest, :id, :now)
      ON CONFLICT (digest) DO UPDATE SET delivery = excluded.delivery, at = excluded.at`,
    [...digests.values()],
  );
  const alike = Map.groupBy(decoded, ({ kind, events, fault = "" }) => `${kind} ${events} ${fault}`);
  for (const same of alike.values()) {
    const { kind, events, fault } = same[0] as DecodedDelivery;
    tx.send(
      `UPDATE deliveries SET state = :state, kind = :kind, events = :events, fault = :fault
        WHERE id IN (:ids) AND kind IS DISTINCT FROM 'erased'`,
      { ids: same.map(({ id }) => id), state: fault === undefined ? 1 : 2, kind, events, fault },
    );
  }
}

/** The calls that are new, by key. */
async function insertCalls(
  tx: Db,
  installation: string,
  calls: readonly CallWrite[],
  now: number,
): Promise<Map<string, number>> {
  const rows = calls.flatMap(({ row, key, provider, columns }) =>
    row === undefined ? { key, installation, provider, ...columns, now } : [],
  );
  const inserted = await tx.rowsOf(
    `INSERT INTO calls (key, installation, provider, revision, body, state, reason, number, due_at, created_at, updated_at)
      VALUES (:key, :installation, :provider, :revision, :body, :state, :reason, :number, :dueAt, :now, :now)
      RETURNING id, key`,
    rows,
  );
  return new Map(inserted.map(({ id, key }) => [String(key), Number(id)]));
}

type WrittenCall = CallWrite & { id: number };

function saveCalls(tx: Db, installation: string, calls: readonly WrittenCall[], now: number): void {
  const existing = calls.filter(({ row }) => row !== undefined);
  for (const call of existing) updateCall(tx, call, now);
  for (const { id, absorbed } of calls) for (const loser of absorbed) absorb(tx, id, loser, now);
  // A leg may be named by two calls; the last one has it.
  const legs = calls.flatMap(({ id, provider, newLegs }) =>
    newLegs.map((leg) => [`${provider}\n${leg}`, { installation, provider, leg, id }] as const),
  );
  tx.sendRows(
    `INSERT INTO legs (installation, provider, call_id, call) VALUES (:installation, :provider, :leg, :id)
      ON CONFLICT (installation, provider, call_id) DO UPDATE SET call = excluded.call`,
    [...new Map(legs).values()],
  );
  tx.sendRows(
    `INSERT INTO events (call, digest, delivery, body) VALUES (:id, :digest, :delivery, :body)
      ON CONFLICT DO NOTHING`,
    calls.flatMap(({ id, events }) =>
      events.map(({ body, delivery }) => {
        return { id, digest: shortDigest(hash("sha1", body, "buffer")), delivery, body };
      }),
    ),
  );
  for (const { id, provider, pollAt: dueAt } of calls)
    if (dueAt !== undefined) addPoll(tx, { call: id, installation, provider, since: now, dueAt });
  removePolls(
    tx,
    existing.flatMap(({ id, pollAt }) => (pollAt === undefined ? id : [])),
  );
  for (const { id, audioAt: dueAt } of calls)
    if (dueAt !== undefined) wantRecording(tx, { call: id, installation, since: now, dueAt });
  saveFacets(tx, installation, calls);
  saveEnds(tx, installation, calls);
}

function saveFacets(tx: Db, installation: string, calls: readonly WrittenCall[]): void {
  tx.sendRows(
    `INSERT INTO facets (call, installation, provider, direction, outcome, agent, line, recording)
      VALUES (:id, :installation, :provider, :direction, :outcome, :agent, :line, :recording)
      ON CONFLICT (call) DO UPDATE SET direction = excluded.direction, outcome = excluded.outcome,
        agent = excluded.agent, line = excluded.line, recording = excluded.recording`,
    calls.flatMap(({ id, provider, facets }) => (facets ? { id, installation, provider, ...facets } : [])),
  );
}

function saveEnds(tx: Db, installation: string, calls: readonly WrittenCall[]): void {
  const existing = calls.flatMap(({ id, row }) => (row === undefined ? [] : id));
  if (existing.length > 0) tx.send("DELETE FROM ends WHERE call IN (:existing)", { existing });
  tx.sendRows(
    `INSERT INTO ends (installation, provider, number, call) VALUES (:installation, :provider, :number, :id)
      ON CONFLICT DO NOTHING`,
    calls.flatMap(({ id, provider, ends }) => ends.map((number) => ({ installation, provider, number, id }))),
  );
  // A line that is known keeps the calls that are still to be folded again.
  tx.sendRows(
    `INSERT INTO lines (installation, provider, number, open_before)
      VALUES (:installation, :provider, :number, :openBefore) ON CONFLICT DO NOTHING`,
    calls.flatMap(({ provider, lines }) =>
      lines.map(({ number, openBefore }) => ({ installation, provider, number, openBefore })),
    ),
  );
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
  removePolls(tx, [loser]);
  tx.send("DELETE FROM ends WHERE call = :loser", { loser });
  tx.send("UPDATE recordings SET state = 'erase', due_at = :now WHERE call = :loser", { loser, now });
  tx.send(
    `UPDATE calls SET state = 'merged', merged_into = :winner, reason = 'a transfer merged it into another call',
        due_at = CASE WHEN activity_id IS NOT NULL THEN CAST(:now AS bigint) END, updated_at = :now
      WHERE id = :loser`,
    { winner, loser, now },
  );
}

const isOther = "number <> :number AND instr(COALESCE(decision, ''), :chosen) = 0";

/**
 * A leg that becomes a call again has no activity, unless that is still to be removed. A call that became due since it
 * was read stays due. With another number it has another contact, unless a person chose it.
 */
function updateCall(tx: Db, { id, columns }: WrittenCall, now: number): void {
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
