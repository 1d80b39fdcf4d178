import { existsSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { activitiesBeside } from "../../connectors/local/index.ts";
import type { Config } from "../config/index.ts";
import { type Fault, messageOf, StoreError } from "../core/errors.ts";
import type { Store } from "../store/contract.ts";
import { makePrivate, type Tightened, tightenFolder } from "../store/sqlite/files.ts";
import { Failure } from "./output.ts";

/** SQLite's primary result code for a lock that another connection holds. */
const busy = 5;

/**
 * Makes the folder, removes other users' rights to it and the files of local CRMs, and proves that the store is writable.
 * Returns what was open to others. Throws `Failure`.
 */
export async function prepareDataFolder(config: Config, store: Pick<Store, "ready">): Promise<Tightened> {
  const folder = config.dataFolder;
  refuseLostStore(config);
  try {
    const tightened = tightenFolder(
      folder,
      crmFiles(config).flatMap(({ path, activities }) => [path, activities]),
    );
    await store.ready();
    return tightened;
  } catch (cause) {
    if (config.databaseUrl && cause instanceof StoreError)
      throw new Failure(
        `The database of DATABASE_URL cannot be used: ${cause.message}. To recover, ${cause.cure}.`,
        { cause },
      );
    throw new Failure(`The data folder ${folder} cannot be used: ${messageOf(cause)}. ${cureOf(cause)}`, {
      cause,
    });
  }
}

/**
 * A local CRM with calls of ours belongs to a store. If the store is missing, the folder was not mounted or the database
 * was deleted. Throws `Failure`.
 */
export function refuseLostStore(config: Config): void {
  if (config.databaseUrl) return;
  refuseMovedStore(config.dataFolder);
  // If its mark is there, the store reports the loss itself.
  if (["switchhook.db", "switchhook.mark"].some((name) => existsSync(join(config.dataFolder, name)))) return;
  for (const { name, path, activities } of crmFiles(config)) {
    // An earlier version kept the activities with the contacts.
    const found = [activities, path].find(
      (file) => existsSync(file) && new RegExp(`"key"\\s*:\\s*"${name}:`).test(readFileSync(file, "latin1")),
    );
    if (found === undefined) continue;
    throw new Failure(
      `There is no database in ${config.dataFolder}, but ${found} has calls that were logged from one. Put the database back or name its folder with SWITCHHOOK_DATA; or restore a backup: switchhook restore <file>. To begin with an empty store: switchhook restore --empty.`,
    );
  }
}

const movedFile = (folder: string): string => join(folder, "switchhook.moved");

/** Notes where the store of a folder went, or (without a place) that it is back. */
export function noteMoved(folder: string, to: string | undefined): void {
  if (to === undefined) rmSync(movedFile(folder), { force: true });
  else writeFileSync(movedFile(folder), `${to}\n`, { mode: 0o600 });
}

/** Throws `Failure` when the store of this folder was moved to PostgreSQL, and no other has been made since. */
function refuseMovedStore(folder: string): void {
  const file = movedFile(folder);
  if (existsSync(join(folder, "switchhook.db")) || !existsSync(file)) return;
  throw new Failure(
    `What the data folder ${folder} held was moved to ${readFileSync(file, "utf8").trim()}: set DATABASE_URL to it. To begin with an empty store instead, delete ${file}.`,
  );
}

/** The files of local CRMs, by installation. */
export function crmFiles({ installations }: Config): { name: string; path: string; activities: string }[] {
  return installations.flatMap(({ name, crm: { type, file } }) => {
    if (type !== "local" || typeof file !== "string") return [];
    return [{ name, path: file, activities: activitiesBeside(existsSync(file) ? realpathSync(file) : file) }];
  });
}

/** Damage is reported as such, not as a missing right to write. */
function cureOf(cause: unknown): string {
  if (!(cause instanceof StoreError) || cause.fault === "locked")
    return "Make it writable for this user, or set SWITCHHOOK_DATA to another folder.";
  return `To recover, ${cause.cure}.`;
}

/** What other users can read or change but should not, with the cure. */
export function faultsOfOpen(paths: readonly string[]): Fault[] {
  return paths.map((path) => ({
    at: path,
    problem: "can be read or changed by other users of this machine, and this user may not close it.",
    cure: "Give it to the server's user alone, with the rights u=rwx (u=rw for a file); a folder that all users share, such as /tmp, is no place for it.",
  }));
}

/** For commands that read what a server has stored. Throws `Failure` when there is no store. */
export function mustHaveStore({ dataFolder: folder, databaseUrl }: Config): void {
  if (databaseUrl) return;
  if (existsSync(join(folder, "switchhook.db"))) return;
  refuseMovedStore(folder);
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
 * Two workers on one folder could log a call twice. It is a lock of SQLite, which the system releases when the process dies
 * in any way; a file with a process id would remain.
 */
export function claimDataFolder(folder: string, waitMs = 0): (() => void) | undefined {
  const file = join(folder, "switchhook.lock");
  // A user who can read it could hold the lock and keep every server from starting.
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
