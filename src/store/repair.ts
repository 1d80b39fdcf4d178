import { existsSync, mkdirSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { busyMs, removeDatabase, syncPath } from "./files.ts";
import { markFile } from "./mark.ts";
import { migrate } from "./upgrade.ts";

/** Some of what is damaged; more would say no more. */
const namedFaults = 5;

/** What SQLite finds on every page of a database, in the answer to its `integrity_check`. */
export function faultsOf(rows: readonly Record<string, unknown>[]): string[] {
  const faults = rows.map((row) => String(row["integrity_check"]).replace(/\s+/g, " "));
  return faults.filter((fault) => fault !== "ok");
}

export const integrityCheck = `PRAGMA integrity_check(${namedFaults})`;

/** What is damaged; empty when it is in order. */
export function faultsIn(database: DatabaseSync): string[] {
  try {
    return faultsOf(database.prepare(integrityCheck).all());
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}

export type Repaired = { found: string[]; left: string[]; aside?: string };

/**
 * Writes a database anew from its tables, which makes its indexes anew (REINDEX cannot, where an index has a page that is none). The
 * damaged one is moved aside. `found`: what was damaged; `left`: tables that cannot be read, and then nothing is changed.
 * Deliveries that were set aside are new once more. Nobody else may have the file open.
 */
export function repairDatabase(file: string, at: number): Repaired {
  const found = look(file);
  if (found.length === 0) return { found, left: [] };
  const part = `${file}.repaired`;
  removeDatabase(part);
  try {
    const left = copyTables(file, part);
    if (left.length > 0) return { found, left };
    syncPath(part);
    const aside = moveAside(file, at, { mark: false });
    renameSync(part, file);
    syncPath(dirname(file));
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

/** Returns what could not be copied. */
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
    // The damaged one must not be looked at any more when triggers are made.
    database.exec("UPDATE deliveries SET state = 3 WHERE state = 2; COMMIT; DETACH damaged");
    for (const { sql } of triggers) database.exec(String(sql));
    return faultsIn(database);
  } finally {
    database.close();
  }
}

/** `WHERE 1`: without any, SQLite copies the pages of indexes, too. */
function copyTable(database: DatabaseSync, table: string): string[] {
  const columns = database.prepare("SELECT name FROM pragma_table_info(?)").all(table);
  const names = columns.map(({ name }) => String(name)).join(", ");
  try {
    database.exec(
      `DELETE FROM main.${table}; INSERT INTO main.${table} (${names}) SELECT ${names} FROM damaged.${table} NOT INDEXED WHERE 1`,
    );
    return [];
  } catch (error) {
    return [`the table ${table}: ${error instanceof Error ? error.message : String(error)}`];
  }
}

/**
 * Moves a database, and what belongs to it, into a folder beside it. The database goes first: its log without it keeps any
 * start from making a new one, should this be interrupted. Returns the folder; undefined when there was nothing.
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
