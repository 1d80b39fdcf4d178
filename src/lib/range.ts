import type { AudioRequest } from "../core/recording.ts";

/** Bytes `start` to `end`, both included. */
export type Range = { start: number; end: number };

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
