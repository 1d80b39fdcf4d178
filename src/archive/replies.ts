import { Readable } from "node:stream";
import type { AudioReply } from "../core/recording.ts";

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
