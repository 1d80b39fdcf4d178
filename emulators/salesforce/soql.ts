import {
  type FieldType as ParsedField,
  type Query as ParsedQuery,
  parseQuery,
  type WhereClause,
} from "@jetstreamapp/soql-parser-js";
import type { Row } from "./field.ts";
import { type FieldPath, resolvePath } from "./field-path.ts";
import type { ObjectType } from "./objects.ts";
import type { Org } from "./org.ts";
import { malformed, noObject, refuseQuery } from "./soql-error.ts";
import { literalsOf, type ParsedCondition } from "./soql-literal.ts";
import { type Condition, type Operator, readCondition, type Token } from "./soql-where.ts";

export type Order = { path: FieldPath; descending: boolean; nullsLast: boolean };

export type Query = {
  type: ObjectType;
  /** None for COUNT(). */
  select: FieldPath[];
  count: boolean;
  where: Condition | undefined;
  order: Order[];
  limit: number;
  offset: number;
};

const mostOffset = 2000;

/** Reads and checks a query; ends the request with Salesforce's own error when something is wrong with it. */
export function readQuery(org: Org, soql: string): Query {
  const parsed = parse(soql);
  const name = parsed.sObject ?? "";
  const type = org.type(name) ?? noObject(soql, name);
  refuseUnknown(parsed);
  const fields = parsed.fields ?? [];
  const count = fields.length === 1 && isCount(fields[0]);
  const path = (text: string) => resolvePath(org, type, withoutAlias(text, parsed.sObjectAlias), soql);
  const order = parsed.orderBy ? [parsed.orderBy].flat() : [];
  if ((parsed.offset ?? 0) > mostOffset)
    refuseQuery("NUMBER_OUTSIDE_VALID_RANGE", soql, "OFFSET", `Maximum SOQL offset allowed is ${mostOffset}`);
  return {
    type,
    select: count ? [] : selected(fields.map((field) => path(nameOf(field, soql)))),
    count,
    where: parsed.where && readWhere(parsed.where, path, soql),
    order: order.map((one) => {
      if (!("field" in one)) return malformed("the emulator sorts by fields only");
      const sorted = path(one.field);
      refuseLongText(sorted, "sorted", soql);
      const descending = one.order === "DESC";
      return { path: sorted, descending, nullsLast: one.nulls ? one.nulls === "LAST" : false };
    }),
    limit: parsed.limit ?? Number.POSITIVE_INFINITY,
    offset: parsed.offset ?? 0,
  };
}

/** The conditions of SOSL's RETURNING come without a query around them. */
export function readPart(org: Org, type: ObjectType, part: string): Query {
  const [, fields = "", rest = ""] = /^(.*?)((?:\s(?:WHERE|ORDER BY|LIMIT|OFFSET)\s.*)?)$/is.exec(part) ?? [];
  return readQuery(org, `SELECT ${fields} FROM ${type.name}${rest}`);
}

export function compareRows(order: readonly Order[]): (one: Row, other: Row) => number {
  return (one, other) => {
    for (const { path, descending, nullsLast } of order) {
      const [a, b] = [path.read(one), path.read(other)];
      if (a === b) continue;
      if (a === null || b === null) return (a === null) === nullsLast ? 1 : -1;
      const [x, y] = typeof a === "string" && typeof b === "string" ? folded(path, a, b) : [a, b];
      if (x !== y) return x < y === descending ? 1 : -1;
    }
    return 0;
  };
}

function folded(path: FieldPath, one: string, other: string): [string, string] {
  const exact = path.field.caseSensitive || path.field.type === "id" || path.field.type === "reference";
  return exact ? [one, other] : [one.toLowerCase(), other.toLowerCase()];
}

function parse(soql: string): ParsedQuery {
  if (soql.trim() === "") malformed("A query string has to be specified");
  try {
    return parseQuery(soql);
  } catch (error) {
    const message = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    return malformed(`unexpected token: ${message}`);
  }
}

function refuseUnknown(parsed: ParsedQuery): void {
  for (const clause of ["groupBy", "having", "withDataCategory", "usingScope"] as const) {
    if (parsed[clause] !== undefined) malformed(`the emulator does not know ${clause}`);
  }
}

function isCount(field: ParsedField | undefined): boolean {
  return field?.type === "FieldFunctionExpression" && /^COUNT\(\s*\)$/i.test(field.rawValue ?? "");
}

function nameOf(field: ParsedField, soql: string): string {
  if (field.type === "Field") return field.field;
  if (field.type === "FieldRelationship") return [...field.relationships, field.field].join(".");
  return refuseQuery("MALFORMED_QUERY", soql, "SELECT", `the emulator does not know ${field.type}`);
}

function selected(paths: FieldPath[]): FieldPath[] {
  const seen = new Set<string>();
  for (const { steps, field } of paths) {
    const name = [...steps, field].map((one) => one.name).join(".");
    if (seen.has(name)) malformed(`duplicate field selected: ${name}`);
    seen.add(name);
  }
  return paths;
}

function withoutAlias(path: string, alias: string | undefined): string {
  return alias && path.toLowerCase().startsWith(`${alias.toLowerCase()}.`)
    ? path.slice(alias.length + 1)
    : path;
}

function readWhere(where: WhereClause, path: (text: string) => FieldPath, soql: string): Condition {
  const tokens: Token<ParsedCondition>[] = [];
  for (let clause: WhereClause | undefined = where; clause; ) {
    const { left } = clause;
    for (let open = 0; open < (left?.openParen ?? 0); open++) tokens.push("(");
    if (left && ("field" in left || "fn" in left)) tokens.push({ comparison: left as ParsedCondition });
    for (let close = 0; close < (left && "closeParen" in left ? (left.closeParen ?? 0) : 0); close++)
      tokens.push(")");
    if (!("operator" in clause)) break;
    tokens.push(clause.operator);
    clause = clause.right;
  }
  return readCondition(tokens, (condition) => {
    const compared = path(condition.field ?? malformed("the emulator compares fields only"));
    refuseLongText(compared, "filtered", soql);
    const operator = condition.operator as Operator;
    return { path: compared, operator, values: literalsOf(condition, compared.field, soql) };
  });
}

function refuseLongText({ field }: FieldPath, how: "filtered" | "sorted", soql: string): void {
  if (field.type !== "textarea") return;
  refuseQuery("INVALID_FIELD", soql, field.name, `field '${field.name}' can not be ${how} in a query call`);
}
