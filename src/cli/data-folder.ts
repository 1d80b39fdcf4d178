import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { InstallationConfig } from "../config.ts";
import { type Fault, messageOf } from "../core/errors.ts";
import type { Store } from "../store/contract.ts";
import { makePrivate, type Tightened, tightenFolder } from "../store/private.ts";
import { Failure } from "./output.ts";

/** SQLite's primary result code for "somebody else has the lock". */
const busy = 5;

/**
 * Makes the folder, closes it and more files to other users, and proves that the store in it can be written to. Gives
 * what was open to others. Throws `Failure`.
 */
export async function prepareDataFolder(
  folder: string,
  store: Pick<Store, "ready">,
  files: readonly string[] = [],
): Promise<Tightened> {
  try {
    const tightened = tightenFolder(folder, files);
    await store.ready();
    return tightened;
  } catch (cause) {
    const cure = "Make it writable for this user, or set SWITCHHOOK_DATA to another folder.";
    throw new Failure(`The data folder ${folder} cannot be used: ${messageOf(cause)}. ${cure}`, { cause });
  }
}

/** The file of an installation's local CRM. */
export function crmFileOf({ crm }: InstallationConfig): string | undefined {
  const { type, file } = crm;
  return type === "local" && typeof file === "string" ? file : undefined;
}

/** What other users can read or change although they should not, with the cure. */
export function faultsOfOpen(paths: readonly string[]): Fault[] {
  return paths.map((path) => ({
    at: path,
    problem: "can be read or changed by other users of this machine, and this user may not close it.",
    cure: "Give it to the server's user with the rights 0700 (0600 for a file); a folder that all users share, such as /tmp, is no place for it.",
  }));
}

/** For commands that look at what a server has stored. Throws `Failure` when there is nothing to look at. */
export function mustHaveStore(folder: string): void {
  if (existsSync(join(folder, "switchhook.db"))) return;
  throw new Failure(
    `There is nothing in the data folder ${folder} yet. Start the server once, or name its folder with --data or SWITCHHOOK_DATA.`,
  );
}

/**
 * Claims the background work of a data folder for this process, or returns undefined when another one has it.
 * Two workers on one folder could log a call twice. A lock of SQLite's, which the system lets go of when a process
 * dies, however it dies; a file with a process id in it would not be.
 */
export function claimDataFolder(folder: string, waitMs = 0): (() => void) | undefined {
  const file = join(folder, "switchhook.lock");
  // Whoever can read it can hold it, and keep every server from starting.
  makePrivate(file);
  const lock = new DatabaseSync(file, { timeout: waitMs });
  try {
    lock.exec("BEGIN EXCLUSIVE");
  } catch (error) {
    lock.close();
    if (error instanceof Error && "errcode" in error && (Number(error.errcode) & 0xff) === busy)
      return undefined;
    throw error;
  }
  return () => lock.close();
}
