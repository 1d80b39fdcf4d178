import type { Delivery } from "../core/contracts.ts";
import type { Bind, Connection } from "./connection.ts";
import type { Write } from "./writing.ts";

/** The columns of one delivery, in the order of `insert`. */
export type DeliveryRow = [string, string, number, string, string, string, Uint8Array];

const insert = `
  INSERT INTO deliveries (installation, provider, received_at, method, url, headers, body) VALUES (?, ?, ?, ?, ?, ?, ?)`;

/** Runs in the writer. */
export function appendRows(db: Connection, rows: readonly DeliveryRow[]): void {
  const statement = db.statement(insert);
  for (const row of rows) statement.run(...(row as Bind[]));
}

type Waiting = { row: DeliveryRow; stored: () => void; failed: (error: unknown) => void };

/**
 * Group commit: everything that arrived in one turn of the event loop goes to the writer together and becomes durable
 * with one fsync. No timer: a lone delivery is sent at the end of the very turn it came in.
 */
export function groupCommit(write: Write): (delivery: Delivery) => Promise<void> {
  let waiting: Waiting[] = [];

  const send = async (): Promise<void> => {
    const group = waiting;
    waiting = [];
    try {
      await write(
        "append",
        group.map(({ row }) => row),
      );
    } catch (error) {
      for (const { failed } of group) failed(error);
      return;
    }
    for (const { stored } of group) stored();
  };

  return (delivery) =>
    new Promise((stored, failed) => {
      if (waiting.length === 0) setImmediate(() => void send());
      waiting.push({ row: columnsOf(delivery), stored, failed });
    });
}

function columnsOf(delivery: Delivery): DeliveryRow {
  const { installation, provider, receivedAt, method, url, headers, body } = delivery;
  return [installation, provider, Date.parse(receivedAt), method, url, JSON.stringify(headers), body];
}
