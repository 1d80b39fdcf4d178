import { bodyOf, type CrmRequest } from "./crm-route.ts";
import { invalid, refuse } from "./refusals.ts";
import type { Property } from "./types.ts";

const operators = [
  "EQ",
  "NEQ",
  "LT",
  "LTE",
  "GT",
  "GTE",
  "BETWEEN",
  "IN",
  "NOT_IN",
  "HAS_PROPERTY",
  "NOT_HAS_PROPERTY",
  "CONTAINS_TOKEN",
  "NOT_CONTAINS_TOKEN",
] as const;
type Operator = (typeof operators)[number];

export type Filter = {
  property: Property;
  operator: Operator;
  value: string;
  highValue: string;
  values: string[];
};

export type Search = {
  groups: Filter[][];
  query: string;
  sort: { property: Property; descending: boolean } | undefined;
  properties: string[];
  limit: number;
  after: number;
};

const longestBody = 3000;
const mostGroups = 5;
const mostFilters = 6;
const mostFiltersInAll = 18;
const mostResults = 200;
export const mostReachable = 10_000;

/** A search as it was asked, or a refusal when it asks for too much or for what there is not. */
export function readSearch(
  request: CrmRequest,
  properties: ReadonlyMap<string, Property>,
  isStrict: boolean,
): Search {
  const body = bodyOf(request);
  // The published specification of 2026-03. Unverified: that the API refuses a search without them.
  const missing = ["after", "filterGroups", "limit", "properties", "sorts"].filter(
    (name) => body[name] === undefined,
  );
  if (isStrict && missing.length > 0)
    throw refuse(invalid(`Invalid input JSON: Some required fields were not set: [${missing.join(", ")}]`));
  if (request.raw.toString("utf8").length > longestBody) {
    throw refuse(invalid(`The request body is too long: at most ${longestBody} characters.`));
  }
  const groups = listIn(body, "filterGroups").map((group) => listIn(group, "filters"));
  if (groups.length > mostGroups) throw refuse(invalid(`Too many filter groups: at most ${mostGroups}.`));
  if (groups.some((filters) => filters.length > mostFilters)) {
    throw refuse(invalid(`Too many filters in a group: at most ${mostFilters}.`));
  }
  if (groups.flat().length > mostFiltersInAll) {
    throw refuse(invalid(`Too many filters: at most ${mostFiltersInAll} in all.`));
  }
  const limit = numberIn(body, "limit", 10);
  if (limit < 1 || limit > mostResults) throw refuse(invalid(`limit must be between 1 and ${mostResults}.`));
  const after = numberIn(body, "after", 0);
  if (after + limit > mostReachable) {
    throw refuse(invalid(`Paging past the first ${mostReachable} results is not possible.`));
  }
  const sorts = body["sorts"] === undefined ? [] : listOf(body["sorts"]);
  if (sorts.length > 1) throw refuse(invalid("Only one sort is supported."));
  return {
    groups: groups.map((filters) => filters.map((filter) => readFilter(filter, properties))),
    query: String(body["query"] ?? "").toLowerCase(),
    sort: sorts.length === 0 ? undefined : readSort(sorts[0], properties),
    properties: body["properties"] === undefined ? [] : listOf(body["properties"]).map(String),
    limit,
    after,
  };
}

function readFilter(filter: Record<string, unknown>, properties: ReadonlyMap<string, Property>): Filter {
  const property = propertyNamed(filter["propertyName"], properties);
  const operator = operators.find((name) => name === filter["operator"]);
  if (!operator) throw refuse(invalid(`Invalid operator: ${String(filter["operator"])}`));
  const many = operator === "IN" || operator === "NOT_IN";
  const none = operator === "HAS_PROPERTY" || operator === "NOT_HAS_PROPERTY";
  const { value, highValue, values } = filter;
  if (
    many ? !Array.isArray(values) || values.length === 0 : !none && (value === undefined || value === null)
  ) {
    throw refuse(invalid(`operator ${operator} requires ${many ? "values" : "a value"} on ${property.name}`));
  }
  if (operator === "BETWEEN" && (highValue === undefined || highValue === null)) {
    throw refuse(invalid(`operator BETWEEN requires a highValue on ${property.name}`));
  }
  return {
    property,
    operator,
    value: String(value ?? ""),
    highValue: String(highValue ?? ""),
    values: Array.isArray(values) ? values.map(String) : [],
  };
}

function readSort(sort: unknown, properties: ReadonlyMap<string, Property>): NonNullable<Search["sort"]> {
  if (typeof sort === "string") {
    const descending = sort.startsWith("-");
    return { property: propertyNamed(descending ? sort.slice(1) : sort, properties), descending };
  }
  const { propertyName, direction } = (sort ?? {}) as { propertyName?: unknown; direction?: unknown };
  return { property: propertyNamed(propertyName, properties), descending: direction === "DESCENDING" };
}

function propertyNamed(name: unknown, properties: ReadonlyMap<string, Property>): Property {
  const property = properties.get(String(name));
  if (property) return property;
  throw refuse(invalid(`There was a problem with the request: property "${String(name)}" does not exist`));
}

function listIn(body: Record<string, unknown>, name: string): Record<string, unknown>[] {
  return body[name] === undefined ? [] : (listOf(body[name]) as Record<string, unknown>[]);
}

function listOf(value: unknown): unknown[] {
  if (Array.isArray(value)) return value;
  throw refuse(invalid("Invalid input JSON: a list was expected"));
}

function numberIn(body: Record<string, unknown>, name: string, usual: number): number {
  const value = body[name];
  if (value === undefined || value === null || value === "") return usual;
  const number = Number(value);
  if (Number.isInteger(number) && number >= 0) return number;
  throw refuse(invalid(`Invalid input JSON: ${name} is not a number`));
}
