import { type BigIntStats, renameSync, statSync } from "node:fs";
import { type FileHandle, mkdir, open, readdir, realpath, rm, stat } from "node:fs/promises";
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
const chunkLength = 256 * 1024;
let temporaryFiles = 0;

/** The file with the activities of a local CRM; it is beside the one with the contacts, also where that one is a link. */
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
 * Replaces the whole file durably, with the same permissions. Throws `Overtaken` when it is not the version `seen`;
 * returns its new version.
 */
export async function replaceFile(
  file: string,
  seen: string,
  content: Iterable<string | Buffer> | AsyncIterable<string | Buffer>,
): Promise<string> {
  const temporary = join(dirname(file), `.${basename(file)}.${process.pid}-${++temporaryFiles}.tmp`);
  try {
    const handle = await open(temporary, "wx", 0o600);
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

async function writeAll(
  handle: FileHandle,
  content: Iterable<string | Buffer> | AsyncIterable<string | Buffer>,
): Promise<void> {
  let parts: Buffer[] = [];
  let length = 0;
  const write = async (): Promise<void> => {
    await handle.writeFile(Buffer.concat(parts));
    parts = [];
    length = 0;
  };
  for await (const part of content) {
    length += parts[parts.push(Buffer.from(part)) - 1]?.length ?? 0;
    if (length > chunkLength) await write();
  }
  await write();
}

/** A process that was killed while it wrote leaves its temporary file. */
export async function removeLeftovers(file: string): Promise<void> {
  for (const name of (await orMissing(readdir(dirname(file)))) ?? []) {
    if (!name.startsWith(`.${basename(file)}.`)) continue;
    const pid = /^(\d+)-\d+\.tmp$/.exec(name.slice(basename(file).length + 2))?.[1];
    if (pid && !isRunning(Number(pid))) await rm(join(dirname(file), name), { force: true });
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

export async function closeToOthers(handle: FileHandle): Promise<void> {
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
