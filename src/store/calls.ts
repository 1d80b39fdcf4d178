import { setImmediate } from "node:timers/promises";
import { type Call, type CallEvent, type EventLimits, endLimits } from "../core/call.ts";
import type { CallState, TrackedCall } from "../core/tracked-call.ts";
import type { CallFilter } from "./contract/call-lists.ts";
import type { CallGroup, CallSize, ChosenContact, DueTimes, Leg, Step } from "./contract/calls.ts";
import type { CallNumber, NumberedCall, PutOptions } from "./contract/contacts.ts";
import type { Db, ReadDb, Row } from "./db/db.ts";
import { addSteps, callColumns, digitsOf, toTrackedCall } from "./db/rows.ts";

export async function callById(db: ReadDb, id: number): Promise<TrackedCall | undefined> {
  const row = await db.get(`SELECT ${callColumns} FROM calls WHERE id = :id`, { id });
  return row && toTrackedCall(row);
}

export async function call(db: ReadDb, key: string): Promise<CallGroup | undefined> {
  const row = await db.get("SELECT id FROM calls WHERE key = :key", { key });
  const [group] = row ? await groupsBy(db, [Number(row["id"])]) : [];
  return group;
}

/** A filter that few of a million calls match may take a second. */
export async function calls(db: ReadDb, filter: CallFilter): Promise<TrackedCall[]> {
  const { installation, provider, state, number, since, until, before } = filter;
  // The index of numbers is by installation.
  const anyInstallation = number ? ["installation IN (SELECT installation FROM tallies)"] : [];
  const conditions = [
    ...(installation ? ["installation = :installation"] : anyInstallation),
    ...(provider ? ["provider = :provider"] : []),
    ...(state ? ["state = :state"] : []),
    ...(number ? ["number = :number"] : []),
    ...(since ? ["created_at >= :since"] : []),
    ...(until ? ["created_at < :until"] : []),
    ...(before === undefined ? [] : ["id < :before"]),
  ];
  const where = conditions.length > 0 ? `WHERE ${conditions.join(" AND ")}` : "";
  const rows = await db.all(`SELECT ${callColumns} FROM calls ${where} ORDER BY id DESC LIMIT :limit`, {
    ...filter,
    since: since && Date.parse(since),
    until: until && Date.parse(until),
  });
  return rows.map(toTrackedCall);
}

export async function history(db: ReadDb, call: number): Promise<Step[]> {
  const rows = await db.all("SELECT at, step, detail FROM history WHERE call = :call ORDER BY id", { call });
  return rows.map(({ at, step, detail }) => ({
    at: Number(at),
    step: String(step),
    detail: JSON.parse(String(detail)) as Step["detail"],
  }));
}

type Count = { installation: string; state: CallState; calls: number };

export async function counts(db: ReadDb): Promise<Count[]> {
  const rows = await db.all("SELECT installation, state, calls FROM tallies ORDER BY installation, state");
  return rows.map((row) => ({
    installation: String(row["installation"]),
    state: row["state"] as CallState,
    calls: Number(row["calls"]),
  }));
}

export async function retry(tx: Db, key: string, now: number): Promise<boolean> {
  const changed = await tx.run(
    `UPDATE calls SET due_at = :now, attempts = 0, state = 'waiting', reason = NULL
      WHERE key = :key AND state NOT IN ('merged', 'open')`,
    { key, now },
  );
  return changed > 0;
}

/** Logs it again with this contact, when it is logged at all. Returns whether the call is still there and part of no other. */
export async function chooseContact(
  tx: Db,
  id: number,
  { contact, decision, at, by }: ChosenContact,
): Promise<boolean> {
  const changed = await tx.run(
    `UPDATE calls SET contact_kind = :kind, contact_id = :contact, decision = :decision, updated_at = :at,
        due_at = CASE WHEN state IN ('waiting', 'logged', 'dead') THEN CAST(:at AS bigint) ELSE due_at END,
        attempts = 0, state = CASE WHEN state = 'dead' THEN 'waiting' ELSE state END
      WHERE id = :id AND state <> 'merged'`,
    { id, kind: contact.kind, contact: contact.id, decision: JSON.stringify(decision), at },
  );
  if (changed === 0) return false;
  const name = decision.contact?.name ?? contact.id;
  addSteps(tx, [{ call: id, at, step: "contact chosen", detail: JSON.stringify({ contact: name, by }) }]);
  return true;
}

