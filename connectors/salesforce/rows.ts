import { setTimeout as pause } from "node:timers/promises";
import type { Connection } from "jsforce";
import { CrmError } from "../../src/core/errors.ts";
import { isObject, textAt } from "../../src/lib/body.ts";
import { inParts } from "../../src/lib/pace.ts";
import { inHalves } from "../../src/lib/patterns.ts";
import { faultIn, faultsOf, hasFault, type SalesforceFault } from "./errors.ts";
import type { ObjectRow } from "./values.ts";

/** `created`: false when an upsert found the record. `lost`: the whole request failed, so the result is unknown. */
export type RowResult = { id: string; created: boolean } | { faults: SalesforceFault[] } | { lost: CrmError };

/** One request for at most 200 rows; the answer has a result for each, in their order. */
export type RowsRequest = (rows: ObjectRow[]) => Promise<unknown>;

const mostRows = 200;
const lockRetries = 2;

/** An upsert by a key creates what does not exist; an update by id does not. */
export function upsertBy(connection: Connection, keyName: string): RowsRequest {
  return (rows) => connection.upsert("Task", rows, keyName, { allOrNone: false });
}

export function create(
  connection: Connection,
  object: string,
  headers: Record<string, string> = {},
): RowsRequest {
  return (rows) => connection.create(object, rows, { allOrNone: false, headers });
}

export function update(connection: Connection): RowsRequest {
  return (rows) =>
    connection.update(
      "Task",
      rows.map((row) => ({ ...row, Id: String(row["Id"]) })),
      { allOrNone: false },
    );
}

export type SendOptions = {
  /** Send several requests at a time. Only for new records: two changes of one account at once lock one of them out. */
  atOnce: boolean;
  /** Whether the schema may be outdated; it is then read again. */
  isOutdated(): boolean;
};

/** Sends rows, those of one person together. The results are in the order of the rows. */
export async function sendRows(
  rows: readonly ObjectRow[],
  request: RowsRequest,
  options: SendOptions,
): Promise<RowResult[]> {
  const order = rows.map((_, i) => i).sort((a, b) => compare(parentOf(rows[a]), parentOf(rows[b])) || a - b);
  const results: RowResult[] = [];
  let lost: CrmError | undefined;
  const note = (part: readonly number[], answers: readonly RowResult[]): [] => {
    for (const [place, index] of part.entries()) {
      const answer = answers[place] ?? noAnswer();
      results[index] = answer;
      if ("lost" in answer) lost ??= answer.lost;
    }
    return [];
  };
  const lose = (part: readonly number[], failure: CrmError): [] => {
    const answers = part.map((): RowResult => ({ lost: failure }));
    return note(part, answers);
  };
  const send = async (part: readonly number[]): Promise<readonly number[]> => {
    const some = rowsAt(rows, part);
    try {
      return note(part, await sendDespiteLocks(some, request));
    } catch (error) {
      if (!(error instanceof CrmError)) throw error;
      const isOutdated = hasFault(error, "INVALID_FIELD", "NOT_FOUND") && options.isOutdated();
      // One row that Salesforce cannot parse fails them all, and halves find it.
      if (!isOutdated && hasFault(error, "JSON_PARSER_ERROR", "INVALID_FIELD"))
        return part.length > 1 ? part : note(part, [{ faults: faultsOf(error) }]);
      // A refusal of the whole request is not about a call: all of its calls wait.
      const reasons = { cause: error.cause, ...(isOutdated && { afterMs: 0 }) };
      const failure = error.retry === "later" ? error : new CrmError("later", error.message, reasons);
      return lose(part, failure);
    }
  };
  const sendPart = async (part: readonly number[]): Promise<void> => {
    if (lost) lose(part, lost);
    else await inHalves(part, send);
  };
  const parts = inParts(order, mostRows);
  if (options.atOnce) await Promise.all(parts.map(sendPart));
  else for (const part of parts) await sendPart(part);
  return results;
}

/** Rows that another change locks out for a moment are sent again. */
async function sendDespiteLocks(rows: ObjectRow[], request: RowsRequest): Promise<RowResult[]> {
  let results = resultsOf(await request(rows), rows.length);
  for (let retry = 1; retry <= lockRetries; retry += 1) {
    const locked = results.flatMap((result, i) => (isLocked(result) ? [i] : []));
    if (locked.length === 0) break;
    await pause(100 + Math.random() * 200);
    const again = resultsOf(await request(rowsAt(rows, locked)), locked.length);
    results = results.map((result, i) => (isLocked(result) ? (again[locked.indexOf(i)] ?? result) : result));
  }
  return results;
}

function resultsOf(answer: unknown, count: number): RowResult[] {
  const list: unknown[] = Array.isArray(answer) ? answer : [];
  return Array.from({ length: count }, (_, i) => resultOf(list[i]));
}

function resultOf(result: unknown): RowResult {
  if (!isObject(result)) return noAnswer();
  const id = textAt(result, "id");
  if (result["success"] === true && id) return { id, created: result["created"] !== false };
  const { errors } = result;
  const faults = (Array.isArray(errors) ? errors : []).flatMap((one) => faultIn(one) ?? []);
  return {
    faults:
      faults.length > 0 ? faults : [{ code: "UNKNOWN_EXCEPTION", message: "no reason given", fields: [] }],
  };
}

function noAnswer(): RowResult {
  return { lost: new CrmError("later", "Salesforce's answer said nothing about this row") };
}

function isLocked(result: RowResult): boolean {
  return (
    "faults" in result &&
    result.faults.some(({ code, message }) => `${code} ${message}`.includes("UNABLE_TO_LOCK_ROW"))
  );
}

function parentOf(row: ObjectRow | undefined): string {
  return String(row?.["WhoId"] ?? row?.["WhatId"] ?? "");
}

function rowsAt(rows: readonly ObjectRow[], places: readonly number[]): ObjectRow[] {
  return places.map((place) => rows[place] ?? {});
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
