import { setTimeout as pause } from "node:timers/promises";
import type { Connection } from "jsforce";

import { CrmError } from "../../src/core/errors.ts";
import { isObject, textAt } from "../../src/lib/body.ts";
import { inParts } from "../../src/lib/pace.ts";
import { faultIn, faultsOf, hasFault, type SalesforceFault } from "./errors.ts";
import type { ObjectRow } from "./values.ts";

/** What became of one row. `created`: unless an upsert found it there. `lost`: the request as a whole failed, so nobody knows. */
export type RowResult = { id: string; created: boolean } | { faults: SalesforceFault[] } | { lost: CrmError };

/** One request for at most 200 rows; the answer has a result for each, in their order. */
export type RowsRequest = (rows: ObjectRow[]) => Promise<unknown>;

const mostRows = 200;
const lockRetries = 2;

/** Ways of writing Tasks. An upsert by a key makes what is not there; an update by id never does. */
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

/**
 * `atOnce`: several requests at a time, for new records only: changing two Tasks of one account at once locks one of
 * them out. `isOutdated`: whether what we know of the org's fields may be old; it is read anew then.
 */
export type Sending = { atOnce: boolean; isOutdated(): boolean };

/** Sends rows, those of one person together, and answers for each in their order. */
export async function sendRows(
  rows: readonly ObjectRow[],
  request: RowsRequest,
  sending: Sending,
): Promise<RowResult[]> {
  const order = rows.map((_, i) => i).sort((a, b) => compare(parentOf(rows[a]), parentOf(rows[b])) || a - b);
  const results: RowResult[] = [];
  let lost: CrmError | undefined;
  const sendPart = async (part: readonly number[]): Promise<void> => {
    const answers = lost
      ? part.map(() => ({ lost: lost as CrmError }))
      : await sendOrLose(rowsAt(rows, part), request, sending);
    for (const [place, index] of part.entries()) {
      const answer = answers[place] ?? noAnswer();
      results[index] = answer;
      if ("lost" in answer) lost ??= answer.lost;
    }
  };
  const parts = inParts(order, mostRows);
  if (sending.atOnce) await Promise.all(parts.map(sendPart));
  else for (const part of parts) await sendPart(part);
  return results;
}

async function sendOrLose(rows: ObjectRow[], request: RowsRequest, sending: Sending): Promise<RowResult[]> {
  try {
    return await sendPatiently(rows, request);
  } catch (error) {
    if (!(error instanceof CrmError)) throw error;
    const isOutdated = hasFault(error, "INVALID_FIELD", "NOT_FOUND") && sending.isOutdated();
    // One row that Salesforce cannot even read fails them all: halves find it.
    if (!isOutdated && hasFault(error, "JSON_PARSER_ERROR", "INVALID_FIELD")) {
      if (rows.length === 1) return [{ faults: faultsOf(error) }];
      const half = Math.ceil(rows.length / 2);
      const first = await sendOrLose(rows.slice(0, half), request, sending);
      return [...first, ...(await sendOrLose(rows.slice(half), request, sending))];
    }
    // A request that is refused as a whole is no call's fault: all of its calls wait.
    const options = { cause: error.cause, ...(isOutdated && { afterMs: 0 }) };
    const lost = error.retry === "later" ? error : new CrmError("later", error.message, options);
    return rows.map(() => ({ lost }));
  }
}

/** Rows that somebody else's change locks out for a moment are sent again. */
async function sendPatiently(rows: ObjectRow[], request: RowsRequest): Promise<RowResult[]> {
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
