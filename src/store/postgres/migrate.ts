import type { Db } from "../db/db.ts";
import { addNextPartitions, addPartitions } from "./partitions.ts";
import { steps } from "./schema.ts";

/** The version that the last contracting step up to `version` leads to: older ones of Switchhook cannot use it. */
const usableFrom = (version: number): number =>
  steps.slice(0, version).findLastIndex((one) => one.contracts) + 1;

/**
 * Brings the schema up to date, one instance at a time. All of it or nothing. `isMoving`: for the command that fills the
 * database from another store.
 */
export async function migrate(db: Db, { isMoving = false } = {}): Promise<void> {
  await db.transaction(async (tx) => {
    tx.lock("switchhook migrations", "exclusive");
    await tx.run(
      "CREATE TABLE IF NOT EXISTS switchhook_schema (version integer NOT NULL, usable_from integer NOT NULL)",
    );
    const found = await tx.get("SELECT version, usable_from FROM switchhook_schema");
    const version = Number(found?.["version"] ?? 0);
    if (Number(found?.["usable_from"] ?? 0) > steps.length) {
      const message = `the database was changed by a newer Switchhook (schema ${version}, this one knows ${steps.length})`;
      throw Object.assign(new Error(message), { code: "NEWER" });
    }
    const moved = version > 0 && (await tx.get("SELECT value FROM marks WHERE name = 'moved'"));
    if (moved) {
      const message = `what this database held was moved to ${moved["value"]}`;
      throw Object.assign(new Error(message), { code: "MOVED" });
    }
    if (version > 0 && !isMoving && (await tx.get("SELECT 1 FROM marks WHERE name = 'move from'"))) {
      const message = "a move into this database was interrupted, so it has only a part of what was stored";
      throw Object.assign(new Error(message), { code: "MOVING" });
    }
    for (const { sql } of steps.slice(version)) for (const part of statementsOf(sql)) await tx.run(part);
    if (version < steps.length) {
      await tx.run("DELETE FROM switchhook_schema");
      await tx.run("INSERT INTO switchhook_schema (version, usable_from) VALUES (:version, :from)", {
        version: steps.length,
        from: usableFrom(steps.length),
      });
    }
    if (version === 0) await addPartitions(tx);
  });
  await addNextPartitions(db);
}

/** From now on the database refuses to be used: its calls are worked on elsewhere. */
export async function markAsMoved(db: Db, to: string): Promise<void> {
  await db.run("INSERT INTO marks (name, value) VALUES ('moved', CAST(:to AS text))", { to });
}

/** Each begins with an indentation of two; the lines within it have more. */
function statementsOf(sql: string): string[] {
  return sql
    .split(/;\n+(?= {2}\S|\s*$)/)
    .map((one) => one.trim())
    .filter((one) => one !== "");
}
