import type { IncomingMessage } from "node:http";
import type { Request } from "express";
import { Rejected } from "../core/errors.ts";

/** The exact bytes of a request. Throws `Rejected(413)` as soon as there are more than `limit`. */
export function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") {
    return Promise.reject(
      new Rejected(
        415,
        `a body with content-encoding ${encoding.slice(0, 40)} is not accepted: send it plain`,
      ),
    );
  }
  if (Number(request.headers["content-length"] ?? 0) > limit) return Promise.reject(tooLarge(limit));
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > limit) {
        request.pause();
        reject(tooLarge(limit));
      } else chunks.push(chunk);
    });
    request.on("end", () => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    request.on("error", (cause) => reject(cutOff(cause)));
    request.on("close", () => {
      // An error costs more than the rest of a request: none is made for a body that is complete.
      if (!request.complete) reject(cutOff());
    });
  });
}

function cutOff(cause?: unknown): Rejected {
  return new Rejected(400, "the request was cut off before its body was complete", { cause });
}

function tooLarge(limit: number): Rejected {
  return new Rejected(413, `the body is larger than ${limit} bytes`);
}

const largestJson = 1_000_000;
const utf8 = new TextDecoder("utf-8", { fatal: true });

/** A JSON body as it was written, so that its author's lines and order stay. `what`: e.g. "mapping". */
export async function readJsonText(request: Request, what: string): Promise<string> {
  if (!request.is("application/json")) {
    throw new Rejected(415, `send the ${what} as JSON, with the header \`Content-Type: application/json\``);
  }
  const body = await readBody(request, largestJson);
  try {
    return utf8.decode(body);
  } catch (cause) {
    throw new Rejected(400, "the body is not UTF-8 text", { cause });
  }
}
