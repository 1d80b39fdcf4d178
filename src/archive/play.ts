import { constants } from "node:fs";
import { type FileHandle, open, realpath } from "node:fs/promises";
import { join, sep } from "node:path";
import { Readable } from "node:stream";
import type { AudioReply, AudioRequest } from "../core/audio.ts";
import { orMissing } from "./disk.ts";
import { isPath, typeOf } from "./names.ts";
import { missingReply, quiet, rangeOf, unsatisfiableReply } from "./range.ts";

/** What `folder.ts` puts at the end of a file's name: the beginning of the hash, and the ending. */
export const endOfFile = /-([0-9a-f]{16})\.[a-z0-9]+$/;

// Not on Windows. A pipe that somebody put there would be waited for.
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;

/** Answers with a file below the root, or with a part of it; links that lead out of the root are not there. */
export async function playFile(root: string, place: string, request: AudioRequest): Promise<AudioReply> {
  const path = isPath(place) ? await orMissing(realpath(join(root, place))) : undefined;
  if (path === undefined || !isWithin(await realpath(root), path)) return missingReply();
  const handle = await orMissing(open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (!handle) return missingReply();
  // A stream of the file closes it at its end.
  let isStreamed = false;
  try {
    const reply = await replyOf(handle, path, request);
    isStreamed = reply.status < 400 && reply.headers["content-length"] !== "0";
    return reply;
  } finally {
    if (!isStreamed) await handle.close();
  }
}

async function replyOf(handle: FileHandle, path: string, request: AudioRequest): Promise<AudioReply> {
  const found = await handle.stat();
  if (!found.isFile()) return missingReply();
  const { size, mtimeMs } = found;
  const etag = `"${endOfFile.exec(path)?.[1] ?? mtimeMs}"`;
  const range = rangeOf(request, size, etag);
  if (range === "unsatisfiable") return unsatisfiableReply(size);
  const { start, end } = range === "whole" ? { start: 0, end: size - 1 } : range;
  return {
    status: range === "whole" ? 200 : 206,
    headers: {
      "content-type": typeOf(path),
      "content-length": String(end - start + 1),
      "accept-ranges": "bytes",
      etag,
      ...(range !== "whole" && { "content-range": `bytes ${start}-${end}/${size}` }),
    },
    body:
      size === 0 ? Readable.from([]) : quiet(handle.createReadStream({ start, end, signal: request.signal })),
  };
}

/** Whether a path is the root itself or lies below it; both without links. */
export function isWithin(root: string, path: string): boolean {
  return `${path}${sep}`.startsWith(root.endsWith(sep) ? root : `${root}${sep}`);
}
