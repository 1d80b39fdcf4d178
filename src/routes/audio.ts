import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { type AudioReply, isPage } from "../core/archive.ts";
import { Rejected } from "../core/errors.ts";
import { totalIn } from "../lib/range.ts";
import type { ListenerLimits, ListenerPlace } from "./listeners.ts";

export type AudioLimits = {
  bytes: number;
  /** How long the provider may send nothing. */
  idleMs: number;
  /** How long a listener may read nothing. */
  listenerIdleMs: number;
} & ListenerLimits;

export const usualLimits: AudioLimits = {
  bytes: 500 * 1024 * 1024,
  idleMs: 30_000,
  // A paused player stops reading.
  listenerIdleMs: 600_000,
  listeners: 200,
  perLink: 50,
  perClient: 50,
  // Shorter than a player at normal speed needs for what the socket buffers hold.
  stalledMs: 30_000,
};

/** `passed`: called once with the number of bytes sent. */
export type Progress = Pick<ListenerPlace, "stalls" | "goesOn"> & { passed(bytes: number): void };

/** For `application/octet-stream` and any other type that is neither audio nor a page. */
const typeByEnding = { ".mp3": "audio/mpeg", ".wav": "audio/wav" } as const;

/**
 * The response headers: the provider's facts about the bytes, and headers that keep a browser from treating them as
 * anything but audio. Throws `Rejected(502)` for a page in place of audio, and for a recording that is too large.
 */
export function audioHeaders(
  reply: AudioReply,
  ending: keyof typeof typeByEnding,
  maxBytes: number,
): Record<string, string> {
  const { status, headers } = reply;
  if (status !== 416 && isPage(reply)) {
    throw new Rejected(502, "the provider answered with a page instead of the recording: is its link right?");
  }
  const length = matching(headers["content-length"], /^\d{1,15}$/);
  const range = headers["content-range"];
  const total = totalIn(range);
  if (Math.max(Number(length ?? 0), total ?? 0) > maxBytes) throw tooLarge(maxBytes);
  const encoding = matching(headers["content-encoding"], /^(gzip|br|deflate|zstd)$/);
  const etag = matching(headers["etag"], /^(W\/)?"[\x21-\x7e]*"$/);
  const modified = matching(headers["last-modified"], /^[\w ,:+-]{1,40}$/);
  const ranges = status === 206 || headers["accept-ranges"] === "bytes";
  return {
    "content-type": audioType(headers["content-type"], ending),
    "content-disposition": `inline; filename="recording${ending}"`,
    "content-security-policy": "default-src 'none'; sandbox",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-robots-tag": "noindex",
    // The player is on a CRM's page, which is another site.
    "cross-origin-resource-policy": "cross-origin",
    "cache-control": "private, no-store",
    ...(status !== 416 && length !== undefined && { "content-length": length }),
    ...(status === 416 && { "content-length": "0" }),
    ...(range !== undefined && total !== undefined && { "content-range": range }),
    ...(encoding !== undefined && { "content-encoding": encoding }),
    ...(etag !== undefined && { etag }),
    ...(modified !== undefined && { "last-modified": modified }),
    ...(ranges && { "accept-ranges": "bytes" }),
  };
}

/** Streams the bytes at the listener's speed without buffering them. Throws when either side stalls for too long. */
export async function pumpAudio(
  body: Readable,
  response: ServerResponse,
  limits: AudioLimits,
  progress: Progress,
): Promise<void> {
  const silent = () =>
    body.destroy(new Rejected(504, `the provider sent nothing for ${limits.idleMs / 1000} s`));
  let timer = setTimeout(silent, limits.idleMs);
  const taken = async (event: "drain" | "finish"): Promise<void> => {
    progress.stalls();
    await until(event, response, limits.listenerIdleMs);
    progress.goesOn();
  };
  let bytes = 0;
  response.flushHeaders();
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      clearTimeout(timer);
      bytes += chunk.length;
      if (bytes > limits.bytes) throw tooLarge(limits.bytes);
      if (!response.write(chunk)) await taken("drain");
      timer = setTimeout(silent, limits.idleMs);
    }
  } finally {
    clearTimeout(timer);
    progress.passed(bytes);
  }
  response.end();
  if (!response.writableFinished) await taken("finish");
}

/** Waits until the listener has read what was written. */
async function until(event: "drain" | "finish", response: ServerResponse, withinMs: number): Promise<void> {
  if (response.destroyed) throw new Error("the listener left");
  const settled = new AbortController();
  const { signal } = settled;
  try {
    await Promise.race([
      once(response, event, { signal }),
      once(response, "close", { signal }).then(() => {
        throw new Error("the listener left");
      }),
      pause(withinMs, undefined, { signal }).then(() => {
        throw new Error(`the listener took nothing for ${withinMs / 1000} s`);
      }),
    ]);
  } finally {
    settled.abort();
  }
}

function audioType(given: string | undefined, ending: keyof typeof typeByEnding): string {
  return matching(given, /^audio\/[\w.+-]{1,60}(; ?[\w-]+=[\w.-]+)?$/i) ?? typeByEnding[ending];
}

function matching(text: string | undefined, pattern: RegExp): string | undefined {
  return text !== undefined && pattern.test(text) ? text : undefined;
}

function tooLarge(maxBytes: number): Rejected {
  return new Rejected(
    502,
    `the recording is larger than ${Math.round(maxBytes / 1_048_576)} MB, so it is not passed on`,
  );
}
