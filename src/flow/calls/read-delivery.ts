import type { CallEvent } from "../../core/call.ts";
import { type Delivery, type Provider, polledMethod } from "../../core/provider.ts";
import { closingEvents, closingKind, isClosing } from "./unknown-end.ts";

/**
 * The events of a delivery, by the provider's current decoder. Events from polling only fill what webhooks leave open.
 * Throws for a delivery that cannot be read.
 */
export function readDelivery(
  provider: Provider | undefined,
  delivery: Delivery,
): { kind: string; events: CallEvent[] } {
  if (isClosing(delivery)) return { kind: closingKind, events: closingEvents(delivery) };
  if (!provider) throw new Error(`no provider ${delivery.provider} in this version`);
  const { kind } = provider.read(delivery);
  const events = provider.decode(delivery);
  const isPolled = delivery.method === polledMethod;
  return { kind, events: isPolled ? events.map((event) => ({ ...event, fills: true as const })) : events };
}
