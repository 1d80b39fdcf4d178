import type { ConnectContext } from "../../src/core/contracts.ts";
import { CrmError } from "../../src/core/errors.ts";
import { inParts } from "../../src/lib/pace.ts";
import { isRefusal, refusedWith } from "./errors.ts";
import { type BatchRow, type RowAnswer, rowsAtOnce, type Stored, storedIn, writeRows } from "./rows.ts";
import { type DescribedType, keyProperties } from "./schema.ts";
import { inSearches } from "./search.ts";
import type { DescribedRequest, Transport } from "./transport.ts";

/** How long HubSpot's search may take to show a new call, and some more. Unverified: "a few moments". */
const lookBackMs = 60_000;

/** So many are remembered until the store has them for certain. */
const mostKept = 10_000;

/** The records that are there, by the id or the key that they were asked by. Archived ones are not there. */
export async function readRecords(
  transport: Transport,
  ids: readonly string[],
  { type, by, properties }: { type: DescribedType; by: "id" | "key"; properties: readonly string[] },
  asking: DescribedRequest,
): Promise<Map<string, Stored>> {
  const found = new Map<string, Stored>();
  const key = type === "companies" ? undefined : keyProperties[type].name;
  const idProperty = by === "key" && key ? { idProperty: key } : {};
  const wanted = [...new Set([...properties, ...(key ? [key] : [])])];
  for (const part of inParts([...new Set(ids)], rowsAtOnce)) {
    const input = {
      ...idProperty,
      inputs: part.map((id) => ({ id })),
      properties: wanted,
      propertiesWithHistory: [],
    };
    const body = await transport
      .ask(asking, (client) => client.crm.objects.batchApi.read(type, input))
      .catch((error: unknown) => {
        // None of them is there.
        if (refusedWith(error, 404)) return undefined;
        throw error;
      });
    for (const { stored } of body === undefined ? [] : storedIn(body)) {
      const ref = by === "id" ? stored.id : stored.properties[key ?? ""];
      if (ref) found.set(ref, stored);
    }
  }
  return found;
}

export type ExternalCall = { key: string; externalId: string };

/**
 * For an account that refuses our key: which records HubSpot may have because we sent them, by our key or mark, and the
 * calls that it has. Its search lags, so what was sent a moment ago is not looked for yet; it is `tooEarly`, with the
 * time to wait (ms).
 */
export function createLookBack(transport: Transport, { now }: Pick<ConnectContext, "now">) {
  /** What happened before we started is at least as old as that. */
  const startedAt = now();
  const sends = new Map<string, number>();
  const ids = new Map<string, string>();

  return {
    sending(keys: Iterable<string>): void {
      for (const key of keys) keep(sends, key, now());
    },
    /** HubSpot has told what became of it; `id` when it was made. */
    answered(key: string, id?: string): void {
      keep(sends, key, Number.NEGATIVE_INFINITY);
      if (id !== undefined) keep(ids, key, id);
    },
    /** It turned out that the record is not there any more. */
    forget(key: string): void {
      ids.delete(key);
    },
    /** Whether a record is known to be somebody's. */
    holds: (id: string): boolean => [...ids.values()].includes(id),
    /** Whether it was sent without an answer. */
    inDoubt: (key: string): boolean => Number.isFinite(sends.get(key)),
    /** The id of a record that was made lately. */
    idOf: (key: string): string | undefined => ids.get(key),
    waitOf(key: string): number {
      return Math.max(0, (sends.get(key) ?? startedAt) + lookBackMs - now());
    },
    async find(
      calls: readonly ExternalCall[],
      properties: readonly string[],
      asking: DescribedRequest,
    ): Promise<Map<string, Stored>> {
      const found = new Map<string, Stored>();
      const wanted = [...new Set([...properties, "hs_call_external_id"])];
      const ids = calls.map(({ externalId }) => [externalId]);
      const filters = [{ name: "hs_call_external_id", values: ids }];
      const results = await inSearches(transport, { type: "calls", filters, properties: wanted }, asking);
      for (const { stored } of results) {
        const call = calls.find(({ externalId }) => externalId === stored.properties["hs_call_external_id"]);
        if (call && !found.has(call.key)) found.set(call.key, stored);
      }
      return found;
    },
  };
}

/** Adds to a map that forgets the oldest. */
function keep<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  for (const oldest of map.keys()) {
    if (map.size <= mostKept) break;
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
