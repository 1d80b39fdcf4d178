import { setImmediate } from "node:timers/promises";
import type { Call, CallEvent } from "../core/call.ts";
import { type EventLimits, endLimits } from "../core/call-limits.ts";
import type { ContactKind } from "../core/contact.ts";
import type { CallState, Decision, TrackedCall, WrittenByUs } from "../core/tracked-call.ts";
import type { CallFilter, CallGroup, CallSize, Leg, Step } from "./contract/calls.ts";
import type { CallNumber, NumberedCall, PutOptions } from "./contract/contacts.ts";
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

export async function callById(db: ReadDb, id: number): Promise<TrackedCall | undefined> {
  const row = await db.get(`SELECT ${callColumns} FROM calls WHERE id = :id`, { id });
  return row && toTrackedCall(row);
}

export async function call(db: ReadDb, key: string): Promise<CallGroup | undefined> {
  const row = await db.get("SELECT id FROM calls WHERE key = :key", { key });
  return row && groupOf(db, Number(row["id"]));
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

/** Adds a line to the history of a call; `detail` is JSON. */
export async function addStep(
  tx: Db,
  call: number,
  line: { at: number; step: string; detail: string },
): Promise<void> {
  await tx.run("INSERT INTO history (call, at, step, detail) VALUES (:call, :at, :step, :detail)", {
    call,
    ...line,
  });
}

export async function counts(
  db: ReadDb,
): Promise<{ installation: string; state: CallState; calls: number }[]> {
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

export async function groupsOf(
  db: ReadDb,
  installation: string,
  legs: readonly Leg[],
  deliveries: readonly number[] = [],
): Promise<CallGroup[]> {
  const ids = new Set<number>();
  for (const delivery of deliveries) {
    for (const { call } of await db.all("SELECT call FROM events WHERE delivery = :delivery", { delivery }))
      ids.add(Number(call));
  }
  for (const leg of legs) {
    const id = await callOf(db, installation, leg);
    if (id !== undefined) ids.add(id);
  }
  const groups: CallGroup[] = [];
  for (const id of ids) {
    const group = await groupOf(db, id);
    if (group) groups.push(group);
  }
  return groups;
}

async function callOf(
  db: ReadDb,
  installation: string,
  { provider, callId }: Leg,
): Promise<number | undefined> {
  const row = await db.get(
    "SELECT call FROM legs WHERE installation = :installation AND provider = :provider AND call_id = :callId",
    { installation, provider, callId },
  );
  return row && Number(row["call"]);
}

export async function sizesOf(
  db: ReadDb,
  installation: string,
  legs: readonly Leg[],
  without: readonly number[],
): Promise<CallSize[]> {
  const known = new Map<number, EventLimits>();
  const sizes: CallSize[] = [];
  for (const leg of legs) {
    const call = await callOf(db, installation, leg);
    if (call === undefined) continue;
    const size = known.get(call) ?? (await sizeOf(db, call, without));
    known.set(call, size);
    sizes.push({ leg, call, ...size });
  }
  return sizes;
}

async function sizeOf(db: ReadDb, call: number, without: readonly number[] = []): Promise<EventLimits> {
  const row = await db.get(
    `SELECT COUNT(*) AS events, SUM(octet_length(body)) AS bytes FROM events
      WHERE call = :call AND delivery NOT IN (:without)`,
    { call, without },
  );
  return { events: Number(row?.["events"] ?? 0), bytes: Number(row?.["bytes"] ?? 0) };
}

async function groupOf(db: ReadDb, id: number): Promise<CallGroup | undefined> {
  const row = await callById(db, id);
  if (!row) return undefined;
  const events = await eventsOf(db, id);
  return {
    row,
    events: events.map(({ body }) => JSON.parse(String(body)) as CallEvent),
    from: events.map(({ delivery }) => Number(delivery)),
  };
}

/** Those of the oldest deliveries, of a call that an earlier version let grow beyond the limits. */
async function eventsOf(db: ReadDb, call: number): Promise<Row[]> {
  const { events, bytes } = await sizeOf(db, call);
  if (events <= endLimits.events && bytes <= endLimits.bytes)
    return db.all("SELECT body, delivery FROM events WHERE call = :call", { call });
  return db.all(
    `WITH sums AS (SELECT digest, sum(octet_length(body)) OVER oldest - octet_length(body) AS bytes_before,
                          row_number() OVER oldest AS place
                     FROM events WHERE call = :call WINDOW oldest AS (ORDER BY delivery, digest))
     SELECT body, delivery FROM events
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

/** Digits of an E.164 number: at most 15, so an exact integer, and a third of the size of the text. */
export function digitsOf(number: string): number {
  return Number(number.slice(1));
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
