import { setTimeout as delay } from "node:timers/promises";
import { type RowError, rowError } from "./errors.ts";
import type { Row } from "./field.ts";
import type { Org } from "./org.ts";

/** The records that requests under way hold. A request passes its own locks. */
export type Locks = {
  open(): Lock;
};

export type Lock = {
  /** The error when another request holds one of the records; otherwise they are ours. */
  take(ids: readonly string[]): RowError[];
  /** Keeps what was taken for as long as the request would have taken. */
  release(): Promise<void>;
};

export function createLocks(latencyMs: () => number): Locks {
  const holders = new Map<string, Lock>();
  return {
    open() {
      const mine = new Set<string>();
      const lock: Lock = {
        take(ids) {
          const foreign = ids.filter((id) => holders.has(id) && holders.get(id) !== lock);
          if (foreign.length > 0) return [lockError(foreign)];
          for (const id of ids) {
            holders.set(id, lock);
            mine.add(id);
          }
          return [];
        },
        async release() {
          if (mine.size > 0 && latencyMs() > 0) await delay(latencyMs());
          for (const id of mine) holders.delete(id);
        },
      };
      return lock;
    },
  };
}

export function lockError(ids: readonly string[]): RowError {
  return rowError(
    "UNABLE_TO_LOCK_ROW",
    `unable to obtain exclusive access to this record or ${ids.length} records: ${ids.join(",")}`,
  );
}

/** What writing a Task locks besides itself: the person, the account and the other record it belongs to. */
export function parentsOf(org: Org, rows: readonly Readonly<Record<string, unknown>>[]): string[] {
  const ids = rows.flatMap((row) => [row["WhoId"], row["WhatId"], row["AccountId"]]);
  const known = ids.filter((id): id is string => typeof id === "string");
  return [...new Set(known.flatMap((id) => [id, ...accountOf(org.record(id)?.row)]))];
}

function accountOf(row: Row | undefined): string[] {
  const account = row?.["AccountId"];
  return typeof account === "string" ? [account] : [];
}
