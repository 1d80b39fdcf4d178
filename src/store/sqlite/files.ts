import { closeSync, fsyncSync, openSync, rmSync, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { isBroken } from "./disk-faults.ts";

/** The write-ahead log is copied back into the database when it has this many pages of 4 KiB. */
export const logPages = 2_000;
/** Where there is no room for a log of that size. */
export const smallLogPages = 100;

/** How long somebody else's lock is waited for. */
export const busyMs = 5_000;

/** A database of so many pages, 16 MiB, is small. */
const pagesOfSmall = 4_096;

/**
 * Gives the write-ahead log its full size once, so that commits overwrite it. An fsync of a file that grows waits for
 * the file system's journal too: measured 0.2 ms against 2 ms (ext4, 2026-11). False where the disk has no room
 * to spare for it.
 */
export function layOutLog(database: DatabaseSync, log: string): boolean {
  const size = logPages * 1.5 * 4096;
  try {
    // A process that was killed in between has left its filler.
    database.exec("DROP TABLE IF EXISTS filler");
    const { bavail, bsize } = statfsSync(dirname(log));
    const known = statSync(log, { throwIfNoEntry: false })?.size ?? 0;
    if (known >= size) return true;
    if (bavail * bsize < size * 3) return false;
    database.exec(`
      BEGIN IMMEDIATE;
      CREATE TABLE filler (bytes BLOB);
      INSERT INTO filler VALUES (zeroblob(${size}));
      COMMIT;
      DROP TABLE filler;
    `);
    impatiently(database, () => database.exec("PRAGMA wal_checkpoint(RESTART)"));
    return true;
  } catch {
    // A disk that is broken says so again at the first delivery.
    if (database.isTransaction) database.exec("ROLLBACK");
    return false;
  }
}

/** Whoever reads for long must not hold the webhooks up meanwhile. */
export function impatiently<T>(database: DatabaseSync, work: () => T): T {
  database.exec("PRAGMA busy_timeout = 100");
  try {
    return work();
  } finally {
    database.exec(`PRAGMA busy_timeout = ${busyMs}`);
  }
}

/** Copies the log into the database, and empties it. False while somebody reads an older state. */
export function truncateLog(database: DatabaseSync): boolean {
  return database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()?.["busy"] === 0;
}

/** Writing all of it anew takes less than a second, in which nothing else is written. */
export function isSmall(database: DatabaseSync): boolean {
  const count = (name: string) => Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
  return count("page_count") - count("freelist_count") <= pagesOfSmall;
}

/**
 * When SQLite moves rows to another page it leaves rests of them between the rows that stay, which `secure_delete` does not
 * see when the rows are deleted later (measured: one row in a hundred). Only a new file has none.
 */
export function writeAnew(database: DatabaseSync): void {
  try {
    database.exec("VACUUM");
  } catch (error) {
    // No room for it, or somebody else writes: what was deleted is deleted all the same.
    if (isBroken(error)) throw error;
  }
}

/** Makes a file, or the names in a folder, durable. Windows cannot open a folder, and does not need it. */
export function syncPath(path: string): void {
  let handle: number;
  try {
    handle = openSync(path, "r");
  } catch {
    return;
  }
  try {
    fsyncSync(handle);
  } catch {
    // Some file systems do not sync folders.
  } finally {
    closeSync(handle);
  }
}

/** With what SQLite keeps beside it. */
export function removeDatabase(file: string): void {
  for (const ending of ["", "-wal", "-shm", "-journal"]) rmSync(`${file}${ending}`, { force: true });
}
