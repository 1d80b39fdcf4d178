import { hasRight, type Principal } from "../core/principal.ts";
import type { Explanation } from "../flow/explain/explanation.ts";
import type { DeliveryNote } from "../store/contract.ts";

/** A delivery; without the right `raw`, without its query, which may be its whole payload. */
export function deliverySeenBy(principal: Principal, delivery: DeliveryNote): DeliveryNote {
  if (hasRight(principal, "raw")) return delivery;
  const [path = ""] = delivery.url.split("?", 1);
  return { ...delivery, url: path };
}

/** What is known of a call; without the right `listen`, without the links that play it. */
export function callSeenBy(principal: Principal, explained: Explanation): Explanation {
  const deliveries = explained.deliveries.map((delivery) => deliverySeenBy(principal, delivery));
  const seen = { ...explained, deliveries };
  return hasRight(principal, "listen") ? seen : withoutLinks(seen);
}

const link = /\/(recordings|transcripts)\/[\w.~-]+/g;

/** Without what plays a recording or shows a transcript. */
export function withoutLinks<T>(value: T): T {
  return JSON.parse(JSON.stringify(value).replace(link, "/$1/…")) as T;
}
