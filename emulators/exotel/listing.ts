import type { Listed } from "./calls.ts";
import { invalid } from "./errors.ts";
import type { BulkQuestion } from "./question.ts";

/** A page of calls and where the next and the one before begin. */
export type Listing = { total: number; page: Listed[]; after?: string; before?: string };

/**
 * `calls`: in order of creation. A cursor says between which two calls a page begins, so that calls of one second and
 * calls that are added meanwhile are told once. unverified: what Exotel's cursors hold.
 */
export function listingOf(calls: readonly Listed[], question: BulkQuestion): Listing {
  const { sids, from, to, pageSize, ascending, after, before } = question;
  const found = calls.filter(
    ({ sid, createdAt }) => createdAt >= from && createdAt <= to && (sids?.includes(sid) ?? true),
  );
  const ordered = ascending ? found : found.toReversed();
  const isBehind = (one: Listed, place: string) => (ascending ? placeOf(one) > place : placeOf(one) < place);
  let page: Listed[];
  if (before !== undefined) {
    const place = readCursor("Before", before);
    page = ordered.filter((one) => !isBehind(one, place) && placeOf(one) !== place).slice(-pageSize);
  } else {
    const place = after === undefined ? undefined : readCursor("After", after);
    page = ordered.filter((one) => place === undefined || isBehind(one, place)).slice(0, pageSize);
  }
  const [first, last] = [page[0], page.at(-1)];
  const hasMore = last !== undefined && placeOf(last) !== placeOf(ordered.at(-1) ?? last);
  const hasLess = first !== undefined && placeOf(first) !== placeOf(ordered[0] ?? first);
  return {
    total: ordered.length,
    page,
    ...(hasMore && { after: cursorOf(last) }),
    ...(hasLess && { before: cursorOf(first) }),
  };
}

function placeOf({ createdAt, sid }: Listed): string {
  return `${String(createdAt).padStart(15, "0")} ${sid}`;
}

function cursorOf(one: Listed): string {
  return Buffer.from(placeOf(one)).toString("base64url");
}

function readCursor(name: string, cursor: string): string {
  const place = Buffer.from(cursor, "base64url").toString();
  if (!/^\d{15} /.test(place)) throw invalid(name, "is no cursor");
  return place;
}
