import type { Bind, Connection } from "./connection.ts";

/** The columns of one delivery, in the order of `insert`. */
export type DeliveryRow = [string, string, number, string, string, string, Uint8Array];

const insert = `
  INSERT INTO deliveries (installation, provider, received_at, method, url, headers, body) VALUES (?, ?, ?, ?, ?, ?, ?)`;

/** Runs in the writer. */
export function appendRows(db: Connection, rows: readonly DeliveryRow[]): void {
  const statement = db.statement(insert);
  for (const row of rows) statement.run(...(row as Bind[]));
}
