import { createHmac, createSecretKey, type KeyObject } from "node:crypto";
import type { Call } from "../../core/call.ts";
import type { ContactRef } from "../../core/contact.ts";
import type { Decision } from "../../core/tracked-call.ts";
import type { Db, LockMode } from "../db/db.ts";
import { addSteps, findSecret, makeSecret } from "../db/rows.ts";

/** The reason of a call whose customer was erased, as `explain` shows it. */
export const whyErased = "erased on request";

/** Keeps that there was a call and which agents had it. An activity that is to be removed still is. */
export async function eraseCall(tx: Db, id: number, now: number): Promise<void> {
  for (const { delivery } of await tx.all("SELECT delivery FROM events WHERE call = :id", { id }))
    await eraseDelivery(tx, Number(delivery));
  for (const table of ["events", "asks", "follow_ups", "ends", "history"])
    await tx.run(`DELETE FROM ${table} WHERE call = :id`, { id });
  await tx.run("UPDATE recordings SET state = 'erase', due_at = :now WHERE call = :id", { id, now });
  await tx.run("UPDATE facets SET recording = 0 WHERE call = :id", { id });
  addSteps(tx, [{ call: id, at: now, step: whyErased, detail: "{}" }]);
  const row = await tx.get("SELECT key, installation, provider, body FROM calls WHERE id = :id", { id });
  const call = JSON.parse(String(row?.["body"])) as Call;
  // What was done with the call is erased; that it was done stays.
  await tx.run(
    "UPDATE audit SET object = NULL, detail = NULL WHERE installation = :installation AND object = :key",
    { installation: row?.["installation"], key: row?.["key"] },
  );
  await tx.run(
    "DELETE FROM answers WHERE installation = :installation AND provider = :provider AND ref IN (:legs)",
    { installation: row?.["installation"], provider: row?.["provider"], legs: call.legs },
  );
  await tx.run(
    `UPDATE calls SET body = :body, reason = :whyErased, number = NULL, contact_kind = NULL, contact_id = NULL,
        decision = NULL, ours = '{}', sent_at = NULL, saved_revision = revision, updated_at = :now,
        due_at = CASE state WHEN 'merged' THEN due_at END,
        state = CASE WHEN state IN ('logged', 'gone', 'merged') THEN state ELSE 'ignored' END
      WHERE id = :id`,
    { id, now, whyErased, body: JSON.stringify(withoutCustomer(call)) },
  );
}

function withoutCustomer(call: Call): Call {
  const { customer, otherEnd, recording, transcript, summary, sentiment, transfer, custom, reason, ...rest } =
    call;
  return rest;
}

/** Removes erased people from the candidates of another person's call. */
export async function forgetIn(
  tx: Db,
  id: number,
  { contact, runnersUp, ...rest }: Decision,
  isErased: (ref: ContactRef) => Promise<boolean>,
): Promise<void> {
  const remaining: typeof runnersUp = [];
  for (const one of runnersUp ?? []) if (!(await isErased(one))) remaining.push(one);
  const decision: Decision = {
    ...rest,
    ...(contact && !(await isErased(contact)) && { contact }),
    ...(runnersUp && { runnersUp: remaining }),
  };
  await tx.run("UPDATE calls SET decision = :decision WHERE id = :id", {
    id,
    decision: JSON.stringify(decision),
  });
}

/** Keeps that a delivery came. */
export async function eraseDelivery(tx: Db, id: number): Promise<void> {
  const row = await tx.get("SELECT url FROM deliveries WHERE id = :id", { id });
  const [url = ""] = String(row?.["url"]).split("?");
  await tx.run(
    "UPDATE deliveries SET body = :body, headers = '{}', kind = 'erased', fault = NULL, state = 1, url = :url WHERE id = :id",
    { id, url, body: Buffer.from("{}") },
  );
}

/**
 * A lane or an answer may have read something before it was erased, and write it afterwards. Tombstones, keyed hashes of
 * what was erased, are looked up in the transaction of each such write, which then erases it again.
 */

/** Longer than any such write may take. */
const tombstoneMs = 48 * 3_600_000;
const secretName = "erased";

/** The texts that are hashed. */
export const markOf = {
  contact: ({ kind, id }: ContactRef): string => `contact\n${kind}\n${id}`,
  number: (e164: string): string => `number\n${e164}`,
  call: (key: string): string => `call\n${key}`,
};

export async function addTombstones(
  tx: Db,
  installation: string,
  marks: readonly string[],
  now: number,
): Promise<void> {
  const key = await tombstoneKey(tx);
  for (const mark of marks)
    await tx.run(
      `INSERT INTO erased (installation, mark, at, until) VALUES (:installation, :mark, :now, :until)
        ON CONFLICT (installation, mark) DO UPDATE SET at = excluded.at, until = excluded.until`,
      { installation, mark: hashOf(key, installation, mark), now, until: now + tombstoneMs },
    );
}

