import type { Row } from "./field.ts";
import type { Org } from "./org.ts";
import { compareRows, type Query } from "./soql.ts";
import { type Condition, matcherOf } from "./soql-where.ts";
import { isInOrder, numbersIn, spanOf } from "./span.ts";
import type { Table } from "./table.ts";

/** The records of a query in its order, LIMIT and OFFSET observed; made one by one where that is possible. */
export function* select(org: Org, query: Query, withDeleted: boolean): Generator<Row> {
  let skip = query.offset;
  let left = query.limit;
  if (left <= 0) return;
  for (const row of inOrder(org, query, withDeleted)) {
    if (skip-- > 0) continue;
    yield row;
    if (--left <= 0) return;
  }
}

/** How many records `select` would give. */
export function countRows(org: Org, query: Query, withDeleted: boolean): number {
  let count = 0;
  for (const _row of select(org, query, withDeleted)) count++;
  return count;
}

function* inOrder(org: Org, query: Query, withDeleted: boolean): Generator<Row> {
  const table = org.table(query.type.name);
  const holds = query.where ? matcherOf(query.where) : () => true;
  const byId = (one: Row, other: Row) => (one.Id < other.Id ? -1 : one.Id > other.Id ? 1 : 0);
  const ordered = compareRows(query.order);
  const compare = (one: Row, other: Row) => ordered(one, other) || byId(one, other);
  const kept = [...candidates(table, query.where, withDeleted)]
    .filter((row) => (withDeleted || row["IsDeleted"] !== true) && holds(row))
    .sort(compare);
  if (!table.procedural) {
    yield* kept;
    return;
  }
  const directions = new Set(query.order.map(({ descending }) => descending));
  const isNatural =
    directions.size <= 1 &&
    query.order.every(({ path }) => path.steps.length === 0 && isInOrder(path.field.name));
  const backwards = directions.has(true);
  const made = procedural(table, query.where, holds, isNatural && backwards);
  yield* merge(kept, isNatural ? made : [...made].sort(compare), isNatural && backwards ? ordered : compare);
}

function* procedural(
  table: Table,
  where: Condition | undefined,
  holds: (row: Row) => boolean,
  backwards: boolean,
): Generator<Row> {
  const records = table.procedural;
  if (!records) return;
  for (const n of numbersIn(spanOf(where, records), backwards)) {
    const row = records.at(n);
    if (!table.keeps(row.Id) && holds(row)) yield row;
  }
}

/** The stored records that can match, by an index if a condition that must hold allows it. */
function candidates(table: Table, where: Condition | undefined, withDeleted: boolean): Iterable<Row> {
  const conditions = !where ? [] : "all" in where ? where.all : [where];
  for (const condition of conditions) {
    if (!("path" in condition) || condition.path.steps.length > 0) continue;
    if (condition.operator !== "=" && condition.operator !== "IN") continue;
    const { name } = condition.path.field;
    const values = new Set(condition.values.filter((value) => typeof value === "string"));
    if (values.size < new Set(condition.values).size) continue;
    if (name === "Id") return [...values].flatMap((id) => storedById(table, id));
    if (withDeleted || !table.lookup(name, "")) continue;
    return [...values].flatMap((value) => table.lookup(name, value) ?? []);
  }
  return table.stored();
}

/** A procedural record comes from its own source, so that it is not found twice. */
function storedById(table: Table, id: string): Row[] {
  const row = table.get(id);
  return row && table.keeps(id) ? [row] : [];
}

function* merge(
  one: Iterable<Row>,
  other: Iterable<Row>,
  compare: (one: Row, other: Row) => number,
): Generator<Row> {
  const [a, b] = [one[Symbol.iterator](), other[Symbol.iterator]()];
  let [x, y] = [a.next(), b.next()];
  while (!x.done && !y.done) {
    if (compare(x.value, y.value) <= 0) {
      yield x.value;
      x = a.next();
    } else {
      yield y.value;
      y = b.next();
    }
  }
  for (; !x.done; x = a.next()) yield x.value;
  for (; !y.done; y = b.next()) yield y.value;
}
