import type { IncomingMessage } from "node:http";
import type { Request } from "express";
import { prettifyError, ZodError, type ZodType } from "zod";
import { messageOf, Rejected } from "../core/errors.ts";
import type { BodyRoom } from "../lib/body-room.ts";

type BodyOptions = {
  /** In bytes. */
  limit: number;
  room: BodyRoom;
  /** The headers authenticate the sender. */
  isProved: boolean;
};

/**
 * Calls `work` with the exact bytes of a request, which count in `room` until it is done. Throws `Rejected`: 413 above
 * `limit`, 503 when the room is needed for others.
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
    // The rest is read and discarded: closing the connection now could lose the response.
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
    // Creating an error is expensive: only for an incomplete body.
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

/** `utf-8` and `none` are not content codings, but senders use them (expressjs/body-parser 100 and 108). */
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

/** A chunk is a view of a whole packet: a copy releases the rest, which a client can make large. */
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

const largestForm = 20_000;

/** The fields of a page's form. */
export async function readForm(request: Request, room: BodyRoom): Promise<URLSearchParams> {
  if (!request.is("application/x-www-form-urlencoded"))
    throw new Rejected(415, "send the fields as a form: `Content-Type: application/x-www-form-urlencoded`");
  return withBody(
    request,
    { limit: largestForm, room, isProved: false },
    (body) => new URLSearchParams(new TextDecoder().decode(body)),
  );
}

/** A JSON body as text, with its author's line breaks and order. `what`: e.g. "mapping". */
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

type JsonShape<T> = {
  schema: ZodType<T>;
  /** E.g. "contact". */
  what: string;
  /** What it looks like, for the error. */
  example: string;
};

/** A JSON body of this shape. Throws `Rejected(400)` that names each wrong member. */
export async function readJsonAs<T>(
  request: Request,
  room: BodyRoom,
  { schema, what, example }: JsonShape<T>,
): Promise<T> {
  const text = await readJsonText(request, what, room);
  try {
    return schema.parse(JSON.parse(text));
  } catch (cause) {
    const why = cause instanceof ZodError ? prettifyError(cause) : messageOf(cause);
    throw new Rejected(400, `send the ${what} as ${example}: ${why}`, { cause });
  }
}
