import type { ContactChange, ObjectType, StoredRecord, Values } from "./types.ts";

/** No search index lags longer than this. */
const keepVersionsMs = 600_000;

/** Records that exist by a formula until somebody changes them. Ids follow each other from `first` on. */
export type Generated = {
  first: number;
  count: number;
  make(index: number): StoredRecord;
  indexOfUnique(property: string, value: string): number | undefined;
};

/** All records of one type. */
export type RecordBox = ReturnType<typeof createRecordBox>;

export type RecordBoxOptions = {
  type: ObjectType;
  now: () => number;
  nextId: () => string;
  uniqueNames: () => readonly string[];
  generated?: Generated;
  /** Hears every change after it was made. */
  onChange?: (change: ContactChange) => void;
};

export function createRecordBox({ now, nextId, uniqueNames, generated, onChange }: RecordBoxOptions) {
  const stored = new Map<string, StoredRecord>();
  const ids: number[] = [];
  const unique = new Map<string, Map<string, string>>();
  const archived = new Set<string>();

  return { stored, generated, get, own, current, findByUnique, add, change, archive, merge, erase, page };

  /** The record with exactly this id, archived ones too. */
  function get(id: string): StoredRecord | undefined {
    const found = stored.get(id);
    if (found?.erased) return undefined;
    if (found || !generated || !/^\d+$/.test(id)) return found;
    const index = Number(id) - generated.first;
    return index >= 0 && index < generated.count ? generated.make(index) : undefined;
  }

  /** The record that answers to this id: of merged ones the survivor. Undefined when it is archived or unknown. */
  function current(id: string): StoredRecord | undefined {
    let record = get(id);
    while (record?.mergedInto) record = get(record.mergedInto);
    return record && record.archivedAt === undefined ? record : undefined;
  }

  function findByUnique(property: string, value: string, inArchive = false): StoredRecord | undefined {
    const key = uniqueKey(property, value);
    if (inArchive) {
      return [...archived]
        .map((id) => stored.get(id))
        .findLast((record) => uniqueKey(property, record?.values[property] ?? "") === key);
    }
    const id = unique.get(property)?.get(key);
    if (id !== undefined) return get(id);
    const index = generated?.indexOfUnique(property, key);
    if (index === undefined || !generated) return undefined;
    // Changed by somebody: then the index above knows it, or it has another value now.
    return stored.has(String(generated.first + index)) ? undefined : generated.make(index);
  }

  function add(values: Values): StoredRecord {
    const at = now();
    const record: StoredRecord = { id: nextId(), values, createdAt: at, updatedAt: at, versions: [] };
    keep(record);
    index(record, true);
    onChange?.({ kind: "created", record });
    return record;
  }

  function change(record: StoredRecord, values: Values): StoredRecord {
    const mine = own(record);
    const at = now();
    remember(mine, at);
    index(mine, false);
    const before = mine.values;
    mine.values = values;
    mine.updatedAt = at;
    index(mine, true);
    onChange?.({ kind: "changed", record: mine, before });
    return mine;
  }

  function archive(record: StoredRecord): void {
    const mine = putAway(record);
    onChange?.({ kind: "deleted", record: mine });
  }

  function putAway(record: StoredRecord): StoredRecord {
    const mine = own(record);
    const at = now();
    remember(mine, at);
    index(mine, false);
    mine.archivedAt = at;
    mine.updatedAt = at;
    archived.add(mine.id);
    return mine;
  }

  function merge(winner: StoredRecord, loser: StoredRecord): void {
    putAway(loser).mergedInto = winner.id;
    onChange?.({ kind: "merged", record: winner, loser });
  }

  /** Leaves nothing but the id, which nothing finds. */
  function erase(record: StoredRecord): void {
    const mine = putAway(record);
    archived.delete(mine.id);
    Object.assign(mine, { values: {}, versions: [], erased: true });
    onChange?.({ kind: "erased", record: mine });
  }

  /** Records in the order of their ids, after an id, until `most` are found. */
  function* page(after: string | undefined, inArchive: boolean): Generator<StoredRecord> {
    const from = after === undefined ? 0 : Number(after) + 1;
    let next = generated ? Math.max(0, from - generated.first) : 0;
    const end = generated && !inArchive ? generated.count : 0;
    for (let at = position(from); at < ids.length || next < end; ) {
      const storedId = ids[at] ?? Number.POSITIVE_INFINITY;
      const generatedId = next < end && generated ? generated.first + next : Number.POSITIVE_INFINITY;
      if (generatedId < storedId) {
        if (generated) yield generated.make(next);
        next += 1;
        continue;
      }
      if (generatedId === storedId) next += 1;
      at += 1;
      const record = stored.get(String(storedId));
      if (!record || record.mergedInto || record.erased) continue;
      if ((record.archivedAt !== undefined) === inArchive) yield record;
    }
  }

  /** The stored form of a record; a generated one becomes stored with its first change. */
  function own(record: StoredRecord): StoredRecord {
    if (!stored.has(record.id)) {
      keep(record);
      index(record, true);
    }
    return stored.get(record.id) ?? record;
  }

  function keep(record: StoredRecord): void {
    stored.set(record.id, record);
    const id = Number(record.id);
    if (id > (ids.at(-1) ?? 0)) ids.push(id);
    else ids.splice(position(id), 0, id);
  }

  function position(id: number): number {
    let [low, high] = [0, ids.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ids[middle] ?? 0) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function index(record: StoredRecord, present: boolean): void {
    for (const name of uniqueNames()) {
      const value = record.values[name];
      if (!value) continue;
      const byValue = unique.get(name) ?? new Map<string, string>();
      unique.set(name, byValue);
      const key = uniqueKey(name, value);
      if (present) byValue.set(key, record.id);
      else if (byValue.get(key) === record.id) byValue.delete(key);
    }
  }

  function remember(record: StoredRecord, at: number): void {
    const old = record.versions.findIndex((_, place) => {
      const next = record.versions[place + 1];
      return (next?.from ?? record.updatedAt) > at - keepVersionsMs;
    });
    record.versions.splice(0, old === -1 ? record.versions.length : old);
    record.versions.push({ from: record.updatedAt, values: record.values });
  }
}

/** Emails are unique without regard to case. unverified: whether other unique values are too. */
export function uniqueKey(property: string, value: string): string {
  return property === "email" ? value.trim().toLowerCase() : value;
}
