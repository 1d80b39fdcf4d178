import { createHash } from "node:crypto";
import { type FileHandle, open, readdir, rm, stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { ArchiveError, messageOf } from "../core/errors.ts";
import type { AudioToKeep } from "../core/recording.ts";
import { diskError, makeFolder, orMissing, randomName } from "./disk.ts";
import { safePath } from "./names.ts";

/** Audio in a durable temporary file. */
export type Spooled = {
  file: string;
  bytes: number;
  /** In hex. */
  sha256: string;
  /** In base64. */
  md5: string | undefined;
};

/** A folder for incomplete recordings. Files that killed processes left there are removed at the start. */
export type Spool = {
  /** Writes the whole body, or leaves nothing behind. The caller moves or removes the file. */
  take(audio: Omit<AudioToKeep, "type">, signal?: AbortSignal): Promise<Spooled>;
  /** Throws when nothing can be written. */
  ready(): Promise<void>;
};

type SpoolOptions = { md5?: boolean; now?: () => number };

/** Another machine's file that was not written to for this long is a leftover. */
const forgottenMs = 3_600_000;
const probeBytes = 65_536;
const megabyte = 1_048_576;

type SpoolWrite = { file: string; body: Readable; maxBytes: number; progress: { bytes: number } };

export function openSpool(
  folder: string,
  { md5: withMd5 = false, now = Date.now }: SpoolOptions = {},
): Spool {
  const cleared = removeLeftovers(folder, now).catch(() => undefined);

  const take: Spool["take"] = async ({ name, body, maxBytes }, signal) => {
    // Before the first `await`: an unhandled error of the body would end the process.
    body.on("error", () => {});
    const file = join(folder, `${ownPrefix}${randomName()}.part`);
    const progress = { bytes: 0 };
    taking.add(file);
    try {
      safePath(name);
      await cleared;
      return { file, ...(await write({ file, body, maxBytes, progress }, signal)) };
    } catch (error) {
      body.destroy();
      await rm(file, { force: true }).catch(() => undefined);
      throw inWords(error, progress.bytes, signal);
    } finally {
      taking.delete(file);
    }
  };

  const write = async (
    { file, body, maxBytes, progress }: SpoolWrite,
    signal: AbortSignal | undefined,
  ): Promise<Omit<Spooled, "file">> => {
    const sha256 = createHash("sha256");
    const md5 = withMd5 ? createHash("md5") : undefined;
    const handle = await onDisk(create(file));
    try {
      const sink = async (chunks: AsyncIterable<Uint8Array>): Promise<void> => {
        for await (const chunk of chunks) {
          progress.bytes += chunk.length;
          if (progress.bytes > maxBytes) throw tooLarge(maxBytes);
          sha256.update(chunk);
          md5?.update(chunk);
          await onDisk(handle.writeFile(chunk));
        }
      };
      await pipeline(body, sink, { ...(signal && { signal }) });
      await onDisk(handle.sync());
    } finally {
      await handle.close();
    }
    return { bytes: progress.bytes, sha256: sha256.digest("hex"), md5: md5?.digest("base64") };
  };

  const create = async (file: string): Promise<FileHandle> => {
    await makeFolder(folder);
    return open(file, "wx", 0o600);
  };

  const onDisk = <T>(work: Promise<T>): Promise<T> =>
    work.catch((error: unknown) => Promise.reject(diskError(folder, error)));

  return {
    take,
    async ready() {
      const body = Readable.from([Buffer.alloc(probeBytes)]);
      const { file } = await take({ name: "probe", body, maxBytes: probeBytes });
      await rm(file, { force: true });
    },
  };
}

/** The files that this process is writing. */
const taking = new Set<string>();
const machine = hostname().replaceAll(/[^\w.]/g, "_");
const ownPrefix = `${machine}-${process.pid}-`;
const partPattern = /^([\w.]+)-(\d+)-[0-9a-f]+\.part$/;

async function removeLeftovers(folder: string, now: () => number): Promise<void> {
  for (const name of (await orMissing(readdir(folder))) ?? []) {
    const [, host, pid] = partPattern.exec(name) ?? [];
    if (pid === undefined) continue;
    const file = join(folder, name);
    const isInUse = host === machine ? isWriting(Number(pid), file) : await isFresh(file, now);
    if (!isInUse) await rm(file, { force: true });
  }
}

/** For the files of another machine that shares the folder: its processes cannot be checked. */
async function isFresh(file: string, now: () => number): Promise<boolean> {
  const found = await orMissing(stat(file));
  return found !== undefined && now() - found.mtimeMs <= forgottenMs;
}

function isWriting(pid: number, file: string): boolean {
  if (pid === process.pid) return taking.has(file); // in a container every process is number 1
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function tooLarge(maxBytes: number): ArchiveError {
  const size = maxBytes < megabyte ? `${maxBytes} bytes` : `${Math.floor(maxBytes / megabyte)} MB`;
  return new ArchiveError("never", `the recording is larger than ${size}, so it is not kept`);
}

/** Any error that is not an `ArchiveError` comes from the body. */
function inWords(error: unknown, bytes: number, signal: AbortSignal | undefined): ArchiveError {
  if (signal?.aborted) return stopped(signal);
  if (error instanceof ArchiveError) return error;
  return new ArchiveError("later", `the recording broke off after ${bytes} bytes: ${messageOf(error)}`, {
    cause: error,
  });
}

export function stopped({ reason }: AbortSignal): ArchiveError {
  return new ArchiveError("later", "the work on the recording was stopped", { cause: reason });
}
