import type { Connection } from "./connection.ts";
import type { KeptPlace } from "./contract-installs.ts";
import { callsAfter, deliveriesAfter, rowsAtOnce } from "./kept.ts";
import { deliveryColumns, toDelivery } from "./rows.ts";

type ErasedBatch = { rows: number; next?: KeptPlace["after"] };
type Eraser = (db: Connection, installation: string, after: KeptPlace["after"]) => ErasedBatch;

/** Tables whose primary key starts with the installation, each with that key. */
const byInstallation = {
  phones: "installation, number, kind, id",
  contacts: "installation, kind, id",
  owners: "installation, id",
  legs: "installation, provider, call_id",
  answers: "installation, provider, ref",
  erased: "installation, mark",
  lines: "installation, provider, number",
  ends: "installation, provider, number, call",
} as const;

const erasers: readonly Eraser[] = [
  ...Object.entries(byInstallation).map(
    ([table, key]): Eraser =>
      (db, installation) => {
        const some = `SELECT ${key} FROM ${table} WHERE installation = ? LIMIT ${rowsAtOnce}`;
        const { changes } = db.run(`DELETE FROM ${table} WHERE (${key}) IN (${some})`, installation);
        return { rows: changes, ...(changes === rowsAtOnce && { next: [] }) };
      },
  ),
  eraseCalls,
  eraseDeliveries,
];

/** Runs in the writer: erases a stretch. All but the row in `installs`. */
export function eraseStretch(
  db: Connection,
  installation: string,
  { step, after }: KeptPlace,
): { rows: number; next?: KeptPlace } {
  const { rows, next } = erasers[step]?.(db, installation, after) ?? { rows: 0 };
  if (next) return { rows, next: { step, after: next } };
  return { rows, ...(step + 1 < erasers.length && { next: { step: step + 1, after: [] } }) };
}

/** Runs in the writer: what is left at the end, and whatever came in meanwhile. */
export function eraseRest(db: Connection, installation: string): void {
  db.run("DELETE FROM deliveries WHERE installation = ? AND state IN (0, 3)", installation);
  for (const table of ["syncs", "numberings"])
    db.run(`DELETE FROM ${table} WHERE installation = ?`, installation);
  db.run("DELETE FROM installs WHERE name = ? AND state = 'erasing'", installation);
}

function eraseCalls(db: Connection, installation: string): ErasedBatch {
  const calls = callsAfter(db, installation, "");
  for (const { id } of calls) {
    for (const table of ["events", "history", "asks", "recordings", "follow_ups"])
      db.run(`DELETE FROM ${table} WHERE call = ?`, id);
    db.run("DELETE FROM calls WHERE id = ?", id);
  }
  return { rows: calls.length, ...(calls.length === rowsAtOnce && { next: [] }) };
}

function eraseDeliveries(db: Connection, installation: string, [after = 0]: KeptPlace["after"]): ErasedBatch {
  const { ids, next } = deliveriesAfter(db, installation, Number(after));
  for (const id of ids) {
    const row = db.get(`SELECT ${deliveryColumns} FROM deliveries WHERE id = ?`, id);
    if (row) db.run("DELETE FROM digests WHERE digest = ? AND delivery = ?", toDelivery(row).digest, id);
    db.run("DELETE FROM deliveries WHERE id = ?", id);
  }
  return { rows: ids.length, ...(next !== undefined && { next: [next] }) };
}
