import { randomBytes } from "node:crypto";
import { mkdir, open } from "node:fs/promises";
import { dirname } from "node:path";
import { ArchiveError } from "../core/errors.ts";

/** Creates a folder that only this user can read, and its parents, durably. */
export async function makeFolder(folder: string): Promise<void> {
  const first = await mkdir(folder, { recursive: true, mode: 0o700 });
  if (first === undefined) return;
  const above = dirname(first);
  for (let next = dirname(folder); ; next = dirname(next)) {
    await syncFolder(next);
    if (next === above || next === dirname(next)) return;
  }
}

/** Makes renames and removals in a folder durable. Windows cannot open a folder and does not need this. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/** Undefined when there is no such file or folder. */
export async function orMissing<T>(found: Promise<T>): Promise<T | undefined> {
  return found.catch((error: unknown) => {
    if (isCode(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  });
}

export function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && "code" in error && codes.includes(String(error.code));
}

/** An `ArchiveError` for an error of the disk; any other error is returned as it is. */
export function diskError(folder: string, error: unknown): unknown {
  if (error instanceof ArchiveError || !(error instanceof Error && "code" in error)) return error;
  const code = String(error.code);
  return new ArchiveError("later", `${folder} ${problems[code] ?? usualProblem} (${code})`, { cause: error });
}

const rights = "cannot be read or written: let Switchhook read and write it and all that is in it";
const full = "is on a disk that is full: free some space";
const usualProblem = "cannot be used: look at its disk";
const problems: Readonly<Record<string, string>> = {
  ENOSPC: full,
  EDQUOT: "is at its quota: free some space, or raise the quota",
  EFBIG: "may not hold a file this large: raise the limit for files",
  EROFS: "is on a disk that is mounted read-only: mount it for writing",
  EACCES: rights,
  EPERM: rights,
  ENOTDIR: "is not a folder: name another one, or move the file away",
  EEXIST: "is not a folder: name another one, or move the file away",
  EXDEV: "is spread over several disks: keep all of it on one",
  EMFILE: "cannot be used: too many files are open, so raise the limit (ulimit -n)",
};

export function randomName(): string {
  return randomBytes(6).toString("hex");
}
