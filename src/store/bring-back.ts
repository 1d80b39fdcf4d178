import type { ContactRef } from "../core/contact.ts";
import type { Decision } from "../core/tracked-call.ts";
import type { Connection } from "./connection.ts";
import type { StoredAnswer } from "./contract.ts";
import { eraseCall, forgetIn, whyErased } from "./erase-people.ts";
import { type ErasedAt, erasedLately, markOf } from "./tombstones.ts";

/**
 * What was read before somebody was erased may be written afterwards: by a lane that decodes or logs at that moment, or by
 * an answer that is on its way. Here it is erased once more, in the same transaction.
 */

/** A call as it was just decoded, from deliveries that came before the erasure. */
export function eraseWhatDecodingBrought(
  db: Connection,
  erasedAt: ErasedAt,
  call: { id: number; key: string; number: string | undefined; deliveries: readonly number[] },
  now: number,
): void {
  const byNumber = call.number !== undefined && !isOfSomebodyElse(db, call.id);
  const marks = [markOf.call(call.key), ...(byNumber ? [markOf.number(call.number ?? "")] : [])];
  const at = Math.max(...marks.map((mark) => erasedAt(mark) ?? 0));
  if (at > 0 && firstReceived(db, call.deliveries) <= at) eraseCall(db, call.id, now);
}

/** As in `callsOfPeople`: whoever the call is linked to, and is there, has it. */
function isOfSomebodyElse(db: Connection, id: number): boolean {
  const row = db.get(
    `SELECT 1 FROM calls JOIN contacts ON contacts.installation = calls.installation
        AND contacts.kind = calls.contact_kind AND contacts.id = calls.contact_id
      WHERE calls.id = ?`,
    id,
  );
  return row !== undefined;
}

function firstReceived(db: Connection, deliveries: readonly number[]): number {
  const times = deliveries.flatMap((id) => {
    const row = db.get("SELECT received_at FROM deliveries WHERE id = ?", id);
    return row ? [Number(row["received_at"])] : [];
  });
  return Math.min(...times);
}

/** Whether this call was erased, and nothing came for it since. */
export function isErased(db: Connection, id: number): boolean {
  const row = db.get(`SELECT 1 FROM calls WHERE id = ? AND ${erasedAndQuiet}`, id, whyErased);
  return row !== undefined;
}

/** A condition on `calls`; its parameter is `whyErased`. */
export const erasedAndQuiet = "reason = ? AND NOT EXISTS (SELECT 1 FROM events WHERE events.call = calls.id)";

/** A call as it was just logged. `wasErased`: before that. */
export function eraseWhatLoggingBrought(
  db: Connection,
  { id, installation, wasErased }: { id: number; installation: string; wasErased: boolean },
  now: number,
): void {
  const erasedAt = erasedLately(db, installation, now);
  const isGone = (ref: ContactRef) => erasedAt?.(markOf.contact(ref)) !== undefined;
  const row = db.get("SELECT contact_kind AS kind, contact_id AS id, decision FROM calls WHERE id = ?", id);
  if (wasErased || (erasedAt && isGone(row as ContactRef))) eraseCall(db, id, now);
  else if (erasedAt && row?.["decision"] != null)
    forgetIn(db, id, JSON.parse(String(row["decision"])) as Decision, isGone);
}

/** Keeps an answer, unless it is about somebody who was erased after it was given. */
export function keepAnswer(
  db: Connection,
  { installation, provider, now }: { installation: string; provider: string; now: number },
  { ref, at, number, reply, why }: StoredAnswer,
): void {
  const erasedAt = number === undefined ? undefined : erasedLately(db, installation, now);
  if (number !== undefined && (erasedAt?.(markOf.number(number)) ?? Number.NEGATIVE_INFINITY) >= at) return;
  db.run(
    "INSERT OR REPLACE INTO answers (installation, provider, ref, at, number, reply, why) VALUES (?, ?, ?, ?, ?, ?, ?)",
    installation,
    provider,
    ref,
    at,
    number ?? null,
    JSON.stringify(reply),
    JSON.stringify(why),
  );
}
