import { execFile, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { onTestFinished } from "vitest";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { freePort } from "../support/child-server.ts";
import { readCrm } from "../support/crm-files.ts";

const root = resolve(import.meta.dirname, "../..");

/** For configurations whose `publicUrl` other machines can reach. */
export const withToken = { SWITCHHOOK_ADMIN_TOKEN: "the-token-of-the-tests" };

export type Ran = { code: number; stdout: string; stderr: string };
export type Activity = { id: string; key: string; [field: string]: unknown };
type Settings = Readonly<Record<string, string>>;

/** A folder of its own for one test, where commands and servers run; gone afterwards. */
export function workFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-cli-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Of the environment of the tests only what every process needs. */
function environment(settings: Settings): NodeJS.ProcessEnv {
  const { PATH, HOME, TMPDIR, NODE_COMPILE_CACHE } = process.env;
  const usual = { PATH, HOME, TMPDIR, NODE_COMPILE_CACHE };
  return { ...usual, ...settings };
}

/** Runs a command to its end, in a folder. */
export function cli(folder: string, args: readonly string[], settings: Settings = {}): Promise<Ran> {
  return new Promise((done) => {
    execFile(
      process.execPath,
      [join(root, "src/cli.ts"), ...args],
      { cwd: folder, env: environment(settings), timeout: 50_000 },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        done({ code, stdout, stderr });
      },
    );
  });
}

/** A server process in a folder, whose state is in `<folder>/data`. */
export type Child = {
  url: string;
  settings: Settings;
  output(): string;
  signal(name: NodeJS.Signals): void;
  ended: Promise<number | NodeJS.Signals>;
};

/** Starts `src/main.ts`; resolves when it answers. */
export async function server(folder: string, given: Settings = {}): Promise<Child> {
  const child = await startMain(folder, given);
  if (child.isOver()) throw new Error(`the server has ended: ${child.output()}`);
  return child;
}

/** Starts `src/main.ts`, which is to end by itself without serving; gives its output and its exit code. */
export async function refusedServer(
  folder: string,
  given: Settings = {},
): Promise<{ output: string; code: number | NodeJS.Signals }> {
  const child = await startMain(folder, given);
  if (!child.isOver()) throw new Error(`the server serves: ${child.output()}`);
  return { output: child.output(), code: await child.ended };
}

async function startMain(folder: string, given: Settings): Promise<Child & { isOver(): boolean }> {
  const settings = { PORT: String(await freePort()), ...given };
  const child = spawn(process.execPath, [join(root, "src/main.ts")], {
    cwd: folder,
    env: environment(settings),
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk) => (output += String(chunk)));
  let over = false;
  const ended = new Promise<number | NodeJS.Signals>((done) =>
    child.on("close", (code, signal) => {
      over = true;
      done(code ?? signal ?? -1);
    }),
  );
  onTestFinished(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  await until("the server to answer", () => over || output.includes("listening"));
  return {
    url: `http://127.0.0.1:${settings.PORT}`,
    settings,
    output: () => output,
    signal: (name) => void child.kill(name),
    ended,
    isOver: () => over,
  };
}

/** Waits for something that a process does by itself. */
export async function until<T>(what: string, look: () => T | Promise<T>, withinMs = 30_000): Promise<T> {
  for (const end = Date.now() + withinMs; Date.now() < end; await pause(30)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`waited in vain for ${what}`);
}

export function activitiesIn(folder: string, file = "data/demo-crm.json"): Activity[] {
  return readCrm<{ activities: Activity[] }>(join(folder, file)).activities;
}

/** Waits until the CRM file has this many activities, and nothing is left to decode or to log. */
export async function settled(folder: string, count: number, file?: string): Promise<Activity[]> {
  const installation = file === undefined ? "demo" : "acme";
  const store = openSqliteStore(join(folder, "data"));
  try {
    const activities = await until(`${count} activities`, async () => {
      const waiting = await store.newDeliveries(installation, 1);
      const due = await store.nextDue(installation);
      const found = activitiesIn(folder, file);
      return waiting.length === 0 && due === undefined && found.length >= count ? found : undefined;
    });
    return activities ?? [];
  } finally {
    await store.close();
  }
}

const contacts = [{ id: "7", name: "Rohan Mehta", phones: ["+919876543210"], ownerId: "1" }];
const owners = [{ id: "1", name: "Asha Rao", email: "asha@example.com" }];

/** An installation `acme` with its CRM in `crm.json` and a mapping of its own in `mapping.json`. */
export function writeAcme(folder: string, activity: object, more: object = {}): void {
  writeFileSync(join(folder, "crm.json"), JSON.stringify({ contacts, owners, activities: [] }), {
    mode: 0o600,
  });
  writeMapping(folder, activity);
  const acme = {
    crm: { type: "local", file: "crm.json" },
    providers: { voys: { secret: "voys-secret" }, exotel: { secret: "exotel-secret" } },
    region: "IN",
    timeZone: "Asia/Kolkata",
    mapping: "mapping.json",
    settleSeconds: 0,
    reconcile: false,
    ...more,
  };
  writeFileSync(join(folder, "switchhook.json"), JSON.stringify({ installations: { acme } }));
}

export function writeMapping(folder: string, activity: object): void {
  writeFileSync(join(folder, "mapping.json"), JSON.stringify({ crm: "local", activity }));
}
