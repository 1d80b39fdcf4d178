import type { Delivery } from "../core/contracts.ts";
import type { Connection } from "./connection.ts";

type Waiting = { delivery: Delivery; stored: () => void; failed: (error: unknown) => void };

const insert = `
  INSERT INTO deliveries (installation, provider, received_at, method, url, headers, body) VALUES (?, ?, ?, ?, ?, ?, ?)`;

/**
 * Group commit: everything that arrived in one turn of the event loop becomes durable with one fsync.
 * No timer: a lone delivery is committed at the end of the very turn it came in.
 */
export function groupCommit(connection: Connection): (delivery: Delivery) => Promise<void> {
  let waiting: Waiting[] = [];

  const commit = (): void => {
    const group = waiting;
    waiting = [];
    try {
      connection.transaction(() => {
        const statement = connection.statement(insert);
        for (const { delivery } of group) statement.run(...columnsOf(delivery));
      });
    } catch (error) {
      for (const { failed } of group) failed(error);
      return;
    }
    for (const { stored } of group) stored();
  };

  return (delivery) =>
    new Promise((stored, failed) => {
      if (waiting.length === 0) setImmediate(commit);
      waiting.push({ delivery, stored, failed });
    });
}

function columnsOf(delivery: Delivery): (string | number | Uint8Array)[] {
  const { installation, provider, receivedAt, method, url, headers, body } = delivery;
  return [installation, provider, Date.parse(receivedAt), method, url, JSON.stringify(headers), body];
}
