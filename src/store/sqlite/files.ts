import {
  chmodSync,
  closeSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  statfsSync,
  statSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { isBroken } from "./health.ts";

/** The write-ahead log is copied into the database when it has this many pages of 4 KiB. */
export const logPages = 2_000;
/** The same, on a disk without room for a log of that size. */
export const smallLogPages = 100;

/** How long SQLite waits for a lock. */
export const busyMs = 5_000;

/** Pages of a small database: 16 MiB. */
const pagesOfSmall = 4_096;

/** Rights of the group and of all other users. */
const others = 0o077;
/** A folder in which all users may make files, such as /tmp: not ours to close. */
const sticky = 0o1000;
/** Folders in the data folder whose files are ours as well. */
const ownFolders = ["mappings", "spool"];
// Windows has no such rights; what other users may do is inherited from the folder above.
const hasRights = process.platform !== "win32";

/** Paths that were open to other users. */
export type Tightened = {
  /** Closed now. */
  closed: string[];
  /** Could not be closed. */
  open: string[];
};

/**
 * Gives the write-ahead log its full size once, so that commits overwrite it. An fsync of a file that grows also waits for
 * the file system's journal: measured 2 ms against 0.2 ms (ext4, 2026-11). False when the disk has no room to spare.
 */
export function layOutLog(database: DatabaseSync, log: string): boolean {
  const size = logPages * 1.5 * 4096;
  try {
    // A process that was killed before the last statement has left its filler.
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
    withShortTimeout(database, () => database.exec("PRAGMA wal_checkpoint(RESTART)"));
    return true;
  } catch {
    // A broken disk fails again at the first delivery.
    if (database.isTransaction) database.exec("ROLLBACK");
    return false;
  }
}

/** For what need not wait for a long reader, so that webhooks are not held up. */
export function withShortTimeout<T>(database: DatabaseSync, work: () => T): T {
  database.exec("PRAGMA busy_timeout = 100");
  try {
    return work();
  } finally {
    database.exec(`PRAGMA busy_timeout = ${busyMs}`);
  }
}

/** Copies the log into the database, and empties it. False while a reader needs an older state. */
export function truncateLog(database: DatabaseSync): boolean {
  return database.prepare("PRAGMA wal_checkpoint(TRUNCATE)").get()?.["busy"] === 0;
}

/** Whether rewriting the whole file takes less than a second, in which nothing else is written. */
export function isSmall(database: DatabaseSync): boolean {
  const count = (name: string) => Number(database.prepare(`PRAGMA ${name}`).get()?.[name]);
  return count("page_count") - count("freelist_count") <= pagesOfSmall;
}

/**
 * Rewrites the whole file. When SQLite moves rows to another page it leaves copies of them in the free space of the first,
 * and `secure_delete` does not overwrite those when the rows are deleted later (measured: one row in a hundred).
 */
export function writeAnew(database: DatabaseSync): void {
  try {
    database.exec("VACUUM");
  } catch (error) {
    // No room, or another process writes: the rows are deleted all the same.
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

/** Removes a database and the files that SQLite puts beside it. */
export function removeDatabase(file: string): void {
  for (const ending of ["", "-wal", "-shm", "-journal"]) rmSync(`${file}${ending}`, { force: true });
}

/** Makes a file and its folder for this user alone. A file that exists is closed to other users where possible. */
export function makePrivate(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  try {
    // A file that exists is not opened: closing it would release SQLite's locks on it.
    closeSync(openSync(file, "wx", 0o600));
  } catch (error) {
    if (!isCode(error, "EEXIST")) throw error;
    tighten(file);
  }
}

/** Closes a data folder with all in it, and more files, to other users. Throws when it is not a folder. */
export function tightenFolder(folder: string, files: readonly string[] = []): Tightened {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const own = ownFolders.map((name) => join(folder, name)).filter((path) => isFolder(path));
  const inside = [folder, ...own].flatMap((path) => readdirSync(path).map((name) => join(path, name)));
  const all = [...new Set([folder, ...inside, ...files])];
  const found = all.map((path) => [path, tighten(path)] as const);
  const those = (state: ReturnType<typeof tighten>) =>
    found.flatMap(([path, one]) => (one === state ? [path] : []));
  return { closed: those("closed"), open: those("open") };
}

/** `private`: it was closed already. Links are not followed. */
function tighten(path: string): "private" | "closed" | "open" {
  if (!hasRights) return "private";
  const linked = lstatSync(path, { throwIfNoEntry: false });
  const found = linked?.isSymbolicLink() ? undefined : linked;
  if (!found || !(found.isFile() || found.isDirectory()) || (found.mode & others) === 0) return "private";
  if ((found.mode & sticky) !== 0) return "open";
  try {
    chmodSync(path, found.mode & 0o700);
    return "closed";
  } catch {
    // Not the owner, or a read-only disk, which fails at the first write.
    return "open";
  }
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
