import type { Value } from "./field.ts";
import type { Procedural } from "./procedural.ts";
import type { Comparison, Condition } from "./soql-where.ts";

/** Which procedural records a condition can hold for: a run of them (`to` excluded), or these few. */
export type Span = { from: number; to: number } | { only: number[] };

const inOrder = new Set(["Id", "SystemModstamp", "CreatedDate", "LastModifiedDate"]);

/** Whether procedural records are sorted by this field as they are. */
export function isInOrder(name: string): boolean {
  return inOrder.has(name);
}

/** A superset of the records that a condition holds for, found without looking at them. */
export function spanOf(condition: Condition | undefined, records: Procedural): Span {
  const all = { from: 0, to: records.size };
  if (!condition || "not" in condition) return all;
  if ("all" in condition) return condition.all.map((part) => spanOf(part, records)).reduce(both);
  if ("any" in condition) return condition.any.map((part) => spanOf(part, records)).reduce(either);
  return spanOfComparison(condition, records) ?? all;
}

export function* numbersIn(span: Span, backwards: boolean): Generator<number> {
  if ("only" in span) {
    const numbers = [...new Set(span.only)].sort((one, other) => one - other);
    yield* backwards ? numbers.reverse() : numbers;
  } else if (backwards) for (let n = span.to - 1; n >= span.from; n--) yield n;
  else for (let n = span.from; n < span.to; n++) yield n;
}

function both(one: Span, other: Span): Span {
  if ("only" in one) return one;
  if ("only" in other) return other;
  return { from: Math.max(one.from, other.from), to: Math.min(one.to, other.to) };
}

function either(one: Span, other: Span): Span {
  if ("only" in one && "only" in other) return { only: [...one.only, ...other.only] };
  const [a, b] = [hull(one), hull(other)];
  if (a.from >= a.to) return b;
  if (b.from >= b.to) return a;
  return { from: Math.min(a.from, b.from), to: Math.max(a.to, b.to) };
}

function hull(span: Span): { from: number; to: number } {
  if (!("only" in span)) return span;
  if (span.only.length === 0) return { from: 0, to: 0 };
  return { from: Math.min(...span.only), to: Math.max(...span.only) + 1 };
}

function spanOfComparison({ path, operator, values }: Comparison, records: Procedural): Span | undefined {
  if (path.steps.length > 0) return undefined;
  const { name, type } = path.field;
  if (operator === "=" || operator === "IN") {
    if (name === "Id") return { only: values.flatMap((value) => indexOfId(value, records)) };
    if (type === "phone" && !values.includes(null)) {
      return { only: values.flatMap((value) => records.indexOfPhone(String(value)) ?? []) };
    }
  }
  const [value] = values;
  if (!inOrder.has(name) || typeof value !== "string" || values.length > 1) return undefined;
  const first = firstWhere(records, (n) => String(records.at(n)[name]) >= value);
  const after = firstWhere(records, (n) => String(records.at(n)[name]) > value);
  switch (operator) {
    case "=":
      return { from: first, to: after };
    case "<":
      return { from: 0, to: first };
    case "<=":
      return { from: 0, to: after };
    case ">":
      return { from: after, to: records.size };
    case ">=":
      return { from: first, to: records.size };
    default:
      return undefined;
  }
}

function indexOfId(value: Value, records: Procedural): number[] {
  if (typeof value !== "string" || !records.byId(value)) return [];
  return [firstWhere(records, (n) => records.at(n).Id >= value)];
}

/** The first number for which `holds`, which must be false up to there and true from there on. */
function firstWhere(records: Procedural, holds: (n: number) => boolean): number {
  let [from, to] = [0, records.size];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (holds(middle)) to = middle;
    else from = middle + 1;
  }
  return from;
}
