import type { ConnectContext } from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import { isRefusal } from "./errors.ts";
import { type BatchRow, type RowAnswer, type SendRows, type Stored, writeRows } from "./rows.ts";
import { inSearches } from "./search.ts";
import type { AccountRequests } from "./transport.ts";

/** Longer than HubSpot's search takes to find a new call. Unverified: "a few moments". */
const lookBackMs = 60_000;

/** Older entries are dropped: by then the store has them. */
const mostEntries = 10_000;

type ExternalCall = { key: string; externalId: string };

/**
 * For an account that refuses our unique property: the records that were sent, by our key or mark, and the search for
 * calls whose answer was lost. HubSpot's search lags behind, so a call that was sent a moment ago is `tooEarly`.
 */
export function createLookBack({ now, quietSince = now() }: Pick<ConnectContext, "now" | "quietSince">) {
  const sends = new Map<string, number>();
  const ids = new Map<string, string>();

  return {
    sending(keys: Iterable<string>): void {
      for (const key of keys) remember(sends, key, now());
    },
    /** HubSpot answered; `id` of a record that was created. */
    answered(key: string, id?: string): void {
      remember(sends, key, Number.NEGATIVE_INFINITY);
      if (id !== undefined) remember(ids, key, id);
    },
    /** The record does not exist any more. */
    forget(key: string): void {
      ids.delete(key);
    },
    /** Whether a record belongs to a key or mark. */
    holds: (id: string): boolean => [...ids.values()].includes(id),
    /** Whether its answer was lost. */
    inDoubt: (key: string): boolean => Number.isFinite(sends.get(key)),
    /** The id of a record that was created lately. */
    idOf: (key: string): string | undefined => ids.get(key),
    /** How long its search would be too early (ms). */
    waitOf(key: string): number {
      return Math.max(0, (sends.get(key) ?? quietSince) + lookBackMs - now());
    },
    async find(
      requests: AccountRequests,
      calls: readonly ExternalCall[],
      properties: readonly string[],
    ): Promise<Map<string, Stored>> {
      const found = new Map<string, Stored>();
      const wanted = [...new Set([...properties, "hs_call_external_id"])];
      const ids = calls.map(({ externalId }) => [externalId]);
      const filters = [{ name: "hs_call_external_id", values: ids }];
      const results = await inSearches(requests, { type: "calls", filters, properties: wanted });
      for (const { stored } of results) {
        const call = calls.find(({ externalId }) => externalId === stored.properties["hs_call_external_id"]);
        if (call && !found.has(call.key)) found.set(call.key, stored);
      }
      return found;
    },
  };
}

/** Adds to a map that drops its oldest entries. */
function remember<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= mostEntries) break;
    map.delete(oldest);
  }
}

export type LookBack = ReturnType<typeof createLookBack>;

export function tooEarly(afterMs: number): CrmError {
  return new CrmError(
    "later",
    "HubSpot's answer to this call was lost, and its search does not show new calls at once: the call is looked for before it is sent again",
    { afterMs },
  );
}

/**
 * Creates records whose second sending would create a second record. Each is remembered under its mark, so that after
 * a lost answer it is searched for before the next try. Throws `CrmError` when a request fails for all rows.
 */
export async function createOnce<I extends object>(
  lookBack: LookBack,
  rows: readonly BatchRow<I>[],
  markOf: (ref: string) => string,
  send: SendRows<I>,
): Promise<Map<string, RowAnswer>> {
  const marks = rows.map(({ ref }) => markOf(ref));
  lookBack.sending(marks);
  const answers = await writeRows(rows, send, { once: true }).catch((error: CrmError) => {
    // After a refusal it is certain that nothing was created.
    if (isRefusal(error)) for (const mark of marks) lookBack.answered(mark);
    throw error;
  });
  for (const [ref, answer] of answers) {
    if ("stored" in answer) lookBack.answered(markOf(ref), answer.stored.id);
    else if (answer.failed.retry === "never") lookBack.answered(markOf(ref));
  }
  return answers;
}
