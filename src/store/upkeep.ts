import { appendRows } from "./appended.ts";
import type { Connection } from "./connection.ts";
import type { Loss } from "./contract.ts";

/**
 * Writes and deletes what a webhook would be: the pages that webhooks go to are changed, on a full disk and in a damaged table
 * too. The probe belongs to no installation.
 */
export function proveWritable(db: Connection): void {
  appendRows(db, [["", "", 0, "", "", "", new Uint8Array(1)]]);
  db.run("DELETE FROM deliveries WHERE installation = '' AND id = (SELECT MAX(id) FROM deliveries)");
}

/** Deliveries that were set aside, with what decoded them last. They are new once more, and keep their fault until then. */
export function tryAgain(db: Connection, version: string): number {
  const known = db.get("SELECT value FROM marks WHERE name = 'decoders'")?.["value"];
  if (known === version) return 0;
  db.run("INSERT OR REPLACE INTO marks (name, value) VALUES ('decoders', ?)", version);
  return db.run("UPDATE deliveries SET state = 3 WHERE state = 2").changes;
}

export function lossesOf(db: Connection, since: number): Loss[] {
  const rows = db.all(
    "SELECT noticed_at, missing, since, until FROM losses WHERE noticed_at > ? ORDER BY 1",
    since,
  );
  return rows.map((row) => ({
    noticedAt: Number(row["noticed_at"]),
    missing: Number(row["missing"]),
    ...(row["since"] !== null && { since: Number(row["since"]) }),
    until: Number(row["until"]),
  }));
}
