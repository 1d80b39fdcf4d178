import type { Db, ReadDb } from "../db/db.ts";
import { isLocked, isViolation } from "./faults.ts";

/**
 * Ids carry the time: the seconds since 1970, and 21 bits of a sequence. So rows of one time are in one partition, and
 * older rows have smaller ids. They fit into a number of JavaScript until 2106.
 */
export const secondsShift = 21;

/** Tables with partitions by id, of a week each; one more takes ids of a time without a partition. */
const partitioned = ["deliveries", "history"] as const;

const weekSeconds = 7 * 86_400;
const weeksAhead = 3;

/** The smallest id of a time, in seconds since 1970. */
export function idAt(seconds: number): bigint {
  return BigInt(seconds) << BigInt(secondsShift);
}

/** The partitions of this week and the next ones. */
export async function addPartitions(tx: Db): Promise<void> {
  const row = await tx.get("SELECT extract(epoch FROM clock_timestamp())::bigint AS seconds");
  const thisWeek = Math.floor(Number(row?.["seconds"]) / weekSeconds);
  const existing = new Set((await partitionsOf(tx)).map(({ name }) => name));
  for (let week = thisWeek; week <= thisWeek + weeksAhead; week += 1) {
    const [from, to] = [idAt(week * weekSeconds), idAt((week + 1) * weekSeconds)];
    for (const table of partitioned)
      if (!existing.has(`${table}_${week}`))
        await unlessViolated(
          tx,
          `CREATE TABLE IF NOT EXISTS ${table}_${week} PARTITION OF ${table} FOR VALUES FROM (${from}) TO (${to})`,
        );
  }
}

/** A clock that was ahead may have left rows of that week in the table without a week: then all of its rows go there. */
async function unlessViolated(tx: Db, sql: string): Promise<void> {
  await tx
    .transaction((inner) => inner.run(sql))
    .catch((error: unknown) => {
      if (!isViolation(error)) throw error;
    });
}

type Partition = { name: string; table: string; week: number };

/** Those with a week, in this schema. */
async function partitionsOf(db: ReadDb): Promise<Partition[]> {
  const rows = await db.all(
    `SELECT child.relname AS name FROM pg_inherits
      JOIN pg_class child ON child.oid = inhrelid JOIN pg_class parent ON parent.oid = inhparent
      WHERE parent.relname IN (:partitioned) AND child.relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = current_schema())`,
    { partitioned },
  );
  return rows.flatMap(({ name }) => {
    const [, table, week] = /^(\w+)_(\d+)$/.exec(String(name)) ?? [];
    return table === undefined ? [] : [{ name: String(name), table, week: Number(week) }];
  });
}

/** Undefined, and nothing is done, when it would have to wait for a lock: webhooks would wait behind it. */
async function ifUnlocked<T>(db: Db, work: (tx: Db) => Promise<T>): Promise<T | undefined> {
  try {
    return await db.transaction(async (tx) => {
      await tx.run("SET LOCAL lock_timeout = '200ms'");
      return work(tx);
    });
  } catch (error) {
    if (isLocked(error)) return undefined;
    throw error;
  }
}

/** Makes the partitions of the next weeks, unless others hold their tables just now. */
export async function addNextPartitions(db: Db): Promise<void> {
  await ifUnlocked(db, addPartitions);
}

/** The clocks of instances, which tell when a row was received, may be this far from the one in its id. */
const skewMs = 3_600_000;

/**
 * Drops the partitions whose rows are all older than `before` and have been decoded. A drop that would have to wait for
 * others is left to the next time, because webhooks would wait behind it. Returns about how many deliveries were dropped.
 */
export async function dropPartitions(db: Db, before: number): Promise<number> {
  let dropped = 0;
  for (const { name, table, week } of await partitionsOf(db)) {
    if ((week + 1) * weekSeconds * 1_000 > before - skewMs) continue;
    const count = await ifUnlocked(db, async (tx) => {
      // In the order of readers, which would otherwise hold the table while they wait for the partition.
      await tx.run(`LOCK TABLE ONLY ${table}, ONLY ${name} IN ACCESS EXCLUSIVE MODE`);
      // Others wait meanwhile, so only what an index finds is looked at.
      const isInUse =
        table === "deliveries" && (await tx.get(`SELECT 1 FROM ${name} WHERE state IN (0, 3) LIMIT 1`));
      if (isInUse) return 0;
      const rows = table === "deliveries" ? await countOf(tx, name) : 0;
      await tx.run(`DROP TABLE ${name}`);
      return rows;
    });
    dropped += count ?? 0;
  }
  return dropped;
}

/** As the server's statistics know it; a small table may have none. */
async function countOf(tx: Db, name: string): Promise<number> {
  const known = await tx.get(
    "SELECT reltuples::bigint AS n FROM pg_class WHERE oid = CAST(CAST(:name AS text) AS regclass)",
    { name },
  );
  const counted = Number(known?.["n"]) < 0 && (await tx.get(`SELECT COUNT(*) AS n FROM ${name}`));
  return Number((counted || known)?.["n"]);
}
