import { refuse } from "./errors.ts";
import type { ObjectType } from "./objects.ts";
import type { Org } from "./org.ts";
import { type Query, readPart } from "./soql.ts";
import { type Find, readFind } from "./sosl-find.ts";

export type Search = {
  find: Find;
  scope: "ALL" | "PHONE" | "NAME" | "EMAIL";
  returning: { type: ObjectType; query: Query }[];
  limit: number;
};

const mostResults = 2000;
const statement =
  /^\s*FIND\s*\{((?:\\.|[^\\}])*)\}\s*(?:IN\s+(ALL|PHONE|NAME|EMAIL|SIDEBAR)\s+FIELDS\s*)?(.*)$/is;

/** Reads `FIND {...} IN PHONE FIELDS RETURNING Contact(Id, Phone WHERE ...), Lead(Id) LIMIT 50`. */
export function readSearch(org: Org, sosl: string): Search {
  const [, text, scope = "ALL", rest = ""] = statement.exec(sosl) ?? [];
  if (text === undefined) return malformedSearch("line 1:0 no viable alternative at the start of the search");
  const find = readFind(text);
  const clauses = /^(?:RETURNING\s+(.*?))?\s*(?:LIMIT\s+(\d+)\s*)?$/is.exec(rest.trim());
  if (!clauses) return malformedSearch(`unexpected token: ${rest.trim().split(/\s/)[0] ?? ""}`);
  const [, returning, limit] = clauses;
  const most = limit === undefined ? mostResults : Number(limit);
  if (most > mostResults || most < 1) {
    return malformedSearch(`The LIMIT of a search is between 1 and ${mostResults}`);
  }
  return {
    find,
    scope: scope.toUpperCase() as Search["scope"],
    returning: returning ? splitOutside(returning).map((part) => readReturning(org, part)) : everything(org),
    limit: most,
  };
}

function readReturning(org: Org, part: string): { type: ObjectType; query: Query } {
  const [, name, inside] = /^(\w+)\s*(?:\(([\s\S]*)\))?$/.exec(part.trim()) ?? [];
  if (name === undefined) return malformedSearch(`unexpected token: ${part.trim()}`);
  const type = org.type(name) ?? refuse(400, "INVALID_TYPE", `sObject type '${name}' is not supported.`);
  return { type, query: readPart(org, type, inside?.trim() ?? "Id") };
}

function everything(org: Org): { type: ObjectType; query: Query }[] {
  return ["Account", "Contact", "Lead"].map((name) => readReturning(org, name));
}

/** Splits at the commas outside of brackets and quotes. */
function splitOutside(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (const { index, 0: token } of text.matchAll(/'(?:\\.|[^\\'])*'|[(),]/g)) {
    if (token === "(") depth++;
    else if (token === ")") depth--;
    else if (token === "," && depth === 0) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  if (depth !== 0) malformedSearch("unexpected token: brackets do not match");
  return [...parts, text.slice(start)];
}

function malformedSearch(message: string): never {
  refuse(400, "MALFORMED_SEARCH", message);
}
