import { closeSync, constants, fdatasync, openSync, readFileSync, statSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import type { DatabaseSync, StatementSync } from "node:sqlite";
import { crc32 } from "node:zlib";
import type { Loss } from "../contract.ts";
import type { ColumnValue, ReadDb } from "../db/db.ts";
import type { DeliveryColumns } from "../group-commit.ts";

/** The last delivery that was acknowledged. */
export type Mark = {
  id: number;
  /** When it was received, in milliseconds since 1970. */
  at: number;
};

/** A connection, as far as it is needed here. */
type Appending = { prepare(sql: string): StatementSync };

/** The highest id that was ever given to a delivery, as far as the database knows. */
const highestId = `
  SELECT MAX(COALESCE((SELECT MAX(id) FROM deliveries), 0),
    COALESCE((SELECT value FROM marks WHERE name = 'seen'), 0)) AS id`;

const insert = `
  INSERT INTO deliveries (id, installation, provider, received_at, method, url, headers, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;

/** Within a transaction. Ids are never used twice, so that the last one tells how many deliveries there were. */
export function append(db: Appending, columns: DeliveryColumns): Mark {
  const { installation, provider, at, method, url, headers } = columns;
  let id = Number(db.prepare(highestId).get()?.["id"]);
  const statement = db.prepare(insert);
  for (const [i, body] of columns.body.entries()) {
    id += 1;
    const row = [id, installation[i], provider[i], at[i], method[i], url[i], headers[i], body];
    statement.run(...(row as ColumnValue[]));
  }
  return { id, at: at.at(-1) ?? 0 };
}

/**
 * Within a transaction: writes and deletes a delivery of no installation, to fail when a webhook could not be stored, on
 * a full disk or in a damaged table.
 */
export function ready(db: Appending): void {
  const nothing = { installation: [""], provider: [""], at: [0], method: [""], url: [""], headers: [""] };
  append(db, { ...nothing, body: [new Uint8Array(1)] });
  db.prepare(
    "DELETE FROM deliveries WHERE installation = '' AND id = (SELECT MAX(id) FROM deliveries)",
  ).run();
}

export async function losses(db: ReadDb, since: number): Promise<Loss[]> {
  const rows = await db.all(
    "SELECT noticed_at, missing, since, until FROM losses WHERE noticed_at > :since ORDER BY noticed_at",
    { since },
  );
  return rows.map((row) => ({
    noticedAt: Number(row["noticed_at"]),
    missing: Number(row["missing"]),
    ...(row["since"] !== null && { since: Number(row["since"]) }),
    until: Number(row["until"]),
  }));
}

const size = 64;
const syncEveryMs = 1_000;

/** A file beside the database, so that it tells what was lost with the write-ahead log. */
export function markFile(database: string): string {
  return join(dirname(database), "switchhook.mark");
}

/** Undefined when the file is missing or unreadable. */
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
 * The mark is written after every commit of webhooks and before they are acknowledged (measured: 3 µs), with an fsync
 * once a second. A power loss, or a file that cannot be written, leaves it behind the database, which does no harm.
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

/** A missing database must not be replaced by an empty one: SQLite would delete its write-ahead log. */
export function refuseWithoutDatabase(database: string): void {
  if (sizeOf(database) > 0) return;
  const mark = readMark(database);
  const remains = [
    ...(sizeOf(`${database}-wal`) > 0 ? [`its write-ahead log ${database}-wal`] : []),
    ...(mark && mark.id > 0
      ? [`its mark, which says that webhooks were stored until ${new Date(mark.at).toISOString()}`]
      : []),
  ];
  if (remains.length === 0) return;
  const message = `the database ${database} is not there any more, but ${remains.join(" and ")} is`;
  throw Object.assign(new Error(message), { code: "GONE" });
}

function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

/**
 * Notes webhooks that were acknowledged and are not in the database, because its write-ahead log was lost or damaged. New
 * ids follow theirs. The mark is read before the database, because another process may be storing webhooks.
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
