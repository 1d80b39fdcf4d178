import type { Connection } from "./connection.ts";
import type {
  FollowUpAnswer,
  FollowUpChange,
  Reached,
  Subject,
  WantedFollowUp,
} from "./contract-follow-ups.ts";
import { whyErased } from "./erase-people.ts";

/** Runs in the writer. */
export function markReached(
  db: Connection,
  installation: string,
  calls: readonly Reached[],
  now: number,
): void {
  for (const { call, key, at, number, contact } of calls)
    db.run(
      `UPDATE follow_ups SET close_at = ?, reached_by = ?
        WHERE installation = ? AND state IN ('wanted', 'open') AND reached_by IS NULL AND (
          call = ? OR call IN (SELECT id FROM calls WHERE merged_into = ?)
          OR (since <= ? AND (number = ? OR (contact_kind = ? AND contact_id = ?))))`,
      now,
      key,
      installation,
      call,
      call,
      at,
      number ?? null,
      contact?.kind ?? null,
      contact?.id ?? null,
    );
}

/** Runs in the writer. One that was erased meanwhile stays away. */
export function changeFollowUps(db: Connection, changes: readonly FollowUpChange[]): void {
  for (const { call, state, closeAt, attempts, reason, step } of changes) {
    const { changes: changed } = db.run(
      "UPDATE follow_ups SET state = ?, close_at = ?, attempts = ?, reason = ? WHERE call = ?",
      state,
      closeAt ?? null,
      attempts,
      reason ?? null,
      call,
    );
    if (changed === 0 || !step) continue;
    const { at, step: word, detail } = step;
    db.run(
      "INSERT INTO history (call, at, step, detail) VALUES (?, ?, ?, ?)",
      call,
      at,
      word,
      JSON.stringify(detail),
    );
  }
}

/** Runs in the writer. One that is known already stays as it is, unless the CRM refused it. */
export function insertWanted(db: Connection, call: number, wanted: WantedFollowUp): void {
  const { since, fields, contact, number } = wanted;
  db.run(
    `INSERT INTO follow_ups (call, installation, state, since, contact_kind, contact_id, number, fields)
      SELECT id, installation, 'wanted', ?, ?, ?, ?, ? FROM calls WHERE id = ? AND reason IS NOT ?
      ON CONFLICT (call) DO UPDATE SET state = 'wanted', reason = NULL WHERE follow_ups.state = 'refused'`,
    since,
    contact?.kind ?? null,
    contact?.id ?? null,
    number ?? null,
    JSON.stringify(fields),
    call,
    whyErased,
  );
}

/** Runs in the writer. */
export function answerWanted(db: Connection, call: number, answer: FollowUpAnswer, subject: Subject): void {
  const made = "made" in answer ? answer.made : undefined;
  db.run(
    `UPDATE follow_ups SET state = ?, task_id = ?, fields = COALESCE(?, fields), reason = ?,
        contact_kind = COALESCE(?, contact_kind), contact_id = COALESCE(?, contact_id)
      WHERE call = ? AND state = 'wanted'`,
    made ? "open" : "refused",
    made?.id ?? null,
    made ? JSON.stringify(made.wrote) : null,
    "refused" in answer ? answer.refused : null,
    subject.contact?.kind ?? null,
    subject.contact?.id ?? null,
    call,
  );
}