export async function hurry(tx: Db, installation: string, now: number): Promise<void> {
  await tx.run(
    "UPDATE calls SET due_at = :now, attempts = 0 WHERE installation = :installation AND due_at > :now",
    { installation, now },
  );
}

/** Rows that are read at once, so that webhooks do not wait for all of them. */
const rowsAtOnce = 100;

export async function dueCalls(
  db: ReadDb,
  installation: string,
  now: number,
  limit: number,
): Promise<TrackedCall[]> {
  const due = new Map<number, TrackedCall>();
  for (let offset = 0; offset < limit; offset += rowsAtOnce) {
    if (offset > 0) await setImmediate();
    const rows = await db.all(
      `SELECT ${callColumns} FROM calls WHERE installation = :installation AND due_at <= :now
        ORDER BY due_at, id LIMIT :count OFFSET :offset`,
      { installation, now, offset, count: Math.min(rowsAtOnce, limit - offset) },
    );
    for (const row of rows.map(toTrackedCall)) due.set(row.id, row);
    if (rows.length < rowsAtOnce) break;
  }
  return [...due.values()];
}

export async function nextDue(db: ReadDb, installation: string): Promise<number | undefined> {
  const row = await db.get(
    "SELECT MIN(due_at) AS due FROM calls WHERE installation = :installation AND due_at IS NOT NULL",
    { installation },
  );
  return row?.["due"] == null ? undefined : Number(row["due"]);
}

export async function dueTimes(db: ReadDb, installation: string): Promise<DueTimes> {
  const row = await db.get(
    `SELECT (SELECT MIN(due_at) FROM calls WHERE installation = :installation AND due_at IS NOT NULL) AS call,
      (SELECT MIN(close_at) FROM follow_ups
        WHERE installation = :installation AND close_at IS NOT NULL AND state = 'open') AS follow_up`,
    { installation },
  );
  return {
    ...(row?.["call"] != null && { call: Number(row["call"]) }),
    ...(row?.["follow_up"] != null && { followUp: Number(row["follow_up"]) }),
  };
}

export async function groupsOf(
  db: ReadDb,
  installation: string,
  legs: readonly Leg[],
  deliveries: readonly number[] = [],
): Promise<CallGroup[]> {
  const rows =
    deliveries.length > 0
      ? await db.all("SELECT call FROM events WHERE delivery IN (:deliveries)", { deliveries })
      : [];
  const callOf = await callsOf(db, installation, legs);
  const ids = new Set(rows.map(({ call }) => Number(call)));
  for (const leg of legs) {
    const id = callOf(leg);
    if (id !== undefined) ids.add(id);
  }
  return groupsBy(db, [...ids]);
}

type CallOf = (leg: Leg) => number | undefined;

async function callsOf(db: ReadDb, installation: string, legs: readonly Leg[]): Promise<CallOf> {
  const calls = new Map<string, number>();
  for (const [provider, callIds] of idsByProvider(legs)) {
    const rows = await db.all(
      `SELECT call_id, call FROM legs
        WHERE installation = :installation AND provider = :provider AND call_id IN (:callIds)`,
      { installation, provider, callIds },
    );
    for (const row of rows) calls.set(`${provider}\n${row["call_id"]}`, Number(row["call"]));
  }
  return ({ provider, callId }) => calls.get(`${provider}\n${callId}`);
}

function idsByProvider(legs: readonly Leg[]): [string, string[]][] {
  const byProvider = Map.groupBy(legs, ({ provider }) => provider);
  return [...byProvider].map(([provider, own]) => [provider, own.map(({ callId }) => callId)]);
}

export async function sizesOf(
  db: ReadDb,
  installation: string,
  legs: readonly Leg[],
  without: readonly number[],
): Promise<CallSize[]> {
  const sizes = new Map<string, { call: number } & EventLimits>();
  for (const [provider, callIds] of idsByProvider(legs)) {
    const rows = await db.all(
      `SELECT legs.call_id AS call_id, legs.call AS call, COUNT(events.call) AS events,
          SUM(octet_length(events.body)) AS bytes
        FROM legs LEFT JOIN events ON events.call = legs.call AND events.delivery NOT IN (:without)
        WHERE legs.installation = :installation AND legs.provider = :provider AND legs.call_id IN (:callIds)
        GROUP BY legs.call_id, legs.call`,
      { installation, provider, callIds, without },
    );
    for (const { call_id, call, events, bytes } of rows)
      sizes.set(`${provider}\n${call_id}`, {
        call: Number(call),
        events: Number(events),
        bytes: Number(bytes),
      });
  }
  return legs.flatMap((leg) => {
    const size = sizes.get(`${leg.provider}\n${leg.callId}`);
    return size ? { leg, ...size } : [];
  });
}

