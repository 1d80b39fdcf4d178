import type { DatabaseSync } from "node:sqlite";
import { migrations } from "./migrations.ts";

/**
 * Databases of a version whose steps were not the first of today's. `with` and `without`: tables, indexes or columns
 * ("table.column") that tell them apart. `done`: the steps that they have, by their place today. `first`: brings an edited step up
 * to date.
 */
type Variant = {
  version: number;
  with: string;
  without: string;
  done: readonly number[];
  first?: string;
};

const upTo = (count: number): number[] => Array.from({ length: count }, (_, step) => step);

const variants: readonly Variant[] = [
  {
    version: 1,
    with: "deliveries_new",
    without: "events_delivery",
    done: upTo(1),
    first: `
      DROP INDEX deliveries_new;
      DROP INDEX deliveries_unused;
      CREATE INDEX deliveries_new ON deliveries (installation, id) WHERE state IN (0, 3);
      CREATE INDEX deliveries_unused ON deliveries (installation, id) WHERE state IN (1, 2) AND events = 0;
      CREATE INDEX events_delivery ON events (delivery);
    `,
  },
  // The step with the indexes was put before this one later.
  { version: 5, with: "installs.claimed_until", without: "calls_contact", done: [...upTo(4), 5] },
];

/** "swhk", which marks the file as ours. */
export const applicationId = 0x7377686b;

/** Brings the schema up to date; the version is the number of steps done. All of it or nothing. */
export function migrate(database: DatabaseSync): void {
  if (checkedVersion(database) === migrations.length) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    // Another thread or process may have done it meanwhile.
    const version = checkedVersion(database);
    const variant = variants.find(
      (one) => one.version === version && has(database, one.with) && !has(database, one.without),
    );
    const done = new Set(variant?.done ?? upTo(version));
    if (variant?.first) database.exec(variant.first);
    for (const [step, sql] of migrations.entries()) if (!done.has(step)) database.exec(sql);
    database.exec(`PRAGMA user_version = ${migrations.length}; PRAGMA application_id = ${applicationId}`);
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function checkedVersion(database: DatabaseSync): number {
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
  if (version <= migrations.length) return version;
  const message = `the data folder was written by a newer Switchhook (schema ${version}, this one knows ${migrations.length})`;
  throw Object.assign(new Error(message), { code: "NEWER" });
}

function has(database: DatabaseSync, thing: string): boolean {
  const [name = "", column] = thing.split(".");
  if (column === undefined)
    return database.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(name) !== undefined;
  return (
    database.prepare("SELECT 1 FROM pragma_table_info(?) WHERE name = ?").get(name, column) !== undefined
  );
}
