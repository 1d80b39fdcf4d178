import type { Call, CallEvent } from "../../core/call.ts";
import type { Delivery } from "../../core/provider.ts";
import { jsonBody, textAt } from "../../lib/body.ts";

export const closingKind = "unknown_end";

/** No webhook has this method: we make the delivery ourselves. */
const closingMethod = "CLOSE";

/** A call without an event for this long counts as ended. */
export const silentMs = 6 * 3_600_000;

/** A delivery of our own that ends a call whose end was never reported. It is stored and replayed like any other. */
export function closingDelivery({ installation, provider, callId }: Call, now: number): Delivery {
  const receivedAt = new Date(now).toISOString();
  return {
    installation,
    provider,
    receivedAt,
    method: closingMethod,
    url: "/",
    headers: { "content-type": "application/json" },
    body: Buffer.from(JSON.stringify({ event: closingKind, call_id: callId, at: receivedAt })),
  };
}

export function isClosing({ method }: Delivery): boolean {
  return method === closingMethod;
}

/** The time of the end stays open, so that a real end may still fill it. */
export function closingEvents(delivery: Delivery): CallEvent[] {
  const body = jsonBody(delivery);
  const callId = textAt(body, "call_id");
  const at = textAt(body, "at") ?? delivery.receivedAt;
  if (!callId) return [];
  const reason = "unknown end: nobody told it within 6 hours";
  return [
    { callId, at, kind: closingKind, fills: true, phase: "ended", facts: { outcome: "unknown", reason } },
  ];
}