async function groupsBy(db: ReadDb, ids: readonly number[]): Promise<CallGroup[]> {
  if (ids.length === 0) return [];
  const rows = await db.all(
    `SELECT ${callColumns}, events, bytes FROM calls
      LEFT JOIN (SELECT call, COUNT(*) AS events, SUM(octet_length(body)) AS bytes FROM events
        WHERE call IN (:ids) GROUP BY call) AS sizes ON sizes.call = calls.id
      WHERE id IN (:ids)`,
    { ids },
  );
  const groups = new Map<number, CallGroup>();
  for (const row of rows.map(toTrackedCall)) groups.set(row.id, { row, events: [], from: [] });
  for (const { call, body, delivery } of await eventsOf(db, rows)) {
    const group = groups.get(Number(call));
    group?.events.push(JSON.parse(String(body)) as CallEvent);
    group?.from.push(Number(delivery));
  }
  return ids.flatMap((id) => groups.get(id) ?? []);
}

/** Of a call that an earlier version let grow beyond the limits, those of the oldest deliveries. */
async function eventsOf(db: ReadDb, calls: readonly Row[]): Promise<Row[]> {
  const isWithin = ({ events, bytes }: Row) =>
    Number(events) <= endLimits.events && Number(bytes) <= endLimits.bytes;
  const [within, beyond] = [calls.filter(isWithin), calls.filter((row) => !isWithin(row))];
  const rows = await db.all(
    "SELECT call, body, delivery FROM events WHERE call IN (:ids) ORDER BY call, digest",
    { ids: within.map(({ id }) => Number(id)) },
  );
  for (const { id } of beyond) rows.push(...(await oldestEventsOf(db, Number(id))));
  return rows;
}

function oldestEventsOf(db: ReadDb, call: number): Promise<Row[]> {
  return db.all(
    `WITH sums AS (SELECT digest, sum(octet_length(body)) OVER oldest - octet_length(body) AS bytes_before,
                          row_number() OVER oldest AS place
                     FROM events WHERE call = :call WINDOW oldest AS (ORDER BY delivery, digest))
     SELECT call, body, delivery FROM events
      WHERE call = :call AND digest IN (SELECT digest FROM sums WHERE bytes_before < :bytes AND place <= :events)`,
    { call, ...endLimits },
  );
}

export async function numberedCalls(
  db: ReadDb,
  installation: string,
  after: number,
  limit: number,
): Promise<NumberedCall[]> {
  const rows = await db.all(
    "SELECT id, number, body FROM calls WHERE installation = :installation AND id > :after ORDER BY id LIMIT :limit",
    { installation, after, limit },
  );
  return rows.map(({ id, number, body }) => {
    const raw = (JSON.parse(String(body)) as Call).customer?.number;
    return {
      id: Number(id),
      ...(raw !== undefined && { raw }),
      ...(number !== null && { number: String(number) }),
    };
  });
}

export async function renumberCalls(
  tx: Db,
  installation: string,
  calls: readonly CallNumber[],
  { now, matchSince }: PutOptions,
): Promise<number> {
  let matched = 0;
  for (const { id, was, number } of calls) {
    const changed = await tx.run(
      "UPDATE calls SET number = :number WHERE id = :id AND number IS NOT DISTINCT FROM :was",
      { id, was, number },
    );
    if (changed === 0 || number === undefined) continue;
    matched += await tx.run(
      `UPDATE calls SET due_at = :now
        WHERE id = :id AND contact_id IS NULL AND state = 'logged' AND due_at IS NULL AND created_at >= :matchSince
          AND EXISTS (SELECT 1 FROM phones WHERE installation = :installation AND number = :digits)`,
      { id, now, matchSince, installation, digits: digitsOf(number) },
    );
  }
  return matched;
}
