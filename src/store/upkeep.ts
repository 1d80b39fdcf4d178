import type { PulledBack } from "./contract.ts";
import type { Db, ReadDb } from "./db/db.ts";

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** Rows that are deleted at once: webhooks wait meanwhile. */
const purgedAtOnce = 500;
/** Larger than any id. Ids grow with time, so old rows are at the start of a table and need no index to be found. */
const endOfTable = Number.MAX_SAFE_INTEGER;

const purges = {
  digests: "DELETE FROM digests WHERE at < :end",
  tombstones: "DELETE FROM erased WHERE until < :end",
  followUps: "DELETE FROM follow_ups WHERE since < :end",
  answers: "DELETE FROM answers WHERE at < :end",
  history: "DELETE FROM history WHERE id < :end",
  deliveries: `DELETE FROM deliveries
    WHERE id IN (SELECT id FROM deliveries WHERE id < :end AND state IN (1, 2) ORDER BY id LIMIT ${purgedAtOnce})`,
};

/** Returns how many rows were deleted. */
export function purgeStep(tx: Db, what: keyof typeof purges, end: number): Promise<number> {
  return tx.run(purges[what], { end });
}

type PurgeStep = (what: keyof typeof purges, end: number) => Promise<number>;

/** In several transactions, short enough for webhooks to wait for. */
export async function purge(db: ReadDb, step: PurgeStep, now: number, before: number): Promise<number> {
  await step("digests", now - dayMs);
  await step("tombstones", now);
  await step("followUps", before);
  await step("answers", before);
  const newerStep = await db.get("SELECT id FROM history WHERE at >= :before ORDER BY id LIMIT 1", {
    before,
  });
  await step("history", Number(newerStep?.["id"] ?? endOfTable));
  const newer = await db.get("SELECT id FROM deliveries WHERE received_at >= :before ORDER BY id LIMIT 1", {
    before,
  });
  for (let purged = 0; ; ) {
    const deleted = await step("deliveries", Number(newer?.["id"] ?? endOfTable));
    purged += deleted;
    if (deleted < purgedAtOnce) return purged;
  }
}

/**
 * Columns with times that a clock that was ahead may have left: further off than the longest pause (a day, and an hour to
 * spare), or in the future where only past times are written. Copies of recordings stay for years, so they are left out.
 */
const aheadOfNow: readonly { table: string; column: string; by: number; where?: string; to?: null }[] = [
  { table: "calls", column: "due_at", by: dayMs + 60 * minuteMs },
  { table: "calls", column: "updated_at", by: minuteMs, where: "state = 'open'" },
  { table: "asks", column: "due_at", by: dayMs + 60 * minuteMs },
  { table: "asks", column: "since", by: minuteMs },
  { table: "recordings", column: "due_at", by: dayMs + 60 * minuteMs, where: "state <> 'kept'" },
  { table: "recordings", column: "since", by: minuteMs, where: "due_at IS NOT NULL AND state <> 'kept'" },
  { table: "follow_ups", column: "close_at", by: dayMs + 60 * minuteMs },
  { table: "installs", column: "claimed_until", by: 60 * minuteMs, to: null },
  { table: "installs", column: "left_at", by: minuteMs },
];

export async function pullBack(tx: Db, now: number): Promise<PulledBack[]> {
  const found: PulledBack[] = [];
  for (const { table, column, by, where = "TRUE", to = now } of aheadOfNow) {
    const late = `${column} > :latest AND ${where}`;
    const latest = now + by;
    const row = await tx.get(`SELECT COUNT(*) AS n, MAX(${column}) AS furthest FROM ${table} WHERE ${late}`, {
      latest,
    });
    const count = Number(row?.["n"]);
    if (count === 0) continue;
    await tx.run(`UPDATE ${table} SET ${column} = :to WHERE ${late}`, { to, latest });
    found.push({ what: `${table}.${column}`, count, furthest: Number(row?.["furthest"]) });
  }
  return found;
}
