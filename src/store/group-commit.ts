import type { Delivery } from "../core/provider.ts";

/** Deliveries that are to be stored, by column: rows as objects take longer to cross threads. */
export type DeliveryColumns = {
  installation: string[];
  provider: string[];
  at: number[];
  method: string[];
  url: string[];
  headers: string[];
  body: Uint8Array[];
};

type Waiting = { stored: () => void; failed: (error: unknown) => void };

/** A group this large goes at once: it is committed while the rest of the turn is still being read. */
const largeGroup = 32;

function noDeliveries(): DeliveryColumns {
  return { installation: [], provider: [], at: [], method: [], url: [], headers: [], body: [] };
}

type GroupOptions = {
  /** Groups under way at a time; deliveries that come in meanwhile are the next group. */
  atOnce: number;
  /** The error that those who wait get. */
  named: (error: unknown) => unknown;
};

/**
 * Group commit: deliveries of one turn of the event loop are stored together and become durable with one fsync. There is
 * no timer: a lone delivery is sent at the end of the turn it came in.
 */
export function groupCommit(
  write: (columns: DeliveryColumns) => Promise<unknown>,
  { atOnce, named }: GroupOptions,
): (delivery: Delivery) => Promise<void> {
  let columns = noDeliveries();
  let waiting: Waiting[] = [];
  let underWay = 0;

  const send = async (): Promise<void> => {
    if (waiting.length === 0 || underWay >= atOnce) return;
    const group = { columns, waiting };
    columns = noDeliveries();
    waiting = [];
    underWay += 1;
    try {
      await write(group.columns);
      for (const { stored } of group.waiting) stored();
    } catch (cause) {
      const error = named(cause);
      for (const { failed } of group.waiting) failed(error);
    }
    const hasHeldUp = underWay === atOnce;
    underWay -= 1;
    if (hasHeldUp) void send();
  };

  return (delivery) =>
    new Promise((stored, failed) => {
      const headers = JSON.stringify(delivery.headers);
      if (waiting.length === 0) setImmediate(() => void send());
      columns.installation.push(delivery.installation);
      columns.provider.push(delivery.provider);
      columns.at.push(Date.parse(delivery.receivedAt));
      columns.method.push(delivery.method);
      columns.url.push(delivery.url);
      columns.headers.push(headers);
      columns.body.push(delivery.body);
      waiting.push({ stored, failed });
      if (waiting.length >= largeGroup) void send();
    });
}
