import type { Call } from "../../core/call.ts";
import type { ContactRef } from "../../core/contact.ts";
import { nationalDigits } from "../../core/phone.ts";
import { writingsOf } from "../../core/phone-plans.ts";
import type { Decision } from "../../core/tracked-call.ts";
import type { Db } from "../db.ts";

/** The reason of a call whose customer was erased, as `explain` shows it. */
export const whyErased = "erased on request";

/** Keeps that there was a call and which agents had it. An activity that is to be removed still is. */
export async function eraseCall(tx: Db, id: number, now: number): Promise<void> {
  for (const { delivery } of await tx.all("SELECT delivery FROM events WHERE call = :id", { id }))
    await eraseDelivery(tx, Number(delivery));
  for (const table of ["events", "asks", "follow_ups", "ends", "history"])
    await tx.run(`DELETE FROM ${table} WHERE call = :id`, { id });
  await tx.run("UPDATE recordings SET state = 'erase', due_at = :now WHERE call = :id", { id, now });
  await tx.run("INSERT INTO history (call, at, step, detail) VALUES (:id, :now, :whyErased, '{}')", {
    id,
    now,
    whyErased,
  });
  const row = await tx.get("SELECT installation, provider, body FROM calls WHERE id = :id", { id });
  const call = JSON.parse(String(row?.["body"])) as Call;
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
async function eraseDelivery(tx: Db, id: number): Promise<void> {
  const row = await tx.get("SELECT url FROM deliveries WHERE id = :id", { id });
  const [url = ""] = String(row?.["url"]).split("?");
  await tx.run(
    "UPDATE deliveries SET body = :body, headers = '{}', kind = 'erased', fault = NULL, state = 1, url = :url WHERE id = :id",
    { id, url, body: Buffer.from("{}") },
  );
}

/** Deliveries that are searched in one step: webhooks wait meanwhile. */
export const searchedAtOnce = 1_000;
/** Shorter sequences of digits are found in too much that is not a number. */
const fewestDigits = 7;

/** Erases deliveries with one of these E.164 numbers, among the ids of one step after `after`. */
export async function eraseMentions(
  tx: Db,
  installation: string,
  numbers: readonly string[],
  after: number,
): Promise<void> {
  for (const number of numbers.flatMap(writingsOf)) {
    const digits = nationalDigits(number);
    if (digits.length < fewestDigits) continue;
    const rows = await tx.all(
      `SELECT id, body, url FROM deliveries
        WHERE id > :after AND id <= :last AND installation = :installation AND kind IS DISTINCT FROM 'erased'
          AND (instr(body, :bytes) > 0 OR instr(url, :digits) > 0)`,
      { installation, after, last: after + searchedAtOnce, bytes: Buffer.from(digits), digits },
    );
    const pattern = writings(number, digits);
    for (const { id, body, url } of rows) {
      const text = `${url}\n${Buffer.from(body as Uint8Array).toString("latin1")}`;
      if (pattern.test(text) && !(await isLine(tx, Number(id), digits))) await eraseDelivery(tx, Number(id));
    }
  }
}

/** Matches the number with and without its country code, and not as part of a longer one. */
function writings(number: string, national: string): RegExp {
  const country = number.slice(1, number.length - national.length);
  return new RegExp(`(?:%2b|(?<!\\d))(?:(?:00)?${country}0?|0)?${national}(?!\\d)`, "i");
}

/** Whether a call of this delivery came in on that number, which is then the company's, whatever the CRM says. */
async function isLine(tx: Db, delivery: number, digits: string): Promise<boolean> {
  const rows = await tx.all(
    "SELECT calls.body AS body FROM calls JOIN events ON events.call = calls.id WHERE events.delivery = :delivery",
    { delivery },
  );
  return rows.some(({ body }) => {
    const { line } = JSON.parse(String(body)) as Call;
    return (line ?? "").replace(/\D/g, "").endsWith(digits);
  });
}
