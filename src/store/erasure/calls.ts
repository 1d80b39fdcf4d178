import { nationalDigits } from "../core/phone.ts";
import { writingsOf } from "../core/phone-plans.ts";
import type { Connection } from "./connection.ts";

/** Deliveries that are looked through in one go: webhooks wait meanwhile. */
export const lookedThroughAtOnce = 1_000;
/** Fewer digits stand in too much that is no number. */
const fewestDigits = 7;

/** Leaves nothing of what came; that something came stays. */
export function eraseDelivery(db: Connection, id: number): void {
  db.run(
    `UPDATE deliveries SET body = ?, headers = '{}', kind = 'erased', fault = NULL, state = 1,
        url = CASE instr(url, '?') WHEN 0 THEN url ELSE substr(url, 1, instr(url, '?') - 1) END
      WHERE id = ?`,
    Buffer.from("{}"),
    id,
  );
}

/** Runs in the writer: erases the deliveries in a stretch of ids after `after` that have one of these E.164 numbers in them. */
export function eraseMentions(
  db: Connection,
  installation: string,
  numbers: readonly string[],
  after: number,
): void {
  for (const number of numbers.flatMap(writingsOf)) {
    const digits = nationalDigits(number);
    if (digits.length < fewestDigits) continue;
    const rows = db.all(
      `SELECT id, body, url FROM deliveries
        WHERE id > ? AND id <= ? AND installation = ? AND kind IS NOT 'erased'
          AND (instr(body, ?) > 0 OR instr(url, ?) > 0)`,
      after,
      after + lookedThroughAtOnce,
      installation,
      Buffer.from(digits),
      digits,
    );
    const pattern = writings(number, digits);
    for (const { id, body, url } of rows) {
      const text = `${url}\n${Buffer.from(body as Uint8Array).toString("latin1")}`;
      if (pattern.test(text) && !isLine(db, Number(id), digits)) eraseDelivery(db, Number(id));
    }
  }
}

/** The number with and without its country code, and no part of a longer one. */
function writings(number: string, national: string): RegExp {
  const country = number.slice(1, number.length - national.length);
  return new RegExp(`(?:%2b|(?<!\\d))(?:(?:00)?${country}0?|0)?${national}(?!\\d)`, "i");
}

/** Whether a call of this delivery came in on that number: then it is the company's, whoever has it in the CRM. */
function isLine(db: Connection, delivery: number, digits: string): boolean {
  const rows = db.all(
    `SELECT json_extract(calls.body, '$.line') AS line FROM calls JOIN events ON events.call = calls.id
      WHERE events.delivery = ?`,
    delivery,
  );
  return rows.some(({ line }) =>
    String(line ?? "")
      .replace(/\D/g, "")
      .endsWith(digits),
  );
}
