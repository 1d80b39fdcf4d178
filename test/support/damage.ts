import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** Where the root page of a table or an index is, in bytes from the start of the file. Empties the write-ahead log. */
function rootPageOf(folder: string, name: string): { file: string; at: number; pageSize: number } {
  const file = join(folder, "switchhook.db");
  const db = new DatabaseSync(file);
  db.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  const root = Number(
    db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").get(name)?.["rootpage"],
  );
  const pageSize = Number(db.prepare("PRAGMA page_size").get()?.["page_size"]);
  db.close();
  return { file, at: (root - 1) * pageSize, pageSize };
}

/** Overwrites the root page of a table or an index in the file itself. Nobody may have it open. */
export function damageRoot(folder: string, name: string): void {
  const { file, at, pageSize } = rootPageOf(folder, name);
  overwrite(file, at, Buffer.alloc(pageSize, 0x5a));
}

export function overwrite(file: string, at: number, bytes: Uint8Array): void {
  const handle = openSync(file, "r+");
  writeSync(handle, bytes, 0, bytes.length, at);
  closeSync(handle);
}

/** Empties an index without changing its table: every page is sound, and rows are not found by it. */
export function emptyIndex(folder: string, name: string): void {
  const { file, at, pageSize } = rootPageOf(folder, name);
  const handle = openSync(file, "r");
  const page = Buffer.alloc(pageSize);
  readSync(handle, page, 0, pageSize, at);
  closeSync(handle);
  // A leaf of an index: no cells, and the content starts at the end of the page.
  page[0] = 10;
  page.writeUInt16BE(0, 1);
  page.writeUInt16BE(0, 3);
  page.writeUInt16BE(pageSize, 5);
  page[7] = 0;
  overwrite(file, at, page);
}
