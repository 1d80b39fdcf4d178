import { constants, rmSync, statSync } from "node:fs";
import { type FileHandle, open, opendir, realpath, rename, rm, rmdir, unlink } from "node:fs/promises";
import { basename, dirname, join, resolve, sep } from "node:path";
import { Readable } from "node:stream";
import { ArchiveError } from "../core/errors.ts";
import type { Archive, ArchivedAudio, AudioReply, AudioRequest, AudioToKeep } from "../core/recording.ts";
import { contentRangeOf, missingReply, quiet, rangeOf, unsatisfiableReply } from "../lib/http.ts";
import { diskError, isCode, makeFolder, orMissing, syncFolder } from "./disk.ts";
import { endingOf, isPath, plainType, safePath, typeOf } from "./names.ts";
import { openSpool } from "./spool.ts";

const hashDigits = 16;
const maxAttempts = 20;
/** The end of a file's name: the beginning of the hash, and the ending. */
const endOfFile = /-([0-9a-f]{16})\.[a-z0-9]+$/;

// Windows lacks both. O_NONBLOCK: opening a named pipe would block.
const { O_RDONLY, O_NOFOLLOW = 0, O_NONBLOCK = 0 } = constants;

/**
 * Recordings as files below one folder: `<name>-<first 16 digits of the hash><ending>`. A file is written to `.incoming` on
 * the same disk and then renamed, so that it appears as a whole.
 */
export function openFolder(path: string, now: () => number = Date.now): Archive {
  const root = resolve(path);
  const spool = openSpool(join(root, ".incoming"), { now });
  let turn: Promise<unknown> = Promise.resolve();

  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work);
    turn = done.catch(() => undefined);
    return done;
  };

  const keep = async (audio: AudioToKeep, signal?: AbortSignal): Promise<ArchivedAudio> => {
    const type = plainType(audio.type);
    const { file, bytes, sha256 } = await spool.take(audio, signal);
    const place = `${audio.name}-${sha256.slice(0, hashDigits)}${endingOf(type)}`;
    try {
      await inTurn(() => publish(file, join(root, place)));
    } finally {
      await rm(file, { force: true }).catch(() => undefined);
    }
    return { place, bytes, sha256, type };
  };

  const publish = async (file: string, target: string, attempts = 1): Promise<void> => {
    await move(file, target).catch((error: unknown) => {
      // Another process has just removed the last file of the folder, and the folder with it.
      if (!isCode(error, "ENOENT") || attempts >= maxAttempts) throw error;
      return publish(file, target, attempts + 1);
    });
  };

  const move = async (file: string, target: string): Promise<void> => {
    const folder = dirname(target);
    await makeFolder(folder);
    await insistInside(folder);
    // Before the rename: when two processes store the same name at once, neither deletes the other's file as an old one.
    const others = await othersOf(target);
    await rename(file, target);
    await syncFolder(folder);
    for (const [other, version] of others) {
      // Synchronous: another process may have stored the same bytes again.
      if (versionOf(other) === version) rmSync(other, { force: true });
    }
  };

  const insistInside = async (folder: string): Promise<void> => {
    if (isWithin(await realpath(root), await realpath(folder))) return;
    throw new ArchiveError("never", `${folder} leads out of the archive: remove that link`);
  };

  const remove = async (place: string): Promise<void> => {
    const file = join(root, safePath(place));
    const folder = dirname(file);
    if (!(await orMissing(realpath(folder)))) return;
    await insistInside(folder);
    await orMissing(unlink(file));
    await syncFolder(folder);
    await removeEmpty(folder);
  };

  /** Removes the folder and its parents below the root while they are empty. */
  const removeEmpty = async (folder: string): Promise<void> => {
    if (folder === root) return;
    const isGone = await rmdir(folder).then(
      () => true,
      () => false,
    );
    if (!isGone) return;
    await syncFolder(dirname(folder));
    await removeEmpty(dirname(folder));
  };

  const inWords = (error: unknown): never => {
    throw diskError(root, error);
  };

  return {
    name: `the folder ${root}`,
    keep: (audio, signal) => keep(audio, signal).catch(inWords),
    open: (place, request) => playFile(root, place, request).catch(inWords),
    remove: (place) => inTurn(() => remove(place)).catch(inWords),
    ready: spool.ready,
    close: async () => {
      await turn;
    },
  };
}

/** Files of the same name with other bytes or another type. Read in parts: a month may have many files. */
async function othersOf(target: string): Promise<Map<string, string | undefined>> {
  const folder = dirname(target);
  const own = basename(target);
  const name = own.replace(endOfFile, "");
  const found = new Map<string, string | undefined>();
  for await (const { name: file } of await opendir(folder, { bufferSize: 1_024 })) {
    if (file === own || !endOfFile.test(file) || file.replace(endOfFile, "") !== name) continue;
    found.set(join(folder, file), versionOf(join(folder, file)));
  }
  return found;
}

function versionOf(file: string): string | undefined {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  return found && `${found.ino}:${found.ctimeNs}`;
}

/** A file below the root, or a part of it; 404 for a link that leads out of the root. */
async function playFile(root: string, place: string, request: AudioRequest): Promise<AudioReply> {
  const path = isPath(place) ? await orMissing(realpath(join(root, place))) : undefined;
  if (path === undefined || !isWithin(await realpath(root), path)) return missingReply();
  const handle = await orMissing(open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  if (!handle) return missingReply();
  // The stream closes the file at its end.
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
      ...(range !== "whole" && { "content-range": contentRangeOf(range, size) }),
    },
    body:
      size === 0 ? Readable.from([]) : quiet(handle.createReadStream({ start, end, signal: request.signal })),
  };
}

/** Whether a path is the root or below it; both must be resolved. */
function isWithin(root: string, path: string): boolean {
  return `${path}${sep}`.startsWith(root.endsWith(sep) ? root : `${root}${sep}`);
}
