import type { CrmError } from "../../src/core/errors.ts";
import { isRefusal } from "./errors.ts";
import type { LookBack } from "./look-back.ts";
import { type BatchRow, type RowAnswer, writeRows } from "./rows.ts";

/**
 * Makes records that HubSpot would make twice if it were asked twice. What was sent is remembered under the row's mark,
 * so that a lost answer is looked for before the next try. Throws `CrmError` when a request fails for all rows.
 */
export async function createOnce<I extends object>(
  lookBack: LookBack,
  rows: readonly BatchRow<I>[],
  markOf: (ref: string) => string,
  send: Parameters<typeof writeRows<I>>[1],
): Promise<Map<string, RowAnswer>> {
  const marks = rows.map(({ ref }) => markOf(ref));
  lookBack.sending(marks);
  const answers = await writeRows(rows, send, { once: true }).catch((error: CrmError) => {
    // A refusal is certain: nothing was made.
    if (isRefusal(error)) for (const mark of marks) lookBack.answered(mark);
    throw error;
  });
  for (const [ref, answer] of answers) {
    if ("stored" in answer) lookBack.answered(markOf(ref), answer.stored.id);
    else if (answer.failed.retry === "never") lookBack.answered(markOf(ref));
  }
  return answers;
}
