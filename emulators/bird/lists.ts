import type { EmulatorReply } from "../contract.ts";
import type { Row } from "./call.ts";
import { invalid } from "./refusals.ts";

/** A row with what lists are sorted and read on by. */
export type Listed = { at: number; id: string; row: Row };

/** unverified: how much a list gives that is asked for no `limit`; the documents have said 10 and 25. */
const usualLimit = 10;

/** Checks what is asked for, also when nothing is listed. */
export function readSpan(query: URLSearchParams): { holds(at: number): boolean } {
  const startAt = timeOf(query, "startAt") ?? Number.NEGATIVE_INFINITY;
  const endAt = timeOf(query, "endAt") ?? Number.POSITIVE_INFINITY;
  // unverified: that both ends are in it, and that it is about when a call was made.
  return { holds: (at) => at >= startAt && at <= endAt };
}

/** unverified: newest first. A token names the last row that was told, so that new calls move no page. */
export function pageOf(listed: Listed[], query: URLSearchParams, highest: number): EmulatorReply {
  const limit = limitOf(query, highest);
  const after = tokenOf(query);
  const sorted = listed.sort((a, b) => b.at - a.at || (a.id < b.id ? 1 : -1));
  const rest = after
    ? sorted.filter(({ at, id }) => at < after.at || (at === after.at && id < after.id))
    : sorted;
  const page = rest.slice(0, limit);
  const last = page.at(-1);
  const more = last && rest.length > page.length;
  const results = page.map(({ row }) => row);
  return { status: 200, body: { results, ...(more && { nextPageToken: writeToken(last) }) } };
}

function limitOf(query: URLSearchParams, highest: number): number {
  const text = query.get("limit");
  if (text === null) return usualLimit;
  const limit = Number(text);
  if (/^\d+$/.test(text) && limit >= 1 && limit <= highest) return limit;
  throw invalid(`limit is from 1 to ${highest}.`);
}

function timeOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/i.test(text)
    ? Date.parse(text)
    : NaN;
  if (Number.isNaN(time)) throw invalid(`${name} is a date-time.`);
  return time;
}

function writeToken({ at, id }: Listed): string {
  return Buffer.from(JSON.stringify([at, id])).toString("base64url");
}

function tokenOf(query: URLSearchParams): { at: number; id: string } | undefined {
  const token = query.get("pageToken");
  if (token === null) return undefined;
  try {
    const [at, id] = JSON.parse(Buffer.from(token, "base64url").toString()) as [unknown, unknown];
    if (typeof at === "number" && typeof id === "string") return { at, id };
  } catch {
    // Not one of ours, as below.
  }
  throw invalid("pageToken is none that was given.");
}
