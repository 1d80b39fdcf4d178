import { once } from "node:events";
import type { ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { Rejected } from "../core/errors.ts";
import { type AudioReply, isPage } from "../core/recording.ts";
import { totalIn } from "../lib/http.ts";

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

export type ListenerLimits = {
  /** Connections in total. */
  listeners: number;
  /** Connections for one recording. */
  perLink: number;
  /** A client with this many gets none of the last quarter. */
  perClient: number;
  /** A connection stalled for this long may be closed for another listener. */
  stalledMs: number;
};

type Listener = {
  link: number;
  /** Undefined for an address that may be a proxy. */
  client: string | undefined;
  /** Closes the connection. */
  end: () => void;
};

/** `stalls`, `goesOn`: the listener stops reading, and reads again. */
export type ListenerPlace = { stalls(): void; goesOn(): void; leave(): void };

type Taken = Listener & { stalledAt?: number };

/**
 * The places for listeners of recordings. When none is free for a new listener, a stalled connection is closed: of the
 * link or client with the most places, the one stalled for the longest. A connection that is being read is never
 * closed.
 */
export function createListeners({ listeners, perLink, perClient, stalledMs }: ListenerLimits) {
  const places = new Set<Taken>();

  const freeOneOf = (crowd: readonly Taken[]): boolean => {
    const idlest = idlestOf(crowd, performance.now() - stalledMs);
    if (!idlest) return false;
    places.delete(idlest);
    idlest.end();
    return true;
  };

  const makeRoom = ({ link, client }: Listener): void => {
    const ofLink = [...places].filter((one) => one.link === link);
    if (ofLink.length >= perLink && !freeOneOf(ofLink))
      throw new Rejected(
        429,
        `${perLink} listeners are playing this recording already: try again in a while`,
      );
    const ofClient = [...places].filter((one) => client !== undefined && one.client === client);
    if (places.size >= listeners * 0.75 && ofClient.length >= perClient && !freeOneOf(ofClient))
      throw new Rejected(
        429,
        `your address is playing ${ofClient.length} recordings, and few more can play: try again in a while`,
      );
    if (places.size >= listeners && !freeOneOf([...places]))
      throw new Rejected(503, `${listeners} recordings are playing already: try again in a while`);
  };

  return {
    /** Throws `Rejected` with 429 or 503 when no place is free and no connection can be closed. */
    take(listener: Listener): ListenerPlace {
      makeRoom(listener);
      const taken: Taken = { ...listener };
      places.add(taken);
      return {
        stalls: () => {
          taken.stalledAt = performance.now();
        },
        goesOn: () => {
          delete taken.stalledAt;
        },
        leave: () => void places.delete(taken),
      };
    },
  };
}

/** The connections stalled since before `before`: first the link or client with the most places, then the longest. */
function idlestOf(crowd: readonly Taken[], before: number): Taken | undefined {
  const sizes = new Map<string | number, number>();
  const count = (group: string | number) => sizes.set(group, (sizes.get(group) ?? 0) + 1);
  for (const { link, client } of crowd) {
    count(link);
    if (client !== undefined) count(client);
  }
  const most = ({ link, client = "" }: Taken) => Math.max(sizes.get(link) ?? 0, sizes.get(client) ?? 0);
  const [idlest] = crowd
    .filter(({ stalledAt = Number.POSITIVE_INFINITY }) => stalledAt <= before)
    .sort((a, b) => most(b) - most(a) || (a.stalledAt ?? 0) - (b.stalledAt ?? 0));
  return idlest;
}
