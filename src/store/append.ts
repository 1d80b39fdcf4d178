import type { Delivery } from "../core/contracts.ts";
import type { DeliveryRow } from "./appended.ts";
import type { Write } from "./writing.ts";

type WaitingRow = { row: DeliveryRow; stored: () => void; failed: (error: unknown) => void };

/** A group this large goes at once: the writer commits it while the rest of the turn is still being read. */
const largeGroup = 32;

/**
 * Group commit: everything that arrived in one turn of the event loop goes to the writer together and becomes durable
 * with one fsync. No timer: a lone delivery is sent at the end of the very turn it came in.
 */
export function groupCommit(
  write: Write,
  named: (error: unknown) => unknown,
): (delivery: Delivery) => Promise<void> {
  let waiting: WaitingRow[] = [];

  const send = async (): Promise<void> => {
    const group = waiting;
    waiting = [];
    if (group.length === 0) return;
    try {
      await write(
        "append",
        group.map(({ row }) => row),
      );
    } catch (cause) {
      const error = named(cause);
      for (const { failed } of group) failed(error);
      return;
    }
    for (const { stored } of group) stored();
  };

  return (delivery) =>
    new Promise((stored, failed) => {
      if (waiting.length === 0) setImmediate(() => void send());
      waiting.push({ row: columnsOf(delivery), stored, failed });
      if (waiting.length >= largeGroup) void send();
    });
}

function columnsOf(delivery: Delivery): DeliveryRow {
  const { installation, provider, receivedAt, method, url, headers, body } = delivery;
  return [installation, provider, Date.parse(receivedAt), method, url, JSON.stringify(headers), body];
}
