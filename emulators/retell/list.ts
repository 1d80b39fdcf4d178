import type { EmulatorRequest, Route } from "../server.ts";
import type { Book, RetellCall } from "./calls.ts";
import { isWanted, wantedOf } from "./filter.ts";
import { refuse } from "./problems.ts";

const mostRows = 1_000;
const usualRows = 50;
const members = new Set([
  "filter_criteria",
  "sort_order",
  "limit",
  "skip",
  "pagination_key",
  "include_total",
]);
/** What the list leaves out; only a single call has it. */
const leftOut = new Set(["transcript", "transcript_object", "transcript_with_tool_calls"]);

/** `POST /v3/list-calls`. Not verified: how calls of the same start are ordered; here by their ids. */
export function listRoute(book: Book): Route {
  return {
    method: "POST",
    path: /\/v3\/list-calls/,
    kind: "list",
    handle(request) {
      const { wanted, ascending, limit, skip, after, total } = questionOf(request);
      const found = book.all().filter((call) => isWanted(call, wanted));
      found.sort((a, b) => (ascending ? 1 : -1) * compare(keyOf(a), keyOf(b)));
      const rest = after ? found.filter((call) => isPast(keyOf(call), after, ascending)) : found;
      const rows = rest.slice(skip, skip + limit);
      const last = rows.at(-1);
      const more = rest.length > skip + limit;
      return {
        status: 200,
        body: {
          items: rows.map(listed),
          has_more: more,
          ...(last && more && { pagination_key: cursorOf(keyOf(last)) }),
          ...(total && { total: found.length }),
        },
      };
    },
  };
}

/** Where a call stands in the list. Calls without a start come first (not verified). */
type Key = [start: number, id: string];

function questionOf({ body }: EmulatorRequest) {
  const question = body ?? {};
  if (!isRecord(question) || Object.keys(question).some((name) => !members.has(name))) refuse(400);
  const { filter_criteria = {}, sort_order = "descending", limit = usualRows, skip = 0 } = question;
  if (!isRecord(filter_criteria)) refuse(400);
  if (sort_order !== "ascending" && sort_order !== "descending") refuse(400);
  if (!isCount(limit, 1) || limit > mostRows || !isCount(skip, 0)) refuse(400);
  const { pagination_key, include_total = false } = question;
  const after = pagination_key === undefined ? undefined : keyFrom(pagination_key);
  const ascending = sort_order === "ascending";
  return { wanted: wantedOf(filter_criteria), ascending, limit, skip, after, total: include_total === true };
}

function listed(call: RetellCall): Record<string, unknown> {
  return Object.fromEntries(Object.entries(call).filter(([name]) => !leftOut.has(name)));
}

function keyOf({ start_timestamp = 0, call_id }: RetellCall): Key {
  return [start_timestamp, call_id];
}

function compare(a: Key, b: Key): number {
  return a[0] - b[0] || (a[1] < b[1] ? -1 : Number(a[1] > b[1]));
}

function isPast(key: Key, after: Key, ascending: boolean): boolean {
  return ascending ? compare(key, after) > 0 : compare(key, after) < 0;
}

function cursorOf(key: Key): string {
  return Buffer.from(JSON.stringify(key)).toString("base64url");
}

function keyFrom(cursor: unknown): Key {
  if (typeof cursor !== "string") return refuse(400);
  const [, start = "", id = ""] =
    /^\[(\d+),"(.+)"\]$/.exec(Buffer.from(cursor, "base64url").toString()) ?? [];
  return id === "" ? refuse(400) : [Number(start), id];
}

function isCount(value: unknown, least: number): value is number {
  return Number.isInteger(value) && Number(value) >= least;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
