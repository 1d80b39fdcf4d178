import { setImmediate } from "node:timers/promises";
import type { TrackedCall } from "../core/tracked-call.ts";
import { erasedAndQuiet, eraseWhatLoggingBrought, isErased } from "./bring-back.ts";
import type { Bind, Connection } from "./connection.ts";
import type { DeliveredCall, SentCall } from "./contract.ts";
import type { FollowUpAnswer, Subject, WantedFollowUp } from "./contract-follow-ups.ts";
import { whyErased } from "./erase-people.ts";
import { callColumns, toCallRow } from "./rows.ts";
import { answerWanted, insertWanted } from "./write-follow-ups.ts";

/** Rows that are read at a stretch: few enough that nobody waits long for it. */
const rowsAtOnce = 100;

/** The calls that are due, the longest waiting first; one that changes meanwhile may be left for the next time. */
export async function dueCalls(
  db: Connection,
  installation: string,
  now: number,
  limit: number,
): Promise<TrackedCall[]> {
  const due = new Map<number, TrackedCall>();
  for (let offset = 0; offset < limit; offset += rowsAtOnce) {
    if (offset > 0) await setImmediate();
    const rows = db.all(
      `SELECT ${callColumns} FROM calls WHERE installation = ? AND due_at <= ? ORDER BY due_at, id LIMIT ? OFFSET ?`,
      installation,
      now,
      Math.min(rowsAtOnce, limit - offset),
      offset,
    );
    for (const row of rows.map(toCallRow)) due.set(row.id, row);
    if (rows.length < rowsAtOnce) break;
  }
  return [...due.values()];
}

/** When the next call is due; undefined when none is waiting. */
export function nextDue(db: Connection, installation: string): number | undefined {
  const row = db.get(
    "SELECT MIN(due_at) AS due FROM calls WHERE installation = ? AND due_at IS NOT NULL",
    installation,
  );
  return row?.["due"] == null ? undefined : Number(row["due"]);
}

/** Texts cross to the writer's thread several times faster than the objects they stand for. */
export type SendingWrite = { id: number; ours: string; at: number; followUp?: WantedFollowUp }[];

export function sendingWrite(calls: readonly SentCall[], at: number): SendingWrite {
  return calls.map(({ id, ours, ...rest }) => ({ id, ours: JSON.stringify(ours), at, ...rest }));
}

/** Runs in the writer. */
export function writeSending(db: Connection, calls: SendingWrite): void {
  for (const { id, ours, at, followUp } of calls) {
    db.run(
      `UPDATE calls SET ours = ?, sent_at = COALESCE(sent_at, ?) WHERE id = ? AND NOT (${erasedAndQuiet})`,
      ours,
      at,
      id,
      whyErased,
    );
    if (followUp) insertWanted(db, id, followUp);
  }
}

/**
 * A call that changed while it was being delivered keeps its due time: what was saved is already old. A leg that came
 * back while its activity was being removed stays back.
 */
const update = `
  UPDATE calls SET
    state = CASE WHEN 'merged' IN (state, ?1) THEN state ELSE ?1 END,
    reason = CASE WHEN 'merged' IN (state, ?1) THEN reason ELSE ?2 END,
    due_at = CASE WHEN state = 'merged' AND ?1 <> 'merged' AND ?3 IS NOT NULL THEN ?4
                  WHEN (revision > ?5 OR link <> COALESCE(?14, link)) AND due_at IS NOT NULL THEN due_at ELSE ?6 END,
    attempts = ?7,
    saved_revision = CASE WHEN ?1 = 'logged' THEN MAX(saved_revision, ?5) ELSE saved_revision END,
    contact_kind = COALESCE(?8, contact_kind),
    contact_id = COALESCE(?9, contact_id),
    owner_id = COALESCE(?10, owner_id),
    activity_id = CASE WHEN ?1 = 'merged' AND state <> 'merged' AND ?6 IS NULL THEN NULL
                       ELSE COALESCE(?3, activity_id) END,
    sent_at = CASE WHEN ?3 IS NOT NULL OR ?1 = 'gone' THEN NULL ELSE sent_at END,
    ours = COALESCE(?11, ours),
    decision = COALESCE(?12, decision),
    updated_at = ?4
  WHERE id = ?13`;

export type DeliveredWrite = {
  installation: string;
  call: Bind[];
  step: Bind[];
  followUp?: { answer: FollowUpAnswer; subject: Subject };
}[];

export function deliveredWrite(calls: readonly DeliveredCall[]): DeliveredWrite {
  return calls.map((call) => {
    const {
      id,
      revision,
      link,
      state,
      reason,
      dueAt,
      attempts,
      contact,
      ownerId,
      activityId,
      ours,
      decision,
      step,
    } = call;
    return {
      installation: call.installation,
      call: [
        state,
        reason ?? null,
        activityId ?? null,
        step.at,
        revision,
        dueAt ?? null,
        attempts,
        contact?.kind ?? null,
        contact?.id ?? null,
        ownerId ?? null,
        ours ? JSON.stringify(ours) : null,
        decision ? JSON.stringify(decision) : null,
        id,
        link ?? null,
      ],
      step: [id, step.at, step.step, JSON.stringify(step.detail)],
      ...(call.followUp && { followUp: { answer: call.followUp, subject: contact ? { contact } : {} } }),
    };
  });
}

/** Runs in the writer. */
export function writeDelivered(db: Connection, calls: DeliveredWrite): void {
  for (const { installation, call, step, followUp } of calls) {
    const [id, at] = step.map(Number) as [number, number];
    const wasErased = isErased(db, id);
    db.run(update, ...call);
    db.run("INSERT INTO history (call, at, step, detail) VALUES (?, ?, ?, ?)", ...step);
    if (followUp) answerWanted(db, id, followUp.answer, followUp.subject);
    eraseWhatLoggingBrought(db, { id, installation, wasErased }, at);
  }
}
