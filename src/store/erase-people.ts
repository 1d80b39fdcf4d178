import type { Call } from "../core/call.ts";
import type { ContactRef } from "../core/contact.ts";
import type { Decision } from "../core/tracked-call.ts";
import type { Connection } from "./connection.ts";
import { removeContacts } from "./contacts.ts";
import { eraseDelivery } from "./mentions.ts";
import { callsOfPeople, numbersOfPeople } from "./people.ts";
import { markOf, rememberErased } from "./tombstones.ts";

/** What `explain` says of a call whose customer was erased. */
export const whyErased = "erased on request";

/** Runs in the writer. */
export function erasePeople(
  db: Connection,
  installation: string,
  refs: readonly ContactRef[],
  { now, spared }: { now: number; spared: readonly string[] },
): void {
  const { all, own } = numbersOfPeople(db, installation, refs, spared);
  const calls = callsOfPeople(db, installation, refs, own);
  const keys = calls.map((id) => String(db.get("SELECT key FROM calls WHERE id = ?", id)?.["key"]));
  const marks = [...refs.map(markOf.contact), ...own.map(markOf.number), ...keys.map(markOf.call)];
  rememberErased(db, installation, marks, now);
  const isErased = (one: ContactRef) => refs.some((ref) => ref.kind === one.kind && ref.id === one.id);
  for (const id of calls) eraseCall(db, id, now);
  for (const number of own)
    db.run("DELETE FROM lines WHERE installation = ? AND number = ?", installation, number);
  for (const number of all) {
    db.run("DELETE FROM answers WHERE installation = ? AND number = ?", installation, number);
    for (const { id, decision } of db.all(
      "SELECT id, decision FROM calls WHERE installation = ? AND number = ? AND decision IS NOT NULL",
      installation,
      number,
    ))
      forgetIn(db, Number(id), JSON.parse(String(decision)) as Decision, isErased);
  }
  removeContacts(db, installation, refs);
}

/** That there was a call stays, and which of our people had it. A leg's activity that is to be taken back still is. */
export function eraseCall(db: Connection, id: number, now: number): void {
  for (const { delivery } of db.all("SELECT delivery FROM events WHERE call = ?", id))
    eraseDelivery(db, Number(delivery));
  db.run("DELETE FROM events WHERE call = ?", id);
  db.run("DELETE FROM asks WHERE call = ?", id);
  db.run("DELETE FROM follow_ups WHERE call = ?", id);
  db.run("DELETE FROM ends WHERE call = ?", id);
  db.run("UPDATE recordings SET state = 'erase', due_at = ? WHERE call = ?", now, id);
  db.run(
    `DELETE FROM answers WHERE (installation, provider, ref) IN (
        SELECT calls.installation, calls.provider, value FROM calls, json_each(calls.body, '$.legs') WHERE calls.id = ?)`,
    id,
  );
  db.run("DELETE FROM history WHERE call = ?", id);
  db.run("INSERT INTO history (call, at, step, detail) VALUES (?, ?, ?, '{}')", id, now, whyErased);
  const row = db.get("SELECT body FROM calls WHERE id = ?", id);
  db.run(
    `UPDATE calls SET body = ?, reason = ?, number = NULL, contact_kind = NULL, contact_id = NULL, decision = NULL,
        ours = '{}', sent_at = NULL, saved_revision = revision, updated_at = ?,
        due_at = CASE state WHEN 'merged' THEN due_at END,
        state = CASE WHEN state IN ('logged', 'gone', 'merged') THEN state ELSE 'ignored' END
      WHERE id = ?`,
    JSON.stringify(withoutCustomer(JSON.parse(String(row?.["body"])) as Call)),
    whyErased,
    now,
    id,
  );
}

function withoutCustomer(call: Call): Call {
  const { customer, otherEnd, recording, transcript, summary, sentiment, transfer, custom, reason, ...rest } =
    call;
  return rest;
}

/** A call of somebody else may name them as whom it could have been. */
export function forgetIn(
  db: Connection,
  id: number,
  decision: Decision,
  isErased: (ref: ContactRef) => boolean,
): void {
  const { contact, runnersUp, ...rest } = decision;
  const kept = {
    ...rest,
    ...(contact && !isErased(contact) && { contact }),
    ...(runnersUp && { runnersUp: runnersUp.filter((one) => !isErased(one)) }),
  };
  db.run("UPDATE calls SET decision = ? WHERE id = ?", JSON.stringify(kept), id);
}
