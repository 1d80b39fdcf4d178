import { type BigIntStats, renameSync, statSync } from "node:fs";
import { type FileHandle, mkdir, open, realpath, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { CrmError, messageOf } from "../../src/core/errors.ts";

/** Another program wrote the file while we worked on it. Its version is untouched: read it and try again. */
export class Overtaken extends CrmError {
  constructor(file: string) {
    super("later", `${file} was changed by another program at the same moment. Calls wait; nothing is lost.`);
    this.name = "Overtaken";
  }
}

export const missing = "missing";
const lockRetryMs = 5;
const lockTimeoutMs = 30_000;
const chunkBytes = 256 * 1024;
/** How long a file has to be at rest before it is read: a person's editor may still be writing it. */
const restMs = 60;
const maxAttempts = 50;

/** The files of a local CRM; where the setting names a link, those that it points to. */
export async function filesOf(setting: string): Promise<{ contacts: string; activities: string }> {
  const contacts = (await orMissing(realpath(setting))) ?? setting;
  return { contacts, activities: activitiesBeside(contacts) };
}

export function activitiesBeside(contacts: string): string {
  return `${contacts.replace(/\.json$/, "")}.activities.ndjson`;
}

export function later(file: string, problem: string, cause?: unknown): CrmError {
  return new CrmError("later", `${file} ${problem}. Calls wait until then; nothing is lost.`, { cause });
}

/** An error of the file system as a `CrmError` with its cure; any other error as it is. */
export function withCure(file: string, error: unknown): unknown {
  if (error instanceof CrmError || !(error instanceof Error) || !("code" in error)) return error;
  const problem = `cannot be read or written (${String(error.code)})`;
  return later(file, `${problem}. Let Switchhook read and write it and its folder`, error);
}

/** Works while no other process of Switchhook changes the files. SQLite's lock ends with the process that holds it. */
export async function whileLocked<T>(file: string, work: () => Promise<T>): Promise<T> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const name = join(dirname(file), `.${basename(file)}.lock`);
  await open(name, "wx", 0o600).then(
    (handle) => handle.close(),
    () => undefined,
  );
  const lock = new DatabaseSync(name, { timeout: 0 });
  try {
    for (const end = Date.now() + lockTimeoutMs; !takes(lock); await pause(lockRetryMs))
      if (Date.now() > end) throw later(file, "is in use by another Switchhook process");
    return await work();
  } finally {
    lock.close();
  }
}

function takes(lock: DatabaseSync): boolean {
  try {
    lock.exec("BEGIN EXCLUSIVE");
    return true;
  } catch (error) {
    if (messageOf(error).includes("locked")) return false;
    throw error;
  }
}

/**
 * Reads a file and closes it to other users; undefined when there is none. `isKnown`: it was read before, so it must be
 * there, and be at rest.
 */
export async function readSettled<T>(
  file: string,
  isKnown: boolean,
  read: (handle: FileHandle) => Promise<T>,
): Promise<{ content: T; version: string } | undefined> {
  for (let attempts = 1; attempts <= maxAttempts; attempts++) {
    const handle = await orMissing(open(file, "r"));
    if (!handle && isKnown)
      throw later(file, "is gone. Put it back, or restart Switchhook to begin with an empty one");
    if (!handle) return undefined;
    try {
      const stats = await handle.stat({ bigint: true });
      const version = versionOf(stats);
      if (!isKnown || Date.now() - Number(stats.mtimeMs) > restMs) {
        await closeToOthers(handle);
        const content = await read(handle);
        if (versionOf(await handle.stat({ bigint: true })) === version) return { content, version };
      }
    } finally {
      await handle.close();
    }
    await pause(restMs);
  }
  throw later(file, "is written by another program all the time");
}

/**
 * Replaces the whole file durably, with the same permissions. Throws `Overtaken` when it is not the version `seen`;
 * returns its new version. Only for the process that holds the lock.
 */
export async function replaceFile(
  file: string,
  seen: string,
  content: Iterable<string | Buffer> | AsyncIterable<string | Buffer>,
): Promise<string> {
  const temporary = temporaryOf(file);
  try {
    const handle = await open(temporary, "w", 0o600);
    let version: string;
    try {
      await writeAll(handle, content);
      const old = await orMissing(stat(file));
      if (old) await copyRights(handle, old);
      await handle.sync();
      version = versionOf(await handle.stat({ bigint: true }));
    } finally {
      await handle.close();
    }
    // Without an await in between, no other work of this process can save between the two.
    if (versionNow(file) !== seen) throw new Overtaken(file);
    renameSync(temporary, file);
    await syncFolder(file);
    return version;
  } finally {
    await rm(temporary, { force: true });
  }
}

/** A process that is killed while it writes leaves this file; the next one removes it. */
export function temporaryOf(file: string): string {
  return join(dirname(file), `.${basename(file)}.tmp`);
}

async function writeAll(
  handle: FileHandle,
  content: Iterable<string | Buffer> | AsyncIterable<string | Buffer>,
): Promise<void> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of content) {
    const bytes = Buffer.from(part);
    parts.push(bytes);
    length += bytes.length;
    if (length < chunkBytes) continue;
    await handle.writeFile(Buffer.concat(parts.splice(0)));
    length = 0;
  }
  await handle.writeFile(Buffer.concat(parts));
}

async function copyRights(
  handle: FileHandle,
  { mode, uid, gid }: { mode: number; uid: number; gid: number },
): Promise<void> {
  // Only root may change the owner of a file; for other users it is the same already.
  await handle.chown(uid, gid).catch(() => undefined);
  await handle.chmod(mode & rightsOf(uid));
}

/**
 * Only the server's user may read a CRM's file. A file of another user keeps the permissions of its group, which may be
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

/** Makes the name of a file durable. Windows cannot open a folder and does not need this. */
export async function syncFolder(file: string): Promise<void> {
  const handle = await open(dirname(file), "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

export async function versionAt(file: string): Promise<string> {
  const found = await orMissing(stat(file, { bigint: true }));
  return found ? versionOf(found) : missing;
}

export function versionNow(file: string): string {
  const found = statSync(file, { bigint: true, throwIfNoEntry: false });
  return found ? versionOf(found) : missing;
}

export function versionOf({ ino, size, mtimeNs }: BigIntStats): string {
  return `${ino}:${size}:${mtimeNs}`;
}

/** Undefined when the file or folder does not exist. */
export async function orMissing<T>(found: Promise<T>): Promise<T | undefined> {
  return found.catch((error: unknown) => {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  });
}
