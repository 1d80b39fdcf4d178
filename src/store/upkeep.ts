import { appendRows } from "./appended.ts";
import type { Connection } from "./connection.ts";
import type { Loss, PulledBack } from "./contract.ts";

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

const minuteMs = 60_000;
const dayMs = 86_400_000;

/**
 * Times that a clock that was ahead has left: further off than the longest pause (a day, and an hour to spare), or in the future
 * where only the past is written. Copies of recordings are kept for years, so their end is none of them.
 */
const ahead: readonly { table: string; column: string; by: number; where?: string; to?: null }[] = [
  { table: "calls", column: "due_at", by: dayMs + 60 * minuteMs },
  { table: "calls", column: "updated_at", by: minuteMs, where: "state = 'open'" },
  { table: "asks", column: "due_at", by: dayMs + 60 * minuteMs },
  { table: "asks", column: "since", by: minuteMs },
  { table: "recordings", column: "due_at", by: dayMs + 60 * minuteMs, where: "state <> 'kept'" },
  { table: "recordings", column: "since", by: minuteMs, where: "due_at IS NOT NULL AND state <> 'kept'" },
  { table: "follow_ups", column: "close_at", by: dayMs + 60 * minuteMs },
  { table: "installs", column: "claimed_until", by: 60 * minuteMs, to: null },
  { table: "installs", column: "left_at", by: minuteMs },
];

/** Pulls back times that are too far off. Returns how many of what, and the furthest. */
export function pullBack(db: Connection, now: number): PulledBack[] {
  return ahead.flatMap(({ table, column, by, where = "1", to = now }) => {
    const late = `${column} > ? AND ${where}`;
    const row = db.get(
      `SELECT COUNT(*) AS n, MAX(${column}) AS furthest FROM ${table} WHERE ${late}`,
      now + by,
    );
    const count = Number(row?.["n"]);
    if (count === 0) return [];
    db.run(`UPDATE ${table} SET ${column} = ? WHERE ${late}`, to, now + by);
    return [{ what: `${table}.${column}`, count, furthest: Number(row?.["furthest"]) }];
  });
}
