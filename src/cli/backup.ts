import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "../config/index.ts";
import { messageOf } from "../core/errors.ts";
import { type BackedUpFile, backUp, moveAside, repairDatabase, restore } from "../store/sqlite/recovery.ts";
import { openSqliteStore } from "../store/sqlite/store.ts";
import { claimDataFolder, crmFiles, mustHaveStore } from "./data-folder.ts";
import { counted, Failure, type GlobalOptions, print, printJson } from "./output.ts";
import { readConfig } from "./read-config.ts";

/** Copies the store, and the files of local CRMs, into one file, while a server may be running. */
export async function backUpStore(file: string, options: GlobalOptions): Promise<void> {
  const { config } = readConfig(options);
  mustHaveStore(config);
  if (existsSync(file))
    throw new Failure(`${file} is there already. Name a new file: a backup never replaces another one.`);
  const files: BackedUpFile[] = [];
  try {
    await backUp(databaseOf(config), file, async () => {
      files.push(...crmFiles(config).flatMap(readKept));
      return files;
    });
  } catch (cause) {
    throw new Failure(`There is no backup: ${messageOf(cause)}.`, { cause });
  }
  if (options.json) printJson({ file, files: files.map(({ name }) => name) });
  else
    print(
      `The store${files.length > 0 ? ` and ${counted(files.length, "file")} of local CRMs` : ""} are in ${file}. Keep with it: SWITCHHOOK_KEY, the config file, mappings of your own.`,
    );
}

/** Replaces the store with a backup, or (`empty`) with a new store. */
export async function restoreStore(
  file: string | undefined,
  options: GlobalOptions & { empty?: boolean },
): Promise<void> {
  const { config } = readConfig(options);
  if ((file === undefined) === (options.empty === undefined))
    throw new Failure("Name the backup to restore, or give --empty to begin with an empty store.");
  const release = claimOrFail(config);
  try {
    const now = Date.now();
    const done = file === undefined ? await beginEmpty(config, now) : putBack(file, config, now);
    if (options.json) printJson(done);
    else sayRestored(done);
  } finally {
    release();
  }
}

/** Rebuilds damaged indexes. False when more than indexes is damaged. */
export async function repairStore(options: GlobalOptions): Promise<boolean> {
  const { config } = readConfig(options);
  mustHaveStore(config);
  const release = claimOrFail(config);
  try {
    const { found, left, aside } = repairDatabase(databaseOf(config), Date.now());
    if (options.json) printJson({ found, left, aside });
    else if (found.length === 0) print("The store is in order: there is nothing to repair.");
    else if (left.length === 0)
      print(
        `The store is in order again. It was damaged: ${found.join("; ")}. The damaged one is in ${aside}. Start the server.`,
      );
    else
      print(
        `More than indexes is damaged: ${left.join("; ")}. Restore a backup: switchhook restore <file> (docs/operations.md).`,
      );
    return left.length === 0;
  } catch (cause) {
    throw new Failure(
      `The store cannot be repaired (${messageOf(cause)}). Restore a backup: switchhook restore <file> (docs/operations.md).`,
      { cause },
    );
  } finally {
    release();
  }
}

type Restored = { restored?: string; aside?: string; files: string[] };

function putBack(file: string, config: Config, now: number): Restored {
  if (!existsSync(file)) throw new Failure(`There is no file ${file}.`);
  const wanted = crmFiles(config);
  try {
    const { files, aside } = restore(file, databaseOf(config), now);
    const written = wanted.flatMap(({ name, path, activities }) => {
      const contentOf = (file: string) => files.find((kept) => kept.name === file)?.content;
      const contacts = contentOf(name);
      if (!contacts) return [];
      const log = contentOf(nameOfActivities(name));
      // A backup of an earlier version has the activities in the contacts' file.
      if (!log) moveFileAside(activities, now);
      if (log) writeKept(activities, log, now);
      writeKept(path, contacts, now);
      return log ? [path, activities] : [path];
    });
    return { restored: file, files: written, ...(aside !== undefined && { aside }) };
  } catch (cause) {
    throw new Failure(`${file} was not restored: ${messageOf(cause)}.`, { cause });
  }
}

async function beginEmpty(config: Config, now: number): Promise<Restored> {
  const aside = moveAside(databaseOf(config), now, { mark: true });
  const store = openSqliteStore(config.dataFolder);
  await store.ready().finally(() => store.close());
  return { files: [], ...(aside !== undefined && { aside }) };
}

function sayRestored({ restored, aside, files }: Restored): void {
  print(restored === undefined ? "The store is empty." : `${restored} is in order, and restored.`);
  for (const file of files) print(`${file} is as it was then.`);
  if (aside !== undefined) print(`What was there before is in ${aside}.`);
  if (restored !== undefined)
    print("Start the server: it says which webhooks came since, and how to fetch them from the providers.");
}

function claimOrFail({ dataFolder }: Config): () => void {
  const release = claimDataFolder(dataFolder);
  if (release) return release;
  throw new Failure(`A server is working in the data folder ${dataFolder}. Stop it first.`);
}

function databaseOf({ dataFolder }: Config): string {
  return join(dataFolder, "switchhook.db");
}

function nameOfActivities(installation: string): string {
  return `${installation} activities`;
}

/** Both files as they were at one moment: activities may name contacts, and are taken out of an earlier version's file. */
function readKept({
  name,
  path,
  activities,
}: {
  name: string;
  path: string;
  activities: string;
}): BackedUpFile[] {
  if (!existsSync(path)) return [];
  for (let content = readFileSync(path); ; ) {
    const log = existsSync(activities) && [
      { name: nameOfActivities(name), content: readFileSync(activities) },
    ];
    const now = readFileSync(path);
    if (now.equals(content)) return [{ name, content }, ...(log || [])];
    content = now;
  }
}

function writeKept(path: string, content: Uint8Array, now: number): void {
  if (existsSync(path) && readFileSync(path).equals(content)) return;
  moveFileAside(path, now);
  writeFileSync(`${path}.restoring`, content, { mode: 0o600, flush: true });
  renameSync(`${path}.restoring`, path);
}

function moveFileAside(path: string, now: number): void {
  if (existsSync(path)) renameSync(path, `${path}.before-restore-${now}`);
}
