import type { Delivery } from "../../core/contracts.ts";
import { Rejected } from "../../core/errors.ts";
import { callIdAt, type JsonObject, jsonBody, objectAt, textBody } from "../../lib/body.ts";
import { textOf } from "./fields.ts";
import { formFields, nest } from "./form.ts";
import { multipartFields } from "./multipart.ts";

/** What one request says, in whichever encoding it came. The answer of the Call details API is taken out of its `Call`. */
export type ExotelMessage = { callId?: string; fields: JsonObject; receivedAt: string };

/** Throws `Rejected(400)` for a request that names neither a call nor an event. */
export function messageOf(delivery: Delivery): ExotelMessage {
  const outer = fieldsOf(delivery);
  const inner = objectAt(outer, "Call");
  const fields = idAt(inner, "Sid") === undefined ? outer : inner;
  const details = objectAt(fields, "call_details");
  const ids = ["CallSid", "call_sid", "Sid"].map((name) => idAt(fields, name));
  const ofDetails = ["call_sid", "sid"].map((name) => idAt(details, name));
  const callId = [...ids, ...ofDetails].find((id) => id !== undefined);
  if (callId === undefined && textOf(fields, "event") === undefined) {
    throw new Rejected(
      400,
      "not an Exotel notification: it has no CallSid, call_sid, Sid, call_details or event",
    );
  }
  return {
    fields,
    receivedAt: delivery.receivedAt,
    ...(callId !== undefined && { callId }),
  };
}

/**
 * The body tells its own encoding. Which one Exotel sends by default is not verified: its pages say form, a consumer
 * had to mend multipart (rapidaai/voice-ai PR 206, 2026-08), and `StatusCallbackContentType` asks for JSON.
 */
function fieldsOf(delivery: Delivery): JsonObject {
  const text = delivery.method === "GET" ? "" : textBody(delivery).trimStart();
  if (text === "") return nest(withPlus(formFields(queryOf(delivery.url))));
  if (text.startsWith("--")) return nest(multipartFields(text));
  const contentType = delivery.headers["content-type"] ?? "";
  if (/^[{[]/.test(text) || contentType.includes("json")) return jsonBody(delivery);
  return nest(withPlus(formFields(text)));
}

/** A raw `+` before a number reads as a space in a query (so the vendor's own example writes it). */
function* withPlus(fields: Iterable<readonly [string, string]>): Generator<readonly [string, string]> {
  for (const [name, value] of fields) yield [name, /^ \d{7,15}$/.test(value) ? `+${value.slice(1)}` : value];
}

function queryOf(url: string): string {
  return url.includes("?") ? url.slice(url.indexOf("?") + 1) : "";
}

/** Exotel writes `null` for what it does not know. */
function idAt(fields: JsonObject, name: string): string | undefined {
  const id = callIdAt(fields, name);
  return id === "null" ? undefined : id;
}
