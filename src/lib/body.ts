import { isUtf8 } from "node:buffer";
import { randomInt } from "node:crypto";
import { type CallEvent, maxCallIdLength, type Scalar } from "../core/call.ts";
import { Rejected } from "../core/errors.ts";
import type { Delivery, Reading } from "../core/provider.ts";

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

/**
 * Limits for JSON that takes far longer to parse than its size suggests. The largest bodies of providers, three transcripts
 * of an hour with the times of every word, have about 30,000 objects, 12 levels and 100 names.
 */
const mostLevels = 100;
const mostContainers = 250_000;
const mostMembers = 400_000;
const mostNames = 5_000;
/** Strings that are values. V8 looks each short one up in its table of strings. */
const mostTexts = 150_000;

/** The value of a JSON text from a stranger. Throws `Rejected(400)` when it is no JSON or exceeds the limits. */
export function parseBody(text: string): unknown {
  refuseCostly(text);
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new Rejected(400, "the body is not JSON", { cause });
  }
}

/** Reads each character once before anything is built; invalid JSON is left to the parser. */
function refuseCostly(text: string): void {
  let [levels, containers, members, texts] = [0, 0, 0, 0];
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 0x22) {
      texts += 1;
      at = endOfString(text, at);
      if (at < 0) break;
    } else if (code === 0x7b || code === 0x5b) {
      levels += 1;
      containers += 1;
      if (levels > mostLevels) throw costly(`is nested deeper than ${mostLevels} levels`);
      if (containers > mostContainers) throw costly(`has more than ${mostContainers} lists and objects`);
    } else if (code === 0x7d || code === 0x5d) levels -= 1;
    else if (code === 0x3a) members += 1;
  }
  if (members > mostMembers) throw costly(`has more than ${mostMembers} members`);
  if (texts - members > mostTexts) throw costly(`has more than ${mostTexts} texts`);
  if (members > mostNames && differentNames(text) > mostNames)
    throw costly(`has more than about ${mostNames} different names`);
}

function costly(what: string): Rejected {
  return new Rejected(400, `the body ${what}, which would take too long to read`);
}

/** The position of the closing quote of a string; -1 when there is none. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let from = end;
    while (text.charCodeAt(from - 1) === 0x5c) from -= 1;
    if ((end - from) % 2 === 0) return end;
  }
  return -1;
}

/** Approximate, by hashes (FNV-1a), and only until there are too many. */
function differentNames(text: string): number {
  const seen = new Uint8Array(1 << 16);
  let names = 0;
  for (let at = text.indexOf('"'); at >= 0 && names <= mostNames; ) {
    const end = endOfString(text, at);
    if (end < 0) break;
    let next = end + 1;
    while (text.charCodeAt(next) <= 0x20) next += 1;
    if (text.charCodeAt(next) === 0x3a) {
      const slot = hashOf(text, at + 1, end) & 0xffff;
      if (seen[slot] === 0) names += 1;
      seen[slot] = 1;
    }
    at = text.indexOf('"', next);
  }
  return names;
}

/** Random at the start, so that names with equal hashes cannot be chosen. */
const hashStart = randomInt(2 ** 32);

function hashOf(text: string, from: number, to: number): number {
  let hash = hashStart;
  for (let at = from; at < to; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash;
}
