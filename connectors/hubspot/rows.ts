import { CrmError } from "../../src/core/errors.ts";
import { isObject, type JsonObject, objectAt, objectsAt, textAt } from "../../src/lib/body.ts";
import { inParts } from "../../src/lib/pace.ts";
import { refusedWith, rowError } from "./errors.ts";

/** HubSpot takes so many rows in one request. */
export const rowsAtOnce = 100;

/** A record as HubSpot answers it. Values are texts, or null. `created`: an upsert made it. */
export type Stored = { id: string; properties: Record<string, string | null>; created: boolean };
export type RowAnswer = { stored: Stored } | { failed: CrmError };

/** One row of a batch. `ref`: ours, to find its answer by; HubSpot answers in any order. */
export type BatchRow<I> = { ref: string; input: I };
type Traced<I> = I & { objectWriteTraceId: string };

/**
 * Writes rows, 100 in a request, and gives each its own answer. A batch that HubSpot refuses as a whole because of some
 * row is sent again in halves until the row stands alone. Only for writes that may be sent twice, unless `once`: then
 * a row that HubSpot says nothing about is failed instead. `refOf`: whose answer it is, should it not repeat the mark
 * of the row. Throws `CrmError` when a request fails for all rows.
 */
export async function writeRows<I extends object>(
  rows: readonly BatchRow<I>[],
  send: (inputs: Traced<I>[]) => Promise<unknown>,
  { once = false, refOf }: { once?: boolean; refOf?: (stored: Stored) => string | undefined } = {},
): Promise<Map<string, RowAnswer>> {
  const answers = new Map<string, RowAnswer>();

  const halves = async (part: readonly BatchRow<I>[]): Promise<void> => {
    const middle = Math.ceil(part.length / 2);
    await write(part.slice(0, middle));
    await write(part.slice(middle));
  };

  const write = async (part: readonly BatchRow<I>[]): Promise<void> => {
    if (part.length === 0) return;
    const inputs = part.map(({ input }, i) => ({ ...input, objectWriteTraceId: String(i) }));
    let answer: BatchAnswer;
    try {
      answer = readAnswer(await send(inputs));
    } catch (error) {
      // A conflict or a row that HubSpot cannot take fails its whole batch, and the answer does not say which it is.
      if (!refusedWith(error, 400, 404, 409)) throw error;
      const [only] = part;
      if (part.length === 1 && only) answers.set(only.ref, { failed: error });
      else await halves(part);
      return;
    }
    for (const [i, { ref }] of part.entries()) {
      const row = answer.rows.get(String(i));
      if (row) answers.set(ref, row);
    }
    for (const stored of answer.unmarked) {
      const ref = refOf?.(stored);
      if (ref !== undefined && !answers.has(ref)) answers.set(ref, { stored });
    }
    const silent = part.filter(({ ref }) => !answers.has(ref));
    if (silent.length === 0) return;
    const [only] = silent;
    if (once || !answer.unplaced) for (const { ref } of silent) answers.set(ref, { failed: nothingSaid() });
    else if (part.length === 1 && only) answers.set(only.ref, { failed: answer.unplaced });
    else await halves(silent);
  };

  for (const part of inParts(rows, rowsAtOnce)) await write(part);
  return answers;
}

/** `rows`: by trace id; `unmarked`: without one. `unplaced`: an error that does not say which row it is about. */
type BatchAnswer = { rows: Map<string, RowAnswer>; unmarked: Stored[]; unplaced?: CrmError };

function readAnswer(body: unknown): BatchAnswer {
  const rows = new Map<string, RowAnswer>();
  const answer = isObject(body) ? body : {};
  const unmarked: Stored[] = [];
  for (const { stored, trace } of storedIn(body)) {
    if (trace === undefined) unmarked.push(stored);
    else rows.set(trace, { stored });
  }
  let unplaced: CrmError | undefined;
  for (const error of objectsAt(answer, "errors")) {
    const traces = objectAt(error, "context")["objectWriteTraceId"];
    const failed = rowError(error);
    if (Array.isArray(traces)) for (const trace of traces) rows.set(String(trace), { failed });
    else unplaced = failed;
  }
  return { rows, unmarked, ...(unplaced && { unplaced }) };
}

/** The records of a batch answer; the client renames `new` to `_new`, unless it took the answer for an error. */
export function storedIn(body: unknown): { stored: Stored; trace?: string }[] {
  return resultsIn(body).flatMap((result) => {
    const id = textAt(result, "id");
    if (id === undefined) return [];
    const trace = textAt(result, "objectWriteTraceId");
    const properties = objectAt(result, "properties") as Stored["properties"];
    const created = (result["_new"] ?? result["new"]) !== false;
    return [{ stored: { id, properties, created }, ...(trace !== undefined && { trace }) }];
  });
}

/** The list that an answer is about. Throws `CrmError` when there is none: that is no empty list. */
export function resultsIn(body: unknown): JsonObject[] {
  if (isObject(body) && Array.isArray(body["results"])) return objectsAt(body, "results");
  throw new CrmError("later", "HubSpot's answer holds no results");
}

function nothingSaid(): CrmError {
  return new CrmError("later", "HubSpot's answer says nothing about this row");
}
