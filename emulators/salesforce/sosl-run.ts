import type { EmulatorReply, EmulatorRequest, Route } from "../server.ts";
import { answerRow } from "./answer-row.ts";
import { refuse } from "./errors.ts";
import type { Row } from "./field.ts";
import type { ObjectType } from "./objects.ts";
import type { Org } from "./org.ts";
import { digitsOf, phoneTokens, windowOf } from "./phones.ts";
import { checkUrl } from "./query-routes.ts";
import { compareRows } from "./soql.ts";
import { matcherOf } from "./soql-where.ts";
import { readSearch, type Search } from "./sosl.ts";
import type { Find } from "./sosl-find.ts";

const firstVersionWithObject = 37;

export function searchRoutes(org: Org): Route[] {
  return [
    {
      method: "GET",
      path: /\/services\/data\/v(\d+\.\d)\/search\/?/,
      kind: "search",
      handle: (request) => search(org, request),
    },
  ];
}

function search(org: Org, request: EmulatorRequest): EmulatorReply {
  const tooLong = checkUrl(request);
  if (tooLong) return tooLong;
  const [version = ""] = request.params;
  const text =
    request.query.get("q") ?? refuse(400, "MALFORMED_SEARCH", "A search string has to be specified");
  const { find, scope, returning, limit } = readSearch(org, text);
  const records = returning.flatMap(({ type, query }) => {
    const holds = query.where ? matcherOf(query.where) : () => true;
    const found = [...findRows(org, type, find, scope)].filter(holds).sort(compareRows(query.order));
    return found
      .slice(query.offset, query.offset + query.limit)
      .map((row) => answerRow(org, version, type.name, row, query.select));
  });
  const shown = records.slice(0, limit);
  return { status: 200, body: Number(version) < firstVersionWithObject ? shown : { searchRecords: shown } };
}

/** Live records that the search index knows by now. */
function findRows(org: Org, type: ObjectType, find: Find, scope: Search["scope"]): Row[] {
  const table = org.table(type.name);
  const known = org.now() - org.settings.searchLagMs;
  const terms = termsOf(find);
  const rows = new Map<string, Row>();
  for (const row of candidates(org, type, terms)) {
    if (row["IsDeleted"] === true || table.writtenAt(row) > known) continue;
    if (holdsFor(find, (term) => rowHas(type, row, term, scope))) rows.set(row.Id, row);
  }
  return [...rows.values()];
}

/** By the phone index when all terms are long enough numbers, else all records in memory. */
function* candidates(org: Org, type: ObjectType, terms: string[]): Generator<Row> {
  const table = org.table(type.name);
  for (const term of terms) {
    const n = table.procedural?.indexOfPhone(term);
    const row = n === undefined ? undefined : table.procedural?.at(n);
    if (row && !table.keeps(row.Id)) yield row;
  }
  const windows = terms.map((term) => (isNumber(term) ? windowOf(digitsOf(term)) : undefined));
  if (!table.lookup("phones", "") || windows.includes(undefined)) yield* table.stored();
  else for (const window of windows) yield* table.lookup("phones", window ?? "") ?? [];
}

function termsOf(find: Find): string[] {
  if ("term" in find) return [find.term];
  if ("without" in find) return [];
  return ("every" in find ? find.every : find.some).flatMap(termsOf);
}

function holdsFor(find: Find, has: (term: string) => boolean): boolean {
  if ("term" in find) return has(find.term);
  if ("without" in find) return !holdsFor(find.without, has);
  return "every" in find
    ? find.every.every((part) => holdsFor(part, has))
    : find.some.some((part) => holdsFor(part, has));
}

/** Numbers and words are found whole; by their beginning only with a wildcard. */
function rowHas(type: ObjectType, row: Row, term: string, scope: Search["scope"]): boolean {
  if (scope !== "NAME" && scope !== "EMAIL" && isNumber(term)) {
    const digits = digitsOf(term);
    const found = term.endsWith("*")
      ? (token: string) => token.startsWith(digits)
      : (token: string) => token === digits;
    const values = type.fields.flatMap(({ name, type: kind }) => (kind === "phone" ? [row[name]] : []));
    if (values.some((value) => typeof value === "string" && phoneTokens(value).some(found))) return true;
  }
  if (scope === "PHONE") return false;
  const pattern = wordPattern(term);
  return type.fields.some(({ name, type: kind }) => {
    const value = row[name];
    if (typeof value !== "string" || !inScope(name, kind, scope)) return false;
    return value.split(/[\s,;]+/).some((word) => pattern.test(word)) || pattern.test(value);
  });
}

function inScope(name: string, kind: string, scope: Search["scope"]): boolean {
  if (scope === "NAME") return ["Name", "FirstName", "LastName", "Company", "Subject"].includes(name);
  if (scope === "EMAIL") return kind === "email";
  return ["string", "textarea", "email", "phone", "picklist", "combobox", "url"].includes(kind);
}

function isNumber(term: string): boolean {
  return /^[\d\s().+/-]+\**$/.test(term) && digitsOf(term).length >= 2;
}

function wordPattern(term: string): RegExp {
  const parts = [...term].map((character) => {
    if (character === "*") return ".*";
    return character === "?" ? "." : character.replace(/[.+^${}()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("")}$`, "i");
}
