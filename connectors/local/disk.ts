import { type BigIntStats, renameSync, statSync } from "node:fs";
import { type FileHandle, mkdir, open, readdir, realpath, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { Adapter } from "lowdb";
import { CrmError } from "../../src/core/errors.ts";
import type { Document } from "./document.ts";
import { JsonFault, placeOf } from "./json.ts";
import { chunksOf, readDocument } from "./layout.ts";

/**
 * The file, for lowdb. `read` returns null when there is no file; `write` replaces the whole file durably. Both throw
 * `CrmError("later")` with the fault and its place, or `Overtaken`.
 */
export type Disk = Adapter<Document> & {
  /** Whether another program wrote the file after our last read or write. */
  changed(): Promise<boolean>;
  /** After a failure memory and file may differ, so the file counts as changed. */
  forget(): void;
};

/** Another program wrote the file during our write. Its version is untouched: read it and try again. */
export class Overtaken extends CrmError {
  constructor(file: string) {
    super("later", `${file} was changed by another program at the same moment. Calls wait; nothing is lost.`);
    this.name = "Overtaken";
  }
}

const missing = "missing";
const unsettled = Symbol("unsettled");
/** The longest time between two writes of one save of an editor. */
const settleMs = 25;
const maxAttempts = 20;
let temporaryFiles = 0;

export function openDisk(file: string, region: string): Disk {
  let seen: string | undefined;
  let hadFile = false;
  let broken: { version: string; error: CrmError } | undefined;

  const read = async (): Promise<Document | null> => {
    if (seen === undefined && !hadFile) await removeLeftovers(file);
    for (let attempts = 1; attempts <= maxAttempts; attempts++) {
      const document = await readOnce();
      if (document !== unsettled) return document;
      await setTimeout(settleMs);
    }
    throw later("is written by another program all the time");
  };

  const readOnce = async (): Promise<Document | null | typeof unsettled> => {
    const handle = await orMissing(open(file, "r"));
    if (!handle) return noFile();
    try {
      const version = versionOf(await handle.stat({ bigint: true }));
      if (broken?.version === version) throw broken.error;
      await closeToOthers(handle);
      const bytes = await handle.readFile();
      if (versionOf(await handle.stat({ bigint: true })) !== version) return unsettled;
      const document = await readDocument(bytes, region).catch((error: unknown) => faultOf(error));
      if (document instanceof JsonFault) return await refuse(bytes, document, version);
      seen = version;
      hadFile = true;
      return document;
    } finally {
      await handle.close();
    }
  };

  /** An incomplete file may be one that an editor is still writing. */
  const refuse = async (bytes: Buffer, fault: JsonFault, version: string): Promise<typeof unsettled> => {
    await setTimeout(settleMs);
    if ((await versionAt(file)) !== version) return unsettled;
    broken = { version, error: later(faultText(bytes, fault), fault) };
    throw broken.error;
  };

  const noFile = (): null => {
    if (hadFile) throw later("is gone. Put it back, or restart Switchhook to begin with an empty one");
    seen = missing;
    return null;
  };

  const write = async (document: Document): Promise<void> => {
    const target = (await orMissing(realpath(file))) ?? file;
    const folder = dirname(target);
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const temporary = join(folder, `.${basename(target)}.${process.pid}-${++temporaryFiles}.tmp`);
    try {
      const version = await fill(temporary, document, await orMissing(stat(target)));
      // Without an await in between, no other work of this process can save between the two.
      if (versionNow(target) !== seen) throw new Overtaken(file);
      renameSync(temporary, target);
      seen = version;
      hadFile = true;
      await syncFolder(folder);
    } finally {
      await rm(temporary, { force: true });
    }
  };

  const later = (problem: string, cause?: unknown): CrmError =>
    new CrmError("later", `${file} ${problem}. Calls wait until then; nothing is lost.`, { cause });

  const named = (error: unknown): unknown =>
    error instanceof Error && "code" in error
      ? later(
          `cannot be read or written (${String(error.code)}). Let Switchhook read and write it and its folder`,
          error,
        )
      : error;

  return {
    read: () => read().catch((error: unknown) => Promise.reject(named(error))),
    write: (document) => write(document).catch((error: unknown) => Promise.reject(named(error))),
    changed: async () => {
      const version = await versionAt(file).catch((error: unknown) => Promise.reject(named(error)));
      return version !== seen;
    },
    forget: () => {
      seen = undefined;
    },
  };
}

/** A process that was killed during a write leaves its temporary file. */
async function removeLeftovers(file: string): Promise<void> {
  const target = (await orMissing(realpath(file))) ?? file;
  for (const name of (await orMissing(readdir(dirname(target)))) ?? []) {
    if (!name.startsWith(`.${basename(target)}.`)) continue;
    const pid = /^(\d+)-\d+\.tmp$/.exec(name.slice(basename(target).length + 2))?.[1];
    if (pid && !isRunning(Number(pid))) await rm(join(dirname(target), name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  if (pid === process.pid) return false; // in a container every process is number 1
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** Writes a new file beside the old one, with the same permissions, and makes it durable. */
async function fill(
  temporary: string,
  document: Document,
  old: { mode: number; uid: number; gid: number } | undefined,
): Promise<string> {
  const handle = await open(temporary, "w", 0o600);
  try {
    for (const chunk of chunksOf(document)) await handle.writeFile(chunk);
    if (old) await keepRights(handle, old);
    await handle.sync();
    return versionOf(await handle.stat({ bigint: true }));
  } finally {
    await handle.close();
  }
}

async function keepRights(
  handle: FileHandle,
  { mode, uid, gid }: { mode: number; uid: number; gid: number },
): Promise<void> {
  // Only root may change the owner of a file; for other users it is the same already.
  await handle.chown(uid, gid).catch(() => undefined);
  await handle.chmod(mode & rightsOf(uid));
}

/**
 * Only the server's user may read the contacts. A file of another user keeps the permissions of its group, which may be
 * the only way for that user or for us to read it.
 */
function rightsOf(owner: number): number {
  const user = process.geteuid?.();
  return user === owner || user === 0 ? 0o700 : 0o770;
}

async function closeToOthers(handle: FileHandle): Promise<void> {
  const { mode, uid } = await handle.stat();
  const rights = rightsOf(uid);
  // Only the owner may change it; `switchhook check` reports a file that stays open.
  if ((mode & 0o777 & ~rights) !== 0) await handle.chmod(mode & rights).catch(() => undefined);
}

/** Makes the rename durable. Windows cannot open a folder and does not need this. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

function faultOf(error: unknown): JsonFault {
  if (error instanceof JsonFault) return error;
  throw error;
}

function faultText(bytes: Buffer, fault: JsonFault): string {
  const { line, column } = placeOf(bytes, fault.offset);
  return `line ${line}, column ${column}: ${fault.message}. Mend it there: the file is read again by itself`;
}

async function versionAt(file: string): Promise<string> {
  const found = await orMissing(stat(file, { bigint: true }));
  return found ? versionOf(found) : missing;
}

function versionNow(file: string): string {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  return found ? versionOf(found) : missing;
}

function versionOf({ ino, size, mtimeNs }: BigIntStats): string {
  return `${ino}:${size}:${mtimeNs}`;
}

/** Undefined when the file or folder does not exist. */
async function orMissing<T>(found: Promise<T>): Promise<T | undefined> {
  return found.catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
}