/** When something was erased, in milliseconds since 1970. */
export type ErasedAt = (mark: string) => Promise<number | undefined>;

/** Writers hold it together, an erasure alone: so each of them sees the tombstones, or is seen by the erasure. */
export function lockErasure(tx: Db, installation: string, mode: LockMode): void {
  tx.lock(`erasure ${installation}`, mode);
}

/** The tombstones, while the lock is held. Undefined when nothing was erased lately. */
export function erasedLately(tx: Db, installation: string, now: number): Promise<ErasedAt | undefined> {
  lockErasure(tx, installation, "shared");
  return tombstonesOf(tx, installation, now);
}

/** For who holds the lock. */
export async function tombstonesOf(tx: Db, installation: string, now: number): Promise<ErasedAt | undefined> {
  const any = await tx.get(
    "SELECT 1 FROM erased WHERE installation = :installation AND until > :now LIMIT 1",
    {
      installation,
      now,
    },
  );
  if (!any) return undefined;
  const key = await tombstoneKey(tx);
  return async (mark) => {
    const row = await tx.get(
      "SELECT at FROM erased WHERE installation = :installation AND mark = :mark AND until > :now",
      { installation, mark: hashOf(key, installation, mark), now },
    );
    return row && Number(row["at"]);
  };
}

async function tombstoneKey(tx: Db): Promise<KeyObject> {
  return createSecretKey((await findSecret(tx, secretName)) ?? (await makeSecret(tx, secretName)));
}

function hashOf(key: KeyObject, installation: string, mark: string): Uint8Array {
  return createHmac("sha256", key).update(`${installation}\n${mark}`).digest();
}

/** Erases a call that was just decoded from deliveries that came before the erasure. */
export async function eraseDecodedLate(
  tx: Db,
  erasedAt: ErasedAt,
  call: { id: number; key: string; number: string | undefined; deliveries: readonly number[] },
  now: number,
): Promise<void> {
  const marks = [markOf.call(call.key)];
  if (call.number !== undefined && !(await hasContact(tx, call.id))) marks.push(markOf.number(call.number));
  let at = 0;
  for (const mark of marks) at = Math.max(at, (await erasedAt(mark)) ?? 0);
  if (at > 0 && (await firstReceived(tx, call.deliveries)) <= at) await eraseCall(tx, call.id, now);
}

/** As in `callsOfPeople`: a call belongs to its contact, if that exists, rather than to its number. */
async function hasContact(tx: Db, id: number): Promise<boolean> {
  const row = await tx.get(
    `SELECT 1 FROM calls JOIN contacts ON contacts.installation = calls.installation
        AND contacts.kind = calls.contact_kind AND contacts.id = calls.contact_id
      WHERE calls.id = :id`,
    { id },
  );
  return row !== undefined;
}

async function firstReceived(tx: Db, deliveries: readonly number[]): Promise<number> {
  let first = Number.POSITIVE_INFINITY;
  for (const id of deliveries) {
    const row = await tx.get("SELECT received_at FROM deliveries WHERE id = :id", { id });
    if (row) first = Math.min(first, Number(row["received_at"]));
  }
  return first;
}

/** A condition on `calls` with the parameter `whyErased`: erased, and nothing came for it since. */
export const erasedWithoutNews =
  "reason = :whyErased AND NOT EXISTS (SELECT 1 FROM events WHERE events.call = calls.id)";

/** Those of these calls that were erased, and for which nothing came since. */
export async function erasedOf(tx: Db, calls: readonly number[]): Promise<ReadonlySet<number>> {
  const rows = await tx.all(`SELECT id FROM calls WHERE id IN (:calls) AND ${erasedWithoutNews}`, {
    calls,
    whyErased,
  });
  return new Set(rows.map(({ id }) => Number(id)));
}

/** Erases what was just saved of a delivered call; `wasErased`: the call was erased before. */
export async function eraseDeliveredLate(
  tx: Db,
  { id, wasErased, erasedAt }: { id: number; wasErased: boolean; erasedAt: ErasedAt | undefined },
  now: number,
): Promise<void> {
  if (wasErased) return eraseCall(tx, id, now);
  if (!erasedAt) return;
  const isGone = async (ref: ContactRef) => (await erasedAt(markOf.contact(ref))) !== undefined;
  const row = await tx.get("SELECT contact_kind, contact_id, decision FROM calls WHERE id = :id", { id });
  const contact = { kind: row?.["contact_kind"], id: row?.["contact_id"] } as ContactRef;
  if (await isGone(contact)) return eraseCall(tx, id, now);
  if (row?.["decision"] != null)
    await forgetIn(tx, id, JSON.parse(String(row["decision"])) as Decision, isGone);
}
