import type { Bind, Connection } from "./connection.ts";
import { highestId, type Mark } from "./mark.ts";

/** The columns of one delivery, in the order of `insert`. */
export type DeliveryRow = [string, string, number, string, string, string, Uint8Array];

const insert = `
  INSERT INTO deliveries (id, installation, provider, received_at, method, url, headers, body)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?)`;

/** Runs in the writer. Ids are never used twice, so that the last one says how many there were. */
export function appendRows(db: Connection, rows: readonly DeliveryRow[]): Mark {
  const statement = db.statement(insert);
  let id = Number(db.get(highestId)?.["id"]);
  for (const row of rows) {
    id += 1;
    statement.run(id, ...(row as Bind[]));
  }
  return { id, at: rows.at(-1)?.[2] ?? 0 };
}
