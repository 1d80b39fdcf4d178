import type { Call } from "../../src/core/call.ts";
import type { Contact } from "../../src/core/contact.ts";
import type { Delivery } from "../../src/core/provider.ts";
import type { DecodedCall, Store } from "../../src/store/contract.ts";

export const t0 = Date.parse("2026-01-02T03:04:05.000Z");

/** Opens an empty store; `reopen` closes it and opens the same one again. */
export type OpenStore = () => Promise<{ store: Store; reopen: () => Promise<Store> }>;

export function deliveryOf(body: string, overrides: Partial<Delivery> = {}): Delivery {
  return {
    installation: "acme",
    provider: "voys",
    receivedAt: new Date(t0).toISOString(),
    method: "POST",
    url: "/webhooks/acme/voys",
    headers: { "content-type": "application/json" },
    body: Buffer.from(body),
    ...overrides,
  };
}

export function callOf(callId: string, overrides: Partial<Call> = {}): Call {
  const key = `acme:voys:${callId}`;
  return {
    callId,
    key,
    legs: [callId],
    phase: "ended",
    agents: [],
    installation: "acme",
    provider: "voys",
    revision: 1,
    ...overrides,
  };
}

export function decodedCall(callId: string, overrides: Partial<DecodedCall> = {}): DecodedCall {
  const event = { callId, at: "2026-01-02T03:04:05.000Z", kind: "ended", facts: {} };
  return {
    call: callOf(callId),
    state: "waiting",
    dueAt: t0,
    events: [{ event, delivery: 1 }],
    absorbed: [],
    ...overrides,
  };
}

export const contact: Contact = {
  id: "7",
  kind: "contact",
  name: "Anna",
  phones: ["+31501234567"],
  fields: { plan: "gold" },
};
