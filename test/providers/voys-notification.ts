import type { CallEvent } from "../../src/core/call.ts";
import type { Delivery } from "../../src/core/provider.ts";
import { voys } from "../../src/providers/voys/index.ts";

export const bram = { account_number: 201, user_numbers: ["401"], number: "+31201234567", name: "Bram" };
export const cees = { account_number: 202, user_numbers: ["402"], number: "+31201234568", name: "Cees" };
export const ringing = {
  call_id: "host-1.1",
  timestamp: "2026-02-03T04:05:06.123456+00:00",
  status: "ringing",
  version: "v2",
  direction: "inbound",
  caller: { account_number: null, user_numbers: [], number: "+31612345678", name: "Anna" },
  destination: { number: "+31201234567", targets: [bram] },
};

export function delivery(body: unknown, headers: Record<string, string> = {}): Delivery {
  return {
    installation: "acme",
    provider: "voys",
    receivedAt: "2026-02-03T04:05:09.000Z",
    method: "POST",
    url: "/",
    headers: { "content-type": "application/json", ...headers },
    body: Buffer.from(JSON.stringify(body)),
  };
}

/** The event of a ringing inbound call with these changes. */
export function decode(changes: object): CallEvent {
  const [event] = voys.decode(delivery({ ...ringing, ...changes }));
  if (!event) throw new Error("no event");
  return event;
}
