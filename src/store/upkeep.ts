import type { PulledBack } from "./contract.ts";
import type { Db, ReadDb } from "./db/db.ts";

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** Rows that are deleted at once: webhooks wait meanwhile, and a statement may take only so long. */
const deliveriesAtOnce = 500;
const rowsAtOnce = 5_000;

function oldOnes(table: string, key: string, condition: string, atOnce = rowsAtOnce): string {
  return `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} WHERE ${condition} LIMIT ${atOnce})`;
}

const purges = {
  digests: oldOnes("digests", "digest", "at < :end"),
  tombstones: oldOnes("erased", "installation, mark", "until < :end"),
  followUps: oldOnes("follow_ups", "call", "since < :end"),
  sessions: oldOnes("sessions", "id", "expires_at < :end"),
  links: oldOnes("login_links", "id", "expires_at < :end"),
  audit: oldOnes("audit", "id", "at < :end"),
  answers: oldOnes("answers", "installation, provider, ref", "at < :end"),
  history: oldOnes("history", "id", "id < :end ORDER BY id"),
  deliveries: oldOnes("deliveries", "id", "id < :end AND state IN (1, 2) ORDER BY id", deliveriesAtOnce),
};

/** Returns how many rows were deleted. */
export function purgeStep(tx: Db, what: keyof typeof purges, end: number): Promise<number> {
  return tx.run(purges[what], { end });
}

type PurgeStep = (what: keyof typeof purges, end: number) => Promise<number>;

/** In several transactions, short enough for webhooks to wait for. Returns how many rows were deleted. */
function inSteps(step: PurgeStep) {
  return async (what: keyof typeof purges, end: number, atOnce = rowsAtOnce): Promise<number> => {
    for (let purged = 0; ; ) {
      const deleted = await step(what, end);
      purged += deleted;
      if (deleted < atOnce) return purged;
    }
  };
}

export async function purgeAccess(step: PurgeStep, now: number, auditBefore: number): Promise<void> {
  const all = inSteps(step);
  await all("sessions", now);
  await all("links", now);
  await all("audit", auditBefore);
}

export async function purge(db: ReadDb, step: PurgeStep, now: number, before: number): Promise<number> {
  const all = inSteps(step);
  await all("digests", now - dayMs);
  await all("tombstones", now);
  await all("followUps", before);
  await all("answers", before);
  await all("history", await firstNewer(db, "history", "at", before));
  return all("deliveries", await firstNewer(db, "deliveries", "received_at", before), deliveriesAtOnce);
}

/**
 * The id of the first row that stays; what comes in from now on does. Ids grow with time, so old rows are at the start of a
 * table and need no index to be found.
 */
async function firstNewer(db: ReadDb, table: string, column: string, before: number): Promise<number> {
  const row = await db.get(
    `SELECT COALESCE((SELECT id FROM ${table} WHERE ${column} >= :before ORDER BY id LIMIT 1),
      (SELECT MAX(id) + 1 FROM ${table}), 0) AS id`,
    { before },
  );
  return Number(row?.["id"]);
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
  { table: "contact_changes", column: "due_at", by: dayMs + 60 * minuteMs },
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
