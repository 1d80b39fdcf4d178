import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import { join, resolve } from "node:path";

const mainFile = resolve(import.meta.dirname, "../../src/main.ts");
const clockFile = resolve(import.meta.dirname, "shifted-clock.ts");

type LogLine = { level: string; msg: string; [fact: string]: unknown };

/** A server process of its own. `pid` serves `prlimit`; `ended` resolves with how it ended. */
export type ChildServer = {
  url: string;
  pid: number;
  log(): LogLine[];
  output(): string;
  kill(signal?: NodeJS.Signals): void;
  ended: Promise<number | NodeJS.Signals>;
};

/**
 * `data`: another data folder. `fileBytes`: no file may grow beyond it, until `limitFileSize` says otherwise. `clockMs`: how
 * much its clock is ahead; of several, each SIGUSR2 makes it jump to the next. `preload`: modules that are loaded before the
 * program. `variables`: of the environment.
 */
export type ChildOptions = {
  data?: string;
  fileBytes?: number;
  clockMs?: number | readonly number[];
  preload?: readonly string[];
  variables?: Readonly<Record<string, string>>;
};

/** Starts `src/main.ts` with the `switchhook.json` of a folder, and its `data`. It is not waited for. */
export function startChild(
  folder: string,
  port: number,
  { data, fileBytes, clockMs = 0, preload = [], variables }: ChildOptions = {},
): ChildServer {
  const { PATH, NODE_COMPILE_CACHE } = process.env;
  const modules = [...(clockMs === 0 ? [] : [clockFile]), ...preload];
  const command = [process.execPath, ...modules.flatMap((module) => ["--import", module]), mainFile];
  const limit = fileBytes === undefined ? [] : ["prlimit", `--fsize=${fileBytes}:unlimited`];
  const [program = "", ...args] = [...limit, ...command];
  const child = spawn(program, args, {
    cwd: folder,
    env: {
      PATH,
      ...(NODE_COMPILE_CACHE && { NODE_COMPILE_CACHE }),
      PORT: String(port),
      SWITCHHOOK_CONFIG: join(folder, "switchhook.json"),
      SWITCHHOOK_DATA: data ?? join(folder, "data"),
      LOG_LEVEL: "warn",
      TEST_CLOCK_MS: String(clockMs),
      ...variables,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
  return {
    url: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    output: () => output,
    log: () =>
      output
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line) as LogLine),
    kill: (signal = "SIGKILL") => void child.kill(signal),
    ended: endOf(child),
  };
}

function endOf(child: ChildProcess): Promise<number | NodeJS.Signals> {
  return new Promise((ended) => child.on("close", (code, signal) => ended(code ?? signal ?? -1)));
}

export async function isUp({ url }: ChildServer): Promise<boolean> {
  return fetch(`${url}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  );
}

/**
 * A port for a server that starts in a moment. It is not one that the system gives to those who take any free port: before
 * the server listens another test would have it.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 30_000);
    const probe = createServer();
    const isFree = await new Promise<boolean>((told) => {
      probe.once("error", () => told(false));
      probe.listen(port, "127.0.0.1", () => told(true));
    });
    await new Promise((closed) => probe.close(closed));
    if (isFree) return port;
  }
}
