import { Readable } from "node:stream";
import type { AudioReply, AudioRequest } from "../core/audio.ts";

/** Both ends are included. */
export type Range = { start: number; end: number };

const oneRange = /^bytes=(?:(\d{1,15})-(\d{0,15})|-(\d{1,15}))$/;

/** What is asked for of so many bytes; anything but one range, or a range of something older, is the whole. */
export function rangeOf(
  { headers }: AudioRequest,
  bytes: number,
  etag: string,
): Range | "whole" | "unsatisfiable" {
  const ifRange = headers["if-range"];
  const asked = askedRange(headers["range"]);
  if (!asked || (ifRange !== undefined && ifRange !== etag)) return "whole";
  const [, first, last, suffix] = oneRange.exec(asked) ?? [];
  const start = first === undefined ? Math.max(0, bytes - Number(suffix)) : Number(first);
  const end = first !== undefined && last ? Math.min(Number(last), bytes - 1) : bytes - 1;
  return start < bytes ? { start, end } : "unsatisfiable";
}

/** A header that asks for one range, or undefined. RFC 9110, 14.1.1: one that ends before it begins is no range. */
export function askedRange(header: string | undefined): string | undefined {
  const [, first, last] = oneRange.exec(header ?? "") ?? [];
  const isBackwards = first !== undefined && last && Number(last) < Number(first);
  return header !== undefined && oneRange.test(header) && !isBackwards ? header : undefined;
}

export function missingReply(): AudioReply {
  return { status: 404, headers: {}, body: Readable.from([]) };
}

export function unsatisfiableReply(bytes: number | undefined): AudioReply {
  const headers = { ...(bytes !== undefined && { "content-range": `bytes */${bytes}` }) };
  return { status: 416, headers, body: Readable.from([]) };
}

/** A body that may be left unread when the listener leaves: its error is for whoever reads it, and for nobody else. */
export function quiet(body: Readable): Readable {
  return body.on("error", () => {});
}
