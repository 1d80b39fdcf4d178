import { hash } from "node:crypto";
import { chmodSync, closeSync, copyFileSync, openSync, renameSync } from "node:fs";
import { dirname } from "node:path";
import { backup, DatabaseSync } from "node:sqlite";
import { busyMs, removeDatabase, syncPath } from "./files.ts";
import { migrations } from "./migrations.ts";
import { faultsIn, moveAside } from "./repair.ts";
import { applicationId } from "./upgrade.ts";

/** A file that is kept with the database: `name` says what it is. */
export type KeptFile = { name: string; content: Uint8Array };

/** SQLite begins again when somebody writes between two steps, so all pages are copied in one. */
const allPages = 0x7fff_ffff;

/**
 * Copies a database that may be in use, with other files, into one file, which is an SQLite database itself. `others` are read when
 * the copy is made: a CRM's file may know more than the store, and never less. Throws when the copy is damaged.
 */
export async function backUp(
  database: string,
  target: string,
  others: () => Promise<readonly KeptFile[]>,
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
      // One file, without a log of its own beside it.
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
 * Puts a backup in the place of a database, once it was found to be in order. What is there now is moved aside. Interrupted
 * anywhere, it leaves the old database, none at all (which no start takes for a new one), or the new one. Returns the other files, and
 * where the old database is.
 */
export function restore(source: string, database: string, at: number): { files: KeptFile[]; aside?: string } {
  const part = `${database}.restoring`;
  removeDatabase(part);
  try {
    copyFileSync(source, part);
    chmodSync(part, 0o600);
    const files = unpack(part);
    syncPath(part);
    const aside = moveAside(database, at, { mark: false });
    renameSync(part, database);
    syncPath(dirname(database));
    return { files, ...(aside !== undefined && { aside }) };
  } finally {
    removeDatabase(part);
  }
}

function unpack(file: string): KeptFile[] {
  const copy = new DatabaseSync(file);
  try {
    refuseDamage(copy, "the backup");
    const value = (name: string) => Number(copy.prepare(`PRAGMA ${name}`).get()?.[name]);
    if (value("application_id") !== applicationId) throw new Error("it is no backup of Switchhook's");
    if (value("user_version") > migrations.length)
      throw new Error(`it was made by a newer Switchhook (schema ${value("user_version")})`);
    // A copy of the database alone has none.
    const has = copy.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'kept_files'").get();
    const rows = has ? copy.prepare("SELECT name, content, sha256 FROM kept_files").all() : [];
    // SQLite finds damage in its own structure, and not within a value.
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
