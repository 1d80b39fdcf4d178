import { closeSync, constants, fdatasync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { crc32 } from "node:zlib";

/** The last delivery that was acknowledged: its id, and when it was received (ms). */
export type Mark = { id: number; at: number };

const size = 64;
const syncEveryMs = 1_000;

/** Stands beside the database, and not in its write-ahead log: what is lost with the log is known by it. */
export function markFile(database: string): string {
  return join(dirname(database), "switchhook.mark");
}

/** Undefined when there is none, or one that cannot be read. */
function readMark(database: string): Mark | undefined {
  try {
    const [id, at, sum] = readFileSync(markFile(database), "latin1").trim().split(" ");
    if (crc32(`${id} ${at}`) !== Number(sum)) return undefined;
    return { id: Number(id), at: Number(at) };
  } catch {
    return undefined;
  }
}

/**
 * Written after every commit of webhooks and before they are acknowledged, without an fsync of its own: measured 3 µs. A power loss
 * may take the last second of it; then it says less than the database, which is no fault. So does one that cannot be written.
 */
export function openMark(database: string) {
  let file: number | undefined;
  let syncedAt = 0;

  return {
    write({ id, at }: Mark): void {
      try {
        file ??= openSync(markFile(database), constants.O_RDWR | constants.O_CREAT, 0o600);
        writeSync(file, `${id} ${at} ${crc32(`${id} ${at}`)}\n`.padStart(size), 0, "latin1");
        if (Date.now() - syncedAt < syncEveryMs) return;
        syncedAt = Date.now();
        fdatasync(file, () => {});
      } catch {
        file = undefined;
      }
    },
    close(): void {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

/** A database that is gone must not become an empty one: SQLite would delete its write-ahead log. */
export function refuseWithoutDatabase(database: string): void {
  if (sizeOf(database) > 0) return;
  const mark = readMark(database);
  const rests = [
    ...(sizeOf(`${database}-wal`) > 0 ? [`its write-ahead log ${database}-wal`] : []),
    ...(mark && mark.id > 0
      ? [`its mark, which says that webhooks were stored until ${new Date(mark.at).toISOString()}`]
      : []),
  ];
  if (rests.length === 0) return;
  const message = `the database ${database} is not there any more, but ${rests.join(" and ")} is`;
  throw Object.assign(new Error(message), { code: "GONE" });
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/** The highest id that was ever given to a delivery, as far as the database knows. */
export const highestId = `
  SELECT MAX(COALESCE((SELECT MAX(id) FROM deliveries), 0),
    COALESCE((SELECT value FROM marks WHERE name = 'seen'), 0)) AS id`;

/**
 * Notes what was acknowledged and is not in the database: a write-ahead log that was lost or damaged. Ids go on after them.
 * The mark is read first: another process may be storing webhooks.
 */
export function noticeLoss(database: DatabaseSync, file: string): void {
  const mark = readMark(file);
  if (!mark) return;
  const known = Number(database.prepare(highestId).get()?.["id"]);
  if (mark.id <= known) return;
  const last = database.prepare("SELECT received_at FROM deliveries ORDER BY id DESC LIMIT 1").get();
  database.exec("BEGIN IMMEDIATE");
  try {
    database
      .prepare("INSERT OR REPLACE INTO losses (noticed_at, missing, since, until) VALUES (?, ?, ?, ?)")
      .run(Date.now(), mark.id - known, last?.["received_at"] ?? null, mark.at);
    database.prepare("UPDATE marks SET value = ? WHERE name = 'seen'").run(mark.id);
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}
