import { rmSync, statSync } from "node:fs";
import { opendir, realpath, rename, rm, rmdir, unlink } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import type { Archive, ArchivedAudio, AudioToKeep } from "../core/archive.ts";
import { ArchiveError } from "../core/errors.ts";
import { diskError, isCode, makeFolder, orMissing, syncFolder } from "./disk.ts";
import { endingOf, plainType, safePath } from "./names.ts";
import { endOfFile, isWithin, playFile } from "./play.ts";
import { openSpool } from "./spool.ts";

const hashDigits = 16;
const maxAttempts = 20;

/**
 * Recordings as files below one folder: `<name>-<first 16 digits of the hash><ending>`. What has not arrived as a whole
 * waits in `.incoming` on the same disk, so that a rename makes it appear at once.
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
      // Another process removed the last file of the folder meanwhile, and the folder with it.
      if (!isCode(error, "ENOENT") || attempts >= maxAttempts) throw error;
      return publish(file, target, attempts + 1);
    });
  };

  const move = async (file: string, target: string): Promise<void> => {
    const folder = dirname(target);
    await makeFolder(folder);
    await insistInside(folder);
    // Looked up before the rename: of two processes that keep one name at once, neither takes the other's for old.
    const others = await othersOf(target);
    await rename(file, target);
    await syncFolder(folder);
    for (const [other, version] of others) {
      // Without an await in between: another process may just have kept the very same bytes again.
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

  /** The folder and those around it, as long as they are empty, up to the root. */
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

/** What was kept under the same name, with other bytes or of another type. Read in parts: a month may have many files. */
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
