import { CrmError } from "../../src/core/errors.ts";
import { isObject, type JsonObject, objectAt, objectsAt, textAt } from "../../src/lib/body.ts";
import { inParts } from "../../src/lib/pace.ts";
import { inHalves } from "../../src/lib/patterns.ts";
import { refusedWith, rowError } from "./errors.ts";

/** HubSpot's limit of rows in one request. */
export const rowsAtOnce = 100;

/** A record as HubSpot answers it. */
export type Stored = {
  id: string;
  properties: Record<string, string | null>;
  /** Whether this write created it. */
  created: boolean;
};
export type RowAnswer = { stored: Stored } | { failed: CrmError };

export type BatchRow<I> = {
  /** Ours, to find the row's answer by: HubSpot answers in any order. */
  ref: string;
  input: I;
};
export type SendRows<I> = (inputs: (I & { objectWriteTraceId: string })[]) => Promise<unknown>;

export type WriteOptions = {
  /** Never send a row twice: one without an answer fails instead. */
  once?: boolean;
  /** The row of an answer without a trace id. */
  refOf?: (stored: Stored) => string | undefined;
};

/**
 * Writes rows, 100 in a request, and gives each its own answer. When HubSpot refuses a whole batch because of some row,
 * halves of it are sent again until that row stands alone. Throws `CrmError` when a request fails for all rows.
 */
export async function writeRows<I extends object>(
  rows: readonly BatchRow<I>[],
  send: SendRows<I>,
  { once = false, refOf }: WriteOptions = {},
): Promise<Map<string, RowAnswer>> {
  const answers = new Map<string, RowAnswer>();
  const fail = (part: readonly BatchRow<I>[], failed: CrmError): [] => {
    for (const { ref } of part) answers.set(ref, { failed });
    return [];
  };

  const write = async (part: readonly BatchRow<I>[]): Promise<readonly BatchRow<I>[]> => {
    const inputs = part.map(({ input }, i) => ({ ...input, objectWriteTraceId: String(i) }));
    let answer: BatchAnswer;
    try {
      answer = readAnswer(await send(inputs));
    } catch (error) {
      // A conflict or an unreadable row fails its whole batch, and the answer does not say which row it is.
      if (!refusedWith(error, 400, 404, 409)) throw error;
      return part.length > 1 ? part : fail(part, error);
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
    if (once || !answer.unplaced) return fail(silent, nothingSaid());
    return part.length > 1 ? silent : fail(silent, answer.unplaced);
  };

  for (const part of inParts(rows, rowsAtOnce)) await inHalves(part, write);
  return answers;
}

type BatchAnswer = {
  /** By trace id. */
  rows: Map<string, RowAnswer>;
  /** Without a trace id. */
  unmarked: Stored[];
  /** An error that does not say which row it is about. */
  unplaced?: CrmError;
};

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

/** The records of a batch answer. The client renames `new` to `_new`, except in an answer that it reads as an error. */
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

/** The list of results in an answer. Throws `CrmError` when there is no list. */
export function resultsIn(body: unknown): JsonObject[] {
  if (isObject(body) && Array.isArray(body["results"])) return objectsAt(body, "results");
  throw new CrmError("later", "HubSpot's answer holds no results");
}

function nothingSaid(): CrmError {
  return new CrmError("later", "HubSpot's answer says nothing about this row");
}

/** Where the next page of an answer begins; undefined after the last. */
export function nextOf(body: unknown): string | undefined {
  return isObject(body) ? textAt(objectAt(objectAt(body, "paging"), "next"), "after") : undefined;
}
