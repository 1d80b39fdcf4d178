import type { IncomingMessage } from "node:http";
import type { Request } from "express";
import { Rejected } from "../core/errors.ts";
import type { BodyRoom } from "../lib/body-room.ts";

/** `limit`: of this body, in bytes. `isProved`: the head of the request proves its sender. */
type BodyOptions = { limit: number; room: BodyRoom; isProved: boolean };

/**
 * Works with the exact bytes of a request, which count in `room` until the work is done. Throws `Rejected`: 413 as soon
 * as there are more than `limit`, 503 when their room is needed for others.
 */
export async function withBody<T>(
  request: IncomingMessage,
  { limit, room, isProved }: BodyOptions,
  work: (body: Uint8Array) => T | Promise<T>,
): Promise<T> {
  refuseUnreadable(request.headers, limit);
  const { promise: whole, resolve, reject } = Promise.withResolvers<Uint8Array>();
  let chunks: Buffer[] = [];
  let size = 0;
  const giveUp = (reason: Rejected): void => {
    // The rest is let go as it comes: a connection that is closed meanwhile could take the answer with it.
    request.off("data", take);
    request.resume();
    chunks = [];
    reject(reason);
  };
  const seat = room.enter(request, isProved, giveUp);
  const take = (chunk: Buffer): void => {
    size += chunk.length;
    if (size > limit) giveUp(tooLarge(limit));
    else {
      chunks.push(ownBytes(chunk));
      seat.grow(chunk.length);
    }
  };
  request.on("data", take);
  request.on("end", () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
  request.on("error", (cause) => reject(cutOff(cause)));
  request.on("close", () => {
    // An error costs more than the rest of a request: none is made for a body that is complete.
    if (!request.complete) reject(cutOff());
  });
  try {
    const body = await whole;
    seat.settle();
    return await work(body);
  } finally {
    seat.leave();
  }
}

/** `utf-8` and `none` are no codings, but senders name them (expressjs/body-parser 100 and 108). */
const plainEncodings = new Set(["", "identity", "none", "utf-8", "utf8"]);

function refuseUnreadable(headers: IncomingMessage["headers"], limit: number): void {
  const encoding = headers["content-encoding"] ?? "";
  if (!plainEncodings.has(encoding.toLowerCase())) {
    throw new Rejected(
      415,
      `a body with content-encoding ${encoding.slice(0, 40)} is not accepted: send it plain`,
    );
  }
  if (Number(headers["content-length"] ?? 0) > limit) throw tooLarge(limit);
}

/** A chunk is a view of all that came in one packet: a copy lets go of the rest, which a stranger may make long. */
function ownBytes(chunk: Buffer): Buffer {
  return chunk.buffer.byteLength > 2 * chunk.length + 4_096 ? Buffer.from(chunk) : chunk;
}

function cutOff(cause?: unknown): Rejected {
  return new Rejected(400, "the request was cut off before its body was complete", { cause });
}

function tooLarge(limit: number): Rejected {
  return new Rejected(413, `the body is larger than ${limit.toLocaleString("en")} bytes`);
}

const largestJson = 1_000_000;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** A JSON body as it was written, so that its author's lines and order stay. `what`: e.g. "mapping". */
export async function readJsonText(request: Request, what: string, room: BodyRoom): Promise<string> {
  if (!request.is("application/json")) {
    throw new Rejected(415, `send the ${what} as JSON, with the header \`Content-Type: application/json\``);
  }
  return withBody(request, { limit: largestJson, room, isProved: true }, (body) => {
    try {
      return utf8.decode(body);
    } catch (cause) {
      throw new Rejected(400, "the body is not UTF-8 text", { cause });
    }
  });
}
