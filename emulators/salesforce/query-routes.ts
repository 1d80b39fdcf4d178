import { randomBytes } from "node:crypto";
import type { EmulatorReply, EmulatorRequest, Route } from "../server.ts";
import { answerRow } from "./answer-row.ts";
import { refuse, restError } from "./errors.ts";
import type { Row } from "./field.ts";
import type { Org } from "./org.ts";
import { countRows, select } from "./select.ts";
import { type Query, readQuery } from "./soql.ts";

const pageSize = 2000;
const longestUrl = 16_000;
const mostCursors = 50;

/** A query that somebody pages through. `at`: how many of its records were given out. */
type Cursor = {
  query: Query;
  withDeleted: boolean;
  total: number;
  rows: Iterator<Row>;
  at: number;
};

export function queryRoutes(org: Org): Route[] {
  const cursors = new Map<string, Cursor>();
  const path = (name: string) => new RegExp(`/services/data/v(\\d+\\.\\d)/${name}/?`);
  const page = /\/services\/data\/v(\d+\.\d)\/query(?:All)?\/(01g\w+)-(\d+)/;
  return [
    { method: "GET", path: path("query"), kind: "query", handle: (request) => start(request, false) },
    { method: "GET", path: path("queryAll"), kind: "query", handle: (request) => start(request, true) },
    { method: "GET", path: page, kind: "query", handle: more },
  ];

  function start(request: EmulatorRequest, withDeleted: boolean): EmulatorReply {
    const tooLong = checkUrl(request);
    if (tooLong) return tooLong;
    const [version = ""] = request.params;
    const text = request.query.get("q") ?? "";
    if (ownPermissions.test(text)) return permissionsOf(org);
    const query = readQuery(org, text);
    const total = countRows(org, query, withDeleted);
    if (query.count) return { status: 200, body: { totalSize: total, done: true, records: [] } };
    const rows = select(org, query, withDeleted);
    const cursor: Cursor = { query, withDeleted, total, rows, at: 0 };
    const id = `01g${randomBytes(8).toString("hex")}`;
    if (total > pageSize) keep(id, cursor);
    return reply(version, id, cursor, 0);
  }

  function more(request: EmulatorRequest): EmulatorReply {
    const [version = "", id = "", from = ""] = request.params;
    const cursor = cursors.get(id);
    if (!cursor) return refuse(400, "INVALID_QUERY_LOCATOR", "invalid query locator");
    return reply(version, id, cursor, Number(from));
  }

  function reply(version: string, id: string, cursor: Cursor, from: number): EmulatorReply {
    const { query, total } = cursor;
    const rows = pageOf(cursor, from);
    const next = from + rows.length;
    const done = next >= total || rows.length === 0;
    const records = rows.map((row) => answerRow(org, version, query.type.name, row, query.select));
    const url = done ? {} : { nextRecordsUrl: `/services/data/v${version}/query/${id}-${next}` };
    return { status: 200, body: { totalSize: total, done, ...url, records } };
  }

  function pageOf(cursor: Cursor, from: number): Row[] {
    // A page may be asked for again when its answer got lost.
    if (from !== cursor.at) {
      cursor.rows = select(org, cursor.query, cursor.withDeleted);
      cursor.at = 0;
      take(cursor, from);
    }
    return take(cursor, pageSize);
  }

  function keep(id: string, cursor: Cursor): void {
    cursors.set(id, cursor);
    const [oldest] = cursors.keys();
    if (cursors.size > mostCursors && oldest) cursors.delete(oldest);
  }
}

/** A virtual object with one row, of the user who asks; only this query of it is known. */
const ownPermissions = /^SELECT PermissionsCustomizeApplication FROM UserPermissionAccess LIMIT 1$/;

function permissionsOf({ settings }: Org): EmulatorReply {
  const attributes = { type: "UserPermissionAccess" };
  const record = { attributes, PermissionsCustomizeApplication: settings.isAdmin };
  return { status: 200, body: { totalSize: 1, done: true, records: [record] } };
}

function take(cursor: Cursor, count: number): Row[] {
  const rows: Row[] = [];
  while (rows.length < count) {
    const next = cursor.rows.next();
    if (next.done) break;
    rows.push(next.value);
    cursor.at++;
  }
  return rows;
}

/** Salesforce takes about 16,000 characters of URL; the query counts as Node's clients encode it. */
export function checkUrl(request: EmulatorRequest): EmulatorReply | undefined {
  const encoded = [...request.query].map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  const url = `${request.path}?${encoded.join("&").replaceAll("'", "%27")}`;
  if (url.length < longestUrl) return undefined;
  return restError(414, "URI_TOO_LONG", "The request URI is too long");
}
