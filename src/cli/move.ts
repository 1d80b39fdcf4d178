import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { messageOf } from "../core/errors.ts";
import { savedMapping } from "../server/connect.ts";
import type { Db } from "../store/db/db.ts";
import { type Moved, MoveError, moveRows } from "../store/move.ts";
import { namedError } from "../store/postgres/faults.ts";
import { markAsMoved, migrate } from "../store/postgres/migrate.ts";
import { type Connections, openConnections } from "../store/postgres/pool.ts";
import { instancesAlive } from "../store/postgres/shared.ts";
import { openConnection } from "../store/sqlite/connection.ts";
import { moveAside } from "../store/sqlite/recovery.ts";
import { claimDataFolder, mustHaveStore, noteMoved } from "./data-folder.ts";
import { Failure, type GlobalOptions, print, printJson, progressLine, table } from "./output.ts";
import { readConfig } from "./read-config.ts";

export type MoveOptions = GlobalOptions & { to: string };

/** Moves all that is stored from the data folder to PostgreSQL, or from PostgreSQL to a data folder. */
export async function move(options: MoveOptions): Promise<void> {
  const { to } = options;
  const isUrl = /^postgres(ql)?:/.test(to);
  const { databaseUrl, dataFolder } = readConfig(options).config;
  if (isUrl && databaseUrl)
    throw new Failure(
      "DATABASE_URL is set, so what is stored there is moved: name a folder with --to, or unset DATABASE_URL for this command.",
    );
  if (!isUrl && !databaseUrl)
    throw new Failure(
      "Name a PostgreSQL database with --to, such as postgres://user:password@host:5432/switchhook; to move out of PostgreSQL, set DATABASE_URL and name a folder.",
    );
  if (isUrl) await toPostgres(options, dataFolder);
  else await toFolder(options, databaseUrl ?? "");
}

async function toPostgres(options: MoveOptions, folder: string): Promise<void> {
  const { to } = options;
  // What the instances could not share is refused before anything is moved.
  const { config } = readConfig(options, { ...process.env, DATABASE_URL: to });
  mustHaveStore({ ...config, databaseUrl: undefined });
  const release = claimFolder(folder);
  const file = join(folder, "switchhook.db");
  try {
    const source = openConnection(file, { writes: true });
    const moved = await withPostgres({ url: to, isTarget: true }, async (target) => {
      const done = await copy(source, target);
      for (const { installation, text } of mappingsIn(folder))
        await target.run(
          `INSERT INTO mappings (installation, text) VALUES (:installation, :text)
            ON CONFLICT (installation) DO UPDATE SET text = excluded.text`,
          { installation, text },
        );
      return done;
    }).finally(() => source.close());
    const aside = moveAside(file, Date.now(), { mark: true });
    const { host, pathname } = new URL(to);
    noteMoved(folder, `the PostgreSQL database ${pathname.slice(1)} at ${host}`);
    say(
      options,
      moved,
      `The old store is in ${aside}. Start the server with DATABASE_URL set to the new one.`,
    );
  } finally {
    release();
  }
}

async function toFolder(options: MoveOptions, url: string): Promise<void> {
  const { to } = options;
  mkdirSync(to, { recursive: true, mode: 0o700 });
  const release = claimFolder(to);
  try {
    const target = openConnection(join(to, "switchhook.db"), { writes: true, isMoving: true });
    const moved = await withPostgres({ url, isTarget: false }, async (source) => {
      const done = await copy(source, target);
      for (const { installation, text } of await source.all("SELECT installation, text FROM mappings")) {
        const path = savedMapping({ dataFolder: to }, String(installation));
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        writeFileSync(path, String(text), { mode: 0o600 });
      }
      // One that was started meanwhile has acknowledged what was not copied.
      await refuseInstances(source);
      await markAsMoved(source, to);
      noteMoved(to, undefined);
      return done;
    }).finally(() => target.close());
    say(
      options,
      moved,
      `Unset DATABASE_URL, set SWITCHHOOK_DATA to ${to}, and start one server. The old database refuses to be used from now on.`,
    );
  } finally {
    release();
  }
}

async function withPostgres<T>(
  { url, isTarget }: { url: string; isTarget: boolean },
  work: (db: Connections) => Promise<T>,
): Promise<T> {
  const db = openConnections(url, { size: 2, timeoutMs: 120_000 });
  try {
    await migrate(db, { isMoving: true });
    await refuseInstances(db);
    return await work(db);
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    const { message, cure } = namedError(cause);
    const what = cure.replaceAll("DATABASE_URL", isTarget ? "--to" : "DATABASE_URL");
    throw new Failure(`The store was not moved: ${message}. To go on, ${what}, then run this again.`, {
      cause,
    });
  } finally {
    await db.close();
  }
}

async function refuseInstances(db: Connections): Promise<void> {
  const alive = await instancesAlive(db);
  if (alive === 0) return;
  const who = alive === 1 ? "An instance works" : `${alive} instances work`;
  throw new Failure(`${who} in that database: stop all of them first.`);
}

async function copy(source: Db, target: Db): Promise<Moved[]> {
  const progress = progressLine();
  try {
    return await moveRows(source, target, ({ table: name, rows }) =>
      progress.show(`${name}: ${rows} rows ...`),
    );
  } catch (cause) {
    if (cause instanceof MoveError)
      throw new Failure(`The store was not moved: ${messageOf(cause)}.`, { cause });
    throw cause;
  } finally {
    progress.done();
  }
}

function claimFolder(folder: string): () => void {
  const release = claimDataFolder(folder);
  if (release) return release;
  throw new Failure(`A server is working in the data folder ${folder}. Stop it first.`);
}

function mappingsIn(folder: string): { installation: string; text: string }[] {
  const mappings = dirname(savedMapping({ dataFolder: folder }, "any"));
  if (!existsSync(mappings)) return [];
  return readdirSync(mappings)
    .filter((name) => name.endsWith(".json"))
    .map((name) => ({
      installation: basename(name, ".json"),
      text: readFileSync(join(mappings, name), "utf8"),
    }));
}

function say({ json }: GlobalOptions, moved: readonly Moved[], next: string): void {
  if (json) {
    printJson({ moved });
    return;
  }
  const rows = moved
    .filter((one) => one.rows > 0)
    .map((one) => [one.table, `${one.rows}`, one.sha256.slice(0, 12)]);
  for (const line of table([["table", "rows", "checksum"], ...rows])) print(line);
  print("Both have the same rows, by count and by checksum.");
  print(next);
}
