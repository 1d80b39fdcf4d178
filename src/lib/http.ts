import { Readable } from "node:stream";
import type { AudioReply, AudioRequest } from "../core/recording.ts";
import { isObject, type JsonObject } from "./body.ts";

/** One request to an API. Secrets stand in `headers`, `bearer`, `form` or `json`, never in `url`. */
export type HttpRequest = {
  url: string;
  /** GET when absent. */
  method?: "GET" | "POST" | "PATCH" | "DELETE";
  headers?: Readonly<Record<string, string>>;
  bearer?: string;
  /** The body, unless `json` is. */
  form?: Readonly<Record<string, string>>;
  json?: object;
  signal?: AbortSignal | undefined;
  /** Until the last byte of the answer. */
  timeoutMs: number;
  /** A longer answer is not read; any length when absent. */
  maxBytes?: number;
};

export type HttpReply = { status: number; headers: Headers; text: string };

/** A request without a whole answer. The message completes "The API …". */
export class NoReply extends Error {
  /** `aborted`: by the signal of the request. `oversized`: longer than `maxBytes`. */
  readonly reason: "timeout" | "network" | "aborted" | "oversized";

  constructor(reason: NoReply["reason"], message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "NoReply";
    this.reason = reason;
  }
}

/** Sends a request once, without following redirects. Throws `NoReply`. */
export async function sendOnce(request: HttpRequest): Promise<HttpReply> {
  const { url, method = "GET", headers, bearer, form, json, signal, timeoutMs, maxBytes } = request;
  const deadline = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(url, {
      method,
      headers: {
        accept: "application/json",
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
        ...(json && { "content-type": "application/json" }),
        ...headers,
      },
      ...(form && { body: new URLSearchParams(form) }),
      ...(json && { body: JSON.stringify(json) }),
      redirect: "error",
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
    return { status: response.status, headers: response.headers, text: await textOf(response, maxBytes) };
  } catch (cause) {
    if (cause instanceof NoReply) throw cause;
    if (signal?.aborted)
      throw new NoReply("aborted", "did not answer before the request was stopped", { cause });
    if (deadline.aborted)
      throw new NoReply("timeout", `did not answer within ${timeoutMs / 1000} s`, { cause });
    throw new NoReply("network", `cannot be reached (${codeOf(cause) ?? "network"})`, { cause });
  }
}

async function textOf(response: Response, maxBytes = Number.POSITIVE_INFINITY): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxBytes)
      throw new NoReply("oversized", `answered with more than ${maxBytes / 1_048_576} MB`);
    chunks.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(chunks));
}

export function isSuccess({ status }: { status: number }): boolean {
  return status >= 200 && status < 300;
}

/** The JSON object in a text, the first one of a list; an empty one for anything else. */
export function objectIn(text: string): JsonObject {
  try {
    const parsed: unknown = JSON.parse(text);
    const value: unknown = Array.isArray(parsed) ? parsed[0] : parsed;
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** `Retry-After`, in seconds or as a date, in milliseconds from `now`. */
export function retryAfterMs(header: string | null | undefined, now: number): number | undefined {
  const text = header?.trim();
  if (!text) return undefined;
  const seconds = Number(text);
  const ms = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(text) - now;
  return Number.isFinite(ms) && ms >= 0 ? ms : undefined;
}

/** The code of an error or of the first of its causes that has one, such as `ECONNREFUSED`. */
export function codeOf(error: unknown): string | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ("code" in cause && typeof cause.code === "string") return cause.code;
  }
  return undefined;
}

/** Bytes `start` to `end`, both included. */
type Range = { start: number; end: number };

const oneRange = /^bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))$/;
const contentRange = /^bytes (?:\d+-\d+|\*)\/(\d+|\*)$/;

/**
 * The value of a `Range` header with one range, otherwise undefined: several ranges, and one that ends before it begins
 * (RFC 9110, 14.1.1), mean the whole.
 */
export function singleRange(header: string | undefined): string | undefined {
  const [, first, last] = oneRange.exec(header ?? "") ?? [];
  const isBackwards = first !== undefined && last && Number(last) < Number(first);
  return header !== undefined && oneRange.test(header) && !isBackwards ? header : undefined;
}

/** The part of `bytes` bytes that is requested; the whole when `If-Range` names another version than `etag`. */
export function rangeOf(
  { headers }: AudioRequest,
  bytes: number,
  etag: string,
): Range | "whole" | "unsatisfiable" {
  const ifRange = headers["if-range"];
  const range = singleRange(headers["range"]);
  if (!range || (ifRange !== undefined && ifRange !== etag)) return "whole";
  const [, first, last, suffix] = oneRange.exec(range) ?? [];
  const start = first === undefined ? Math.max(0, bytes - Number(suffix)) : Number(first);
  const end = first !== undefined && last ? Math.min(Number(last), bytes - 1) : bytes - 1;
  return start < bytes ? { start, end } : "unsatisfiable";
}

export function contentRangeOf({ start, end }: Range, bytes: number): string {
  return `bytes ${start}-${end}/${bytes}`;
}

/** The total in a `Content-Range` header: 0 when it is not told, undefined when this is no such header. */
export function totalIn(header: string | undefined): number | undefined {
  const total = contentRange.exec(header ?? "")?.[1];
  return total === undefined ? undefined : Number(total === "*" ? 0 : total);
}

export function missingReply(): AudioReply {
  return { status: 404, headers: {}, body: Readable.from([]) };
}

export function unsatisfiableReply(bytes: number | undefined): AudioReply {
  const headers = { ...(bytes !== undefined && { "content-range": `bytes */${bytes}` }) };
  return { status: 416, headers, body: Readable.from([]) };
}

/** Keeps an error of an unread body from ending the process; a reader still gets it. */
export function quiet(body: Readable): Readable {
  return body.on("error", () => {});
}
