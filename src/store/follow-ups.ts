import type { ContactKind } from "../core/contact.ts";
import type { Fields } from "../core/crm.ts";
import type { FollowUpState, TrackedFollowUp } from "../core/tracked-call.ts";
import type { FollowUpAnswer, FollowUpChange, Reached, Subject, WantedFollowUp } from "./contract/calls.ts";
import type { Db, ReadDb, Row } from "./db/db.ts";
import { addSteps } from "./db/rows.ts";
import { whyErased } from "./erasure/calls.ts";

const selectFollowUps = `SELECT follow_ups.call AS call, follow_ups.installation AS installation, follow_ups.state AS state,
    since, fields, follow_ups.attempts AS attempts, follow_ups.contact_kind AS contact_kind,
    follow_ups.contact_id AS contact_id, follow_ups.number AS number, task_id, close_at, reached_by,
    follow_ups.reason AS reason, calls.key AS key
  FROM follow_ups JOIN calls ON calls.id = follow_ups.call`;

export async function followUp(db: ReadDb, call: number): Promise<TrackedFollowUp | undefined> {
  const row = await db.get(`${selectFollowUps} WHERE follow_ups.call = :call`, { call });
  return row && toFollowUp(row);
}

export async function openFollowUps(
  db: ReadDb,
  installation: string,
  subjects: readonly Subject[],
): Promise<TrackedFollowUp[]> {
  const numbers = [...new Set(subjects.flatMap(({ number }) => number ?? []))];
  const contacts = [...new Set(subjects.flatMap(({ contact }) => contact?.id ?? []))];
  if (numbers.length + contacts.length === 0) return [];
  // A task that was to be sent with a call that is parked or deleted may never be made.
  const rows = await db.all(
    `${selectFollowUps}
      WHERE follow_ups.installation = :installation AND follow_ups.state IN ('wanted', 'open')
        AND (follow_ups.state = 'open' OR calls.state NOT IN ('dead', 'gone', 'ignored', 'merged'))
        AND (follow_ups.number IN (:numbers) OR follow_ups.contact_id IN (:contacts))`,
    { installation, numbers, contacts },
  );
  return rows.map(toFollowUp);
}

export async function hasOpenFollowUps(db: ReadDb, installation: string): Promise<boolean> {
  const row = await db.get(
    "SELECT call FROM follow_ups WHERE installation = :installation AND state IN ('wanted', 'open') LIMIT 1",
    { installation },
  );
  return row !== undefined;
}

/** Enough of one caller's latest calls to see whether they were reached. */
const callsLookedAt = 50;

export async function completedCalls(
  db: ReadDb,
  installation: string,
  { number, contact }: Subject,
  since: number,
): Promise<{ key: string; body: string }[]> {
  const select = (condition: string) =>
    db.all(
      `SELECT key, body, contact_kind FROM calls
        WHERE installation = :installation AND created_at >= :since AND state <> 'merged' AND ${condition}
        ORDER BY id DESC LIMIT ${callsLookedAt}`,
      { installation, since, number, contact: contact?.id },
    );
  const byNumber = number === undefined ? [] : await select("number = :number");
  const byContact = contact ? await select("contact_id = :contact") : [];
  const found = [...byNumber, ...byContact.filter((row) => row["contact_kind"] === contact?.kind)];
  return found.map(({ key, body }) => ({ key: String(key), body: String(body) }));
}

export async function dueFollowUps(
  db: ReadDb,
  installation: string,
  now: number,
  limit: number,
): Promise<TrackedFollowUp[]> {
  const rows = await db.all(
    `${selectFollowUps}
      WHERE follow_ups.installation = :installation AND follow_ups.state = 'open' AND follow_ups.close_at <= :now
      ORDER BY follow_ups.close_at LIMIT :limit`,
    { installation, now, limit },
  );
  return rows.map(toFollowUp);
}

export async function markReached(
  tx: Db,
  installation: string,
  calls: readonly Reached[],
  now: number,
): Promise<void> {
  for (const { call, key, at, number, contact } of calls)
    await tx.run(
      `UPDATE follow_ups SET close_at = :now, reached_by = :key
        WHERE installation = :installation AND state IN ('wanted', 'open') AND reached_by IS NULL AND (
          call = :call OR call IN (SELECT id FROM calls WHERE merged_into = :call)
          OR (since <= :at AND (number = :number OR (contact_kind = :kind AND contact_id = :contact))))`,
      { now, key, installation, call, at, number, kind: contact?.kind, contact: contact?.id },
    );
}

/** One that was erased meanwhile stays away. */
export async function changeFollowUps(tx: Db, changes: readonly FollowUpChange[]): Promise<void> {
  for (const { call, state, closeAt, attempts, reason, step } of changes) {
    const changed = await tx.run(
      `UPDATE follow_ups SET state = :state, close_at = :closeAt, attempts = :attempts, reason = :reason
        WHERE call = :call`,
      { call, state, closeAt, attempts, reason },
    );
    if (changed > 0 && step) addSteps(tx, [{ ...step, call, detail: JSON.stringify(step.detail) }]);
  }
}

/** One that exists stays as it is, unless the CRM refused it. */
export function addFollowUp(tx: Db, call: number, { since, fields, contact, number }: WantedFollowUp): void {
  tx.send(
    `INSERT INTO follow_ups (call, installation, state, since, contact_kind, contact_id, number, fields)
      SELECT id, installation, 'wanted', :since, :kind, :contact, :number, :fields FROM calls
        WHERE id = :call AND reason IS DISTINCT FROM :whyErased
      ON CONFLICT (call) DO UPDATE SET state = 'wanted', reason = NULL WHERE follow_ups.state = 'refused'`,
    {
      call,
      since,
      kind: contact?.kind,
      contact: contact?.id,
      number,
      fields: JSON.stringify(fields),
      whyErased,
    },
  );
}

export function saveFollowUpAnswer(tx: Db, call: number, answer: FollowUpAnswer, { contact }: Subject): void {
  const made = "made" in answer ? answer.made : undefined;
  tx.send(
    `UPDATE follow_ups SET state = :state, task_id = :taskId, fields = COALESCE(:fields, fields), reason = :reason,
        contact_kind = COALESCE(:kind, contact_kind), contact_id = COALESCE(:contact, contact_id)
      WHERE call = :call AND state = 'wanted'`,
    {
      call,
      state: made ? "open" : "refused",
      taskId: made?.id,
      fields: made && JSON.stringify(made.wrote),
      reason: "refused" in answer ? answer.refused : null,
      kind: contact?.kind,
      contact: contact?.id,
    },
  );
}

function toFollowUp(row: Row): TrackedFollowUp {
  const { contact_kind: kind, contact_id: id } = row;
  return {
    call: Number(row["call"]),
    key: String(row["key"]),
    installation: String(row["installation"]),
    state: row["state"] as FollowUpState,
    since: Number(row["since"]),
    fields: JSON.parse(String(row["fields"])) as Fields,
    attempts: Number(row["attempts"]),
    ...(kind !== null && id !== null && { contact: { kind: kind as ContactKind, id: String(id) } }),
    ...(row["number"] !== null && { number: String(row["number"]) }),
    ...(row["task_id"] !== null && { taskId: String(row["task_id"]) }),
    ...(row["close_at"] !== null && { closeAt: Number(row["close_at"]) }),
    ...(row["reached_by"] !== null && { reachedBy: String(row["reached_by"]) }),
    ...(row["reason"] !== null && { reason: String(row["reason"]) }),
  };
}
