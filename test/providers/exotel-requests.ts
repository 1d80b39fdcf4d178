import type { CallEvent, FoldedCall } from "../../src/core/call.ts";
import { fold } from "../../src/core/fold.ts";
import type { Delivery } from "../../src/core/provider.ts";
import { exotel } from "../../src/providers/exotel/index.ts";

const receivedAt = "2026-01-02T03:04:05.000Z";
export const boundary = "----------------7d1c";

/** A POST with these exact bytes; without a content type unless one is given. */
export function post(body: string | Uint8Array, contentType?: string): Delivery {
  return {
    installation: "acme",
    provider: "exotel",
    receivedAt,
    method: "POST",
    url: "/",
    headers: contentType === undefined ? {} : { "content-type": contentType },
    body: Buffer.from(body),
  };
}

export function json(fields: unknown): Delivery {
  return post(JSON.stringify(fields), "application/json");
}

export function form(fields: Record<string, string>): Delivery {
  return post(new URLSearchParams(fields).toString(), "application/x-www-form-urlencoded");
}

export function query(fields: Record<string, string>): Delivery {
  return { ...post(""), method: "GET", url: `/?${new URLSearchParams(fields)}` };
}

export function multipart(fields: Record<string, string>, lineEnd = "\r\n"): string {
  const parts = Object.entries(fields).map(([name, value]) =>
    [`--${boundary}`, `Content-Disposition: form-data; name="${name}"`, "", value, ""].join(lineEnd),
  );
  return `${parts.join("")}--${boundary}--${lineEnd}`;
}

export function eventsOf(...deliveries: Delivery[]): CallEvent[] {
  return deliveries.flatMap((delivery) => exotel.decode(delivery));
}

/** The one call that these JSON messages tell. */
export function callOf(...messages: unknown[]): FoldedCall {
  return fold(eventsOf(...messages.map(json)));
}
