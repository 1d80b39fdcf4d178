import { isUtf8 } from "node:buffer";
import { type CallEvent, maxCallIdLength, type Scalar } from "../core/call.ts";
import { Rejected } from "../core/errors.ts";
import type { Delivery, Reading } from "../core/provider.ts";
import { parseBody } from "./json-body.ts";

export type JsonObject = { readonly [name: string]: unknown };

/** The body as text. Throws `Rejected(400)` when it is not UTF-8. */
export function textBody(delivery: Delivery): string {
  const { body } = delivery;
  if (!isUtf8(body)) throw new Rejected(400, "the body is not UTF-8 text");
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString("utf8");
  return text.startsWith("\uFEFF") ? text.slice(1) : text;
}

/** The body as a JSON object. Throws `Rejected(400)` for anything else. */
export function jsonBody(delivery: Delivery): JsonObject {
  const value = parseBody(textBody(delivery));
  if (!isObject(value)) throw new Rejected(400, "the body is JSON, but not an object");
  return value;
}

/**
 * The `read` and `decode` of a provider. Decoding calls both for the same delivery: it is parsed once, and its message is
 * released when the current synchronous work ends.
 */
export function parsedOnce<M>(
  parse: (delivery: Delivery) => M,
  { read, decode }: { read(message: M): Reading; decode(message: M, receivedAt: string): CallEvent[] },
): { read(delivery: Delivery): Reading; decode(delivery: Delivery): CallEvent[] } {
  let last: { delivery: Delivery; message: M } | undefined;
  const messageOf = (delivery: Delivery): M => {
    if (last?.delivery === delivery) return last.message;
    const message = parse(delivery);
    if (!last)
      queueMicrotask(() => {
        last = undefined;
      });
    last = { delivery, message };
    return message;
  };
  return {
    read: (delivery) => read(messageOf(delivery)),
    decode: (delivery) => decode(messageOf(delivery), delivery.receivedAt),
  };
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A member that is an object; an empty one otherwise. */
export function objectAt(object: JsonObject, name: string): JsonObject {
  const value = own(object, name);
  return isObject(value) ? value : {};
}

/** A member that is a list of objects; whatever else is in it is left out. */
export function objectsAt(object: JsonObject, name: string): JsonObject[] {
  const value = own(object, name);
  return Array.isArray(value) ? value.filter(isObject) : [];
}

/** Longer than any name, number, word, token or address; what a pattern looks at is never longer. */
const longestText = 10_000;

/**
 * A member as trimmed text, cut to `longest` characters; undefined when it is absent, empty or not a string or number.
 */
export function textAt(object: JsonObject, name: string, longest = longestText): string | undefined {
  const value = own(object, name);
  if (typeof value === "number" && Number.isFinite(value)) return String(value);
  return typeof value === "string" ? storable(value.slice(0, longest)).trim() || undefined : undefined;
}

/** Text that every database takes: PostgreSQL refuses NUL and lone surrogates, and no provider means them. */
function storable(text: string): string {
  return text.replaceAll("\0", " ").toWellFormed();
}

/** A call id as the provider sent it; undefined when there is none. Throws `Rejected(400)` for what no id can be. */
export function callIdAt(object: JsonObject, name: string): string | undefined {
  const value = own(object, name);
  const id = typeof value === "string" ? value.trim() : textAt(object, name);
  if (!id) return undefined;
  if (isCallId(id)) return id;
  throw new Rejected(
    400,
    `${name} has control characters or more than ${maxCallIdLength} characters: no call id has`,
  );
}

/** Opaque, but of bounded length, well-formed and without control characters. */
export function isCallId(id: string): boolean {
  return id.length <= maxCallIdLength && id.isWellFormed() && !/\p{Cc}/u.test(id);
}

/** A member as a finite number; undefined otherwise. Text with a number in it counts. */
export function numberAt(object: JsonObject, name: string): number | undefined {
  const text = textAt(object, name);
  if (text === undefined) return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : undefined;
}

/** Seconds: a number between 0 and a week; undefined otherwise. */
export function secondsAt(object: JsonObject, name: string): number | undefined {
  const seconds = numberAt(object, name);
  return seconds !== undefined && seconds >= 0 && seconds <= 604_800 ? seconds : undefined;
}

/** The members that are scalars, as custom facts; at most 100, names without a dot, texts cut to 4,000 characters. */
export function scalarsOf(object: JsonObject, prefix = ""): Record<string, Scalar> {
  const scalars: Record<string, Scalar> = Object.create(null);
  for (const [name, value] of Object.entries(object).slice(0, 100)) {
    const safe = `${prefix}${name.slice(0, 80).replace(/[^\w-]/g, "_")}`;
    if (typeof value === "string" && value !== "") scalars[safe] = storable(value.slice(0, 4_000));
    else if (typeof value === "number" && Number.isFinite(value)) scalars[safe] = value;
    else if (typeof value === "boolean") scalars[safe] = value;
  }
  return { ...scalars };
}

/** ISO in UTC with milliseconds from milliseconds since 1970; undefined for 0, nonsense and years outside 2000-2100. */
export function isoFromMs(ms: number | undefined): string | undefined {
  if (ms === undefined || !(ms >= 946_684_800_000 && ms < 4_102_444_800_000)) return undefined;
  return new Date(ms).toISOString();
}

/** ISO in UTC with milliseconds from an ISO text with a zone; undefined for zero dates and nonsense. */
export function isoFromText(text: string | undefined): string | undefined {
  if (!text || text.length > 40 || !/(z|[+-]\d\d:?\d\d)$/i.test(text)) return undefined;
  return isoFromMs(Date.parse(text));
}

/** Only own members: a body cannot reach `__proto__` or `constructor`. */
function own(object: JsonObject, name: string): unknown {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}
