import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Config } from "../config/index.ts";
import { type Fault, messageOf, StoreError } from "../core/errors.ts";
import type { Store } from "../store/contract.ts";
import { makePrivate, type Tightened, tightenFolder } from "../store/private.ts";
import { Failure } from "./output.ts";

/** SQLite's primary result code for "somebody else has the lock". */
const busy = 5;

/**
 * Makes the folder, closes it and the files of local CRMs to other users, and proves that the store in it can be written to.
 * Gives what was open to others. Throws `Failure`.
 */
export async function prepareDataFolder(config: Config, store: Pick<Store, "ready">): Promise<Tightened> {
  const folder = config.dataFolder;
  refuseLostStore(config);
  try {
    const tightened = tightenFolder(
      folder,
      crmFiles(config).map(({ path }) => path),
    );
    await store.ready();
    return tightened;
  } catch (cause) {
    throw new Failure(`The data folder ${folder} cannot be used: ${messageOf(cause)}. ${cureOf(cause)}`, {
      cause,
    });
  }
}

/**
 * A local CRM that has calls of ours belongs to a store: an empty one in its place would be a folder that was not mounted, or
 * a database that is gone. Throws `Failure`.
 */
export function refuseLostStore(config: Config): void {
  // Where a mark is left, the store itself says more.
  if (["switchhook.db", "switchhook.mark"].some((name) => existsSync(join(config.dataFolder, name)))) return;
  for (const { name, path } of crmFiles(config)) {
    if (!existsSync(path) || !new RegExp(`"key"\\s*:\\s*"${name}:`).test(readFileSync(path, "latin1")))
      continue;
    throw new Failure(
      `There is no database in ${config.dataFolder}, but ${path} has calls that were logged from one. Put the database back or name its folder with SWITCHHOOK_DATA; or restore a backup: switchhook restore <file>. To begin with an empty store: switchhook restore --empty.`,
    );
  }
}

/** The files of local CRMs, by the installation. */
export function crmFiles({ installations }: Config): { name: string; path: string }[] {
  return installations.flatMap(({ name, crm }) =>
    crm.type === "local" && typeof crm["file"] === "string" ? [{ name, path: crm["file"] }] : [],
  );
}

/** Damage is not cured by making anything writable. */
function cureOf(cause: unknown): string {
  if (!(cause instanceof StoreError) || cause.fault === "locked")
    return "Make it writable for this user, or set SWITCHHOOK_DATA to another folder.";
  return `To recover, ${cause.cure}.`;
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
  if (existsSync(join(folder, "switchhook.mark")))
    throw new Failure(
      `The database in the data folder ${folder} is not there any more. Put it back, or restore a backup: switchhook restore <file>.`,
    );
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
