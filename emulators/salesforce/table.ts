import type { Row } from "./field.ts";
import type { Procedural } from "./procedural.ts";

/** What may be looked up at once: the keys of a record, by the index's name. */
export type Indexes = Readonly<Record<string, (row: Row) => readonly string[]>>;

export type Table = {
  /** Also a deleted one, as Salesforce keeps them in the recycle bin. */
  get(id: string): Row | undefined;
  put(row: Row): void;
  /** Whether a record is in memory, not made when asked for. */
  keeps(id: string): boolean;
  /** Records that are kept in memory, deleted ones included. */
  stored(): Iterable<Row>;
  /** Further records, made when they are asked for; an edited one moves into memory. */
  procedural: Procedural | undefined;
  /** Live records with a key; undefined when there is no such index. */
  lookup(index: string, key: string): Row[] | undefined;
  /** When this very version of a record was written, in ms. */
  writtenAt(row: Row): number;
  liveCount(): number;
};

/** Collects how to take back what is written meanwhile. */
export type Journal = { undo: (() => void)[] | undefined };

export function createTable(
  indexes: Indexes,
  journal: Journal,
  now: () => number,
  procedural?: Procedural,
): Table {
  const rows = new Map<string, Row>();
  const written = new WeakMap<Row, number>();
  const keyed = new Map(Object.keys(indexes).map((name) => [name, new Map<string, Set<string>>()]));
  let live = procedural?.size ?? 0;
  const get = (id: string): Row | undefined => rows.get(id) ?? procedural?.byId(id);

  function replace(id: string, before: Row | undefined, after: Row | undefined): void {
    live += liveness(after ?? procedural?.byId(id)) - liveness(before ?? procedural?.byId(id));
    index(before, (ids) => ids.delete(id));
    index(after, (ids) => ids.add(id));
    if (after) rows.set(id, after);
    else rows.delete(id);
  }

  function index(row: Row | undefined, change: (ids: Set<string>) => void): void {
    if (!row || row["IsDeleted"] === true) return;
    for (const [name, keysOf] of Object.entries(indexes)) {
      const entries = keyed.get(name);
      for (const key of keysOf(row)) {
        const ids = entries?.get(key) ?? new Set();
        change(ids);
        if (ids.size === 0) entries?.delete(key);
        else entries?.set(key, ids);
      }
    }
  }

  return {
    get,
    put(row) {
      const before = rows.get(row.Id);
      written.set(row, now());
      replace(row.Id, before, row);
      journal.undo?.push(() => replace(row.Id, row, before));
    },
    keeps: (id) => rows.has(id),
    stored: () => rows.values(),
    procedural,
    lookup(name, key) {
      const entries = keyed.get(name);
      return entries && [...(entries.get(key) ?? [])].flatMap((id) => rows.get(id) ?? []);
    },
    writtenAt: (row) => written.get(row) ?? 0,
    liveCount: () => live,
  };
}

function liveness(row: Row | undefined): number {
  return row && row["IsDeleted"] !== true ? 1 : 0;
}
