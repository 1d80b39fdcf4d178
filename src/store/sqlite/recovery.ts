import { hash } from "node:crypto";
import { chmodSync, closeSync, copyFileSync, existsSync, mkdirSync, openSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { messageOf } from "../../core/errors.ts";
import { markFile } from "./append.ts";
import { applicationId, migrate } from "./connection.ts";
import { busyMs, removeDatabase, syncPath } from "./files.ts";
import { migrations } from "./migrations.ts";

/** A file that is backed up with the database; `name` says which. */
export type BackedUpFile = { name: string; content: Uint8Array };

/** Copies all pages in one step: SQLite starts over after a write between two steps. */
const allPages = 0x7fff_ffff;

/**
 * Copies a database that may be in use, and other files, into one file, which is an SQLite database itself. `others` is
 * called after the copy: a CRM's file may be ahead of the store, and never behind. Throws when the copy is damaged.
 */
export async function backUp(
  database: string,
  target: string,
  others: () => Promise<readonly BackedUpFile[]>,
): Promise<void> {
  const part = `${target}.part`;
  removeDatabase(part);
  const source = new DatabaseSync(database, { readOnly: true, timeout: busyMs });
  try {
    closeSync(openSync(part, "wx", 0o600));
    await backup(source, part, { rate: allPages });
    const files = await others();
    const copy = new DatabaseSync(part);
    try {
      // One file, without a log beside it.
      copy.exec(
        "PRAGMA journal_mode = DELETE; CREATE TABLE kept_files (name TEXT PRIMARY KEY, content BLOB NOT NULL, sha256 TEXT NOT NULL)",
      );
      const insert = copy.prepare("INSERT INTO kept_files VALUES (?, ?, ?)");
      for (const { name, content } of files) insert.run(name, content, hash("sha256", content));
      refuseDamage(copy, "the copy");
    } finally {
      copy.close();
    }
    syncPath(part);
    renameSync(part, target);
    syncPath(dirname(target));
  } finally {
    source.close();
    removeDatabase(part);
  }
}

/**
 * Replaces a database by a backup, once the backup was checked. The old one is moved aside. If this is interrupted, there
 * is the old database, none (and no start makes an empty one), or the new one. Returns the other files, and the folder
 * with the old database.
 */
export function restore(
  source: string,
  database: string,
  at: number,
): { files: BackedUpFile[]; aside?: string } {
  const part = `${database}.restoring`;
  removeDatabase(part);
  try {
    copyFileSync(source, part);
    chmodSync(part, 0o600);
    const files = unpack(part);
    const aside = replaceBy(part, database, at);
    return { files, ...(aside !== undefined && { aside }) };
  } finally {
    removeDatabase(part);
  }
}

function unpack(file: string): BackedUpFile[] {
  const copy = new DatabaseSync(file);
  try {
    refuseDamage(copy, "the backup");
    const value = (name: string) => Number(copy.prepare(`PRAGMA ${name}`).get()?.[name]);
    if (value("application_id") !== applicationId) throw new Error("it is no backup of Switchhook's");
    if (value("user_version") > migrations.length)
      throw new Error(`it was made by a newer Switchhook (schema ${value("user_version")})`);
    // A copy of the database alone has no such table.
    const has = copy.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'kept_files'").get();
    const rows = has ? copy.prepare("SELECT name, content, sha256 FROM kept_files").all() : [];
    // SQLite checks its own structure, and not the bytes of a value.
    for (const { name, content, sha256 } of rows)
      if (hash("sha256", content as Uint8Array) !== sha256)
        throw new Error(`the backup is damaged (the CRM's file of ${String(name)} is not what was written)`);
    copy.exec("DROP TABLE IF EXISTS kept_files; UPDATE deliveries SET state = 3 WHERE state = 2");
    return rows.map((row) => ({ name: String(row["name"]), content: row["content"] as Uint8Array }));
  } finally {
    copy.close();
  }
}

function refuseDamage(database: DatabaseSync, name: string): void {
  const faults = faultsIn(database);
  if (faults.length > 0) throw new Error(`${name} is damaged (${faults.join("; ")})`);
}

/** How many faults are named. */
const namedFaults = 5;

/** The faults in SQLite's answer to `integrity_check`. */
export function faultsOf(rows: readonly Record<string, unknown>[]): string[] {
  const faults = rows.map((row) => String(row["integrity_check"]).replace(/\s+/g, " "));
  return faults.filter((fault) => fault !== "ok");
}

export const integrityCheck = `PRAGMA integrity_check(${namedFaults})`;

/** Faults of a database; empty when there are none. */
function faultsIn(database: DatabaseSync): string[] {
  try {
    return faultsOf(database.prepare(integrityCheck).all());
  } catch (error) {
    return [messageOf(error)];
  }
}

export type Repaired = {
  /** What was damaged. */
  found: string[];
  /** Tables that cannot be read; when there are any, nothing was changed. */
  left: string[];
  /** The folder with the damaged database. */
  aside?: string;
};

/**
 * Rebuilds a database from its tables, which rebuilds the indexes (REINDEX fails on an index with an invalid page). The
 * damaged one is moved aside. Deliveries with a fault are new again. No other process may have the file open.
 */
export function repairDatabase(file: string, at: number): Repaired {
  const found = look(file);
  if (found.length === 0) return { found, left: [] };
  const part = `${file}.repaired`;
  removeDatabase(part);
  try {
    const left = copyTables(file, part);
    if (left.length > 0) return { found, left };
    const aside = replaceBy(part, file, at);
    return { found, left, ...(aside !== undefined && { aside }) };
  } finally {
    removeDatabase(part);
  }
}

function look(file: string): string[] {
  const database = new DatabaseSync(file, { timeout: busyMs });
  try {
    const faults = faultsIn(database);
    if (faults.length === 0) return [];
    migrate(database);
    database.exec("DROP TABLE IF EXISTS filler");
    return faults;
  } finally {
    database.close();
  }
}

/** Returns the faults of what could not be copied. */
function copyTables(from: string, to: string): string[] {
  const database = new DatabaseSync(to);
  try {
    migrate(database);
    const named = (sql: string) => database.prepare(sql).all();
    const triggers = named("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'");
    const tables = named("SELECT name FROM sqlite_schema WHERE type = 'table'").map(({ name }) =>
      String(name),
    );
    database.prepare("ATTACH ? AS damaged").run(from);
    database.exec("BEGIN");
    for (const { name } of triggers) database.exec(`DROP TRIGGER ${String(name)}`);
    const left = tables.sort().flatMap((table) => copyTable(database, table));
    if (left.length > 0) return left;
    // Before the triggers are made, so that SQLite does not read the damaged schema.
    database.exec("UPDATE deliveries SET state = 3 WHERE state = 2; COMMIT; DETACH damaged");
    for (const { sql } of triggers) database.exec(String(sql));
    return faultsIn(database);
  } finally {
    database.close();
  }
}

/** `WHERE 1`: without a condition, SQLite copies the pages of indexes as well. */
function copyTable(database: DatabaseSync, table: string): string[] {
  const columns = database.prepare("SELECT name FROM pragma_table_info(?)").all(table);
  const names = columns.map(({ name }) => String(name)).join(", ");
  try {
    database.exec(
      `DELETE FROM main.${table}; INSERT INTO main.${table} (${names}) SELECT ${names} FROM damaged.${table} NOT INDEXED WHERE 1`,
    );
    return [];
  } catch (error) {
    return [`the table ${table}: ${messageOf(error)}`];
  }
}

/** Puts a finished file in the place of a database, durably. Returns the folder with the old one, if there was one. */
function replaceBy(part: string, database: string, at: number): string | undefined {
  syncPath(part);
  const aside = moveAside(database, at, { mark: false });
  renameSync(part, database);
  syncPath(dirname(database));
  return aside;
}

/**
 * Moves a database and its files into a folder beside it. The database goes first: if this is interrupted, its log without
 * it keeps a start from making a new one. Returns the folder; undefined when there was nothing.
 */
export function moveAside(file: string, at: number, { mark }: { mark: boolean }): string | undefined {
  const files = [file, `${file}-wal`, `${file}-shm`, ...(mark ? [markFile(file)] : [])].filter((one) =>
    existsSync(one),
  );
  if (files.length === 0) return undefined;
  const folder = join(dirname(file), `replaced-${new Date(at).toISOString().replaceAll(":", "-")}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  for (const one of files) renameSync(one, join(folder, basename(one)));
  return folder;
}
