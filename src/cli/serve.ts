import { chmodSync, constants, copyFileSync, mkdirSync } from "node:fs";
import type { IncomingMessage, Server } from "node:http";
import { createServer, type Server as Listener } from "node:net";
import { dirname } from "node:path";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createApp } from "../app.ts";
import type { Config } from "../config/index.ts";
import { pathForLog } from "../core/mask.ts";
import { assemble, type Parts } from "../server/assemble.ts";
import type { Tightened } from "../store/sqlite/files.ts";
import { claimDataFolder, faultsOfOpen, prepareDataFolder } from "./data-folder.ts";
import { createLog, type Logging } from "./log.ts";
import { Failure, type GlobalOptions, print, sayAndExit } from "./output.ts";
import { type ReadConfig, readConfig } from "./read-config.ts";
import { welcome } from "./welcome.ts";

/** Runs the server until it is stopped. If it cannot start, it prints why in one sentence and exits with 1. */
export async function runServer(options: GlobalOptions): Promise<void> {
  try {
    await serve(options);
  } catch (error) {
    sayAndExit(error, options);
  }
}

async function serve(options: GlobalOptions): Promise<void> {
  const read = await configWithPort(options);
  const { config } = read;
  const logging = createLog(config.logLevel, process.stdout);
  endOnBugs(logging);
  if (read.file === undefined) seedDemo(config);
  const parts = assemble(config, { log: logging.log });
  const { server, release } = await begin(parts).catch(async (error: unknown) => {
    await parts.stop();
    throw error;
  });
  const flush = () => {
    parts.flow.limitedLog.flush();
    logging.flush();
  };
  stopOnSignals({ server, parts, release, log: logging.log, flush });
  announce(read, logging);
}

/** Listens before the lanes start, so that a second server does not touch the work of the first. */
async function begin(parts: Parts): Promise<{ server: Server; release: () => void }> {
  const { config, flow } = parts;
  sayTightened(await prepareDataFolder(config, flow.store), flow.log);
  await parts.accounts.load();
  const server = createApp(parts);
  await listen(server, config);
  const release = claimDataFolder(config.dataFolder, 1_000);
  if (!release) {
    server.close();
    throw new Failure(
      `Another Switchhook is already working in the data folder ${config.dataFolder}. Stop it, or set SWITCHHOOK_DATA to another folder.`,
    );
  }
  server.on("error", (err) => flow.log.error({ err }, "the server reports an error"));
  await parts.start();
  return { server, release };
}

function sayTightened(tightened: Tightened, log: Logging["log"]): void {
  const { closed } = tightened;
  if (closed.length > 0) log.warn({ closed }, "other users could read these; now only this one can");
  for (const { at, problem, cure } of faultsOfOpen(tightened.open)) log.warn({ path: at, cure }, problem);
}

function announce({ config, file }: ReadConfig, { log }: Logging): void {
  const { host, port, dataFolder, installations } = config;
  const names = installations.map(({ name }) => name);
  if (file === undefined || process.stdout.isTTY) print(welcome(config, file, Date.now()).join("\n"));
  log.info({ host, port, dataFolder, config: file ?? "demo", installations: names }, "listening");
}

/** Port 0 means any free port. It has to be known for the public URL, which Bird signs. */
async function configWithPort(options: GlobalOptions): Promise<ReadConfig> {
  const read = readConfig(options);
  if (read.config.port !== 0) return read;
  const probe = createServer();
  await listen(probe, read.config);
  const address = probe.address();
  await new Promise((closed) => probe.close(closed));
  const port = typeof address === "object" && address ? String(address.port) : "0";
  return readConfig(options, { ...process.env, PORT: port });
}

/** The demo's CRM, unless there is one already. */
function seedDemo({ installations }: Config): void {
  const file = installations[0]?.crm["file"];
  if (typeof file !== "string") return;
  const sample = fileURLToPath(new URL("../../connectors/local/sample.json", import.meta.url));
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    copyFileSync(sample, file, constants.COPYFILE_EXCL);
    chmodSync(file, 0o600);
  } catch (cause) {
    const code = codeOf(cause);
    if (code === "EEXIST") return;
    throw new Failure(
      `The demo's CRM file ${file} cannot be written (${code}). Make its folder writable, or set SWITCHHOOK_DATA to another folder.`,
      { cause },
    );
  }
}

function listen(server: Listener, { host, port }: Config): Promise<void> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) => reject(new Failure(whyNotListening(codeOf(cause), host, port), { cause }));
    server.once("error", fail);
    server.listen(port, host, () => {
      server.off("error", fail);
      resolve();
    });
  });
}

function whyNotListening(code: string, host: string, port: number): string {
  if (code === "EADDRINUSE") {
    return `Port ${port} on ${host} is already in use. Stop the program that has it, or choose another: PORT=${port + 1}.`;
  }
  if (code === "EACCES") return `Port ${port} is not open to this user. Choose one above 1023 with PORT.`;
  return `Cannot listen on ${host}:${port} (${code}). Set HOST to an address of this machine.`;
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

type RunningServer = Logging & { server: Server; parts: Parts; release: () => void };

/** npm and terminals send the same signal twice. */
const echoMs = 500;
/** Requests that are still open after this are cut off. They were not acknowledged, so the provider repeats them. */
const drainMs = 5_000;
/** Supervisors kill after 10 s. */
const limitMs = 9_000;
const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/** Stops gracefully on the first signal, and at once on a later one. */
function stopOnSignals(running: RunningServer): void {
  const { log, flush, server } = running;
  const open = requestsOf(server);
  let firstAt: number | undefined;
  for (const signal of signals) {
    process.on(signal, () => {
      if (firstAt === undefined) {
        firstAt = performance.now();
        log.info({ signal, openRequests: open.size }, "stopping: finishing what was begun");
        void stop(running, open);
      } else if (performance.now() - firstAt > echoMs) {
        log.warn({ signal, openRequests: open.size }, "stopping at once; stored data is safe");
        flush();
        process.exit(1);
      }
    });
  }
}

/** A bug ends the process: its memory cannot be trusted, the store can. */
function endOnBugs({ log, flush }: Logging): void {
  const end = (err: unknown): void => {
    log.error({ err }, "unexpected error: stopping. Stored data is safe; start again");
    flush();
    process.exit(1);
  };
  process.on("uncaughtException", end);
  process.on("unhandledRejection", end);
  // The server continues when its terminal or pipe is gone.
  process.stdout.on("error", () => {});
}

async function stop(
  { log, flush, server, parts, release }: RunningServer,
  open: Set<IncomingMessage>,
): Promise<void> {
  parts.announceStop();
  let phase = "open requests";
  setTimeout(() => {
    const urls = [...open].map(({ url = "" }) => pathForLog(url.split("?", 1)[0] ?? "")).slice(0, 10);
    log.error(
      { stillOpen: phase, requests: urls },
      "stopped after 9 s with work left; it goes on at the next start",
    );
    flush();
    process.exit(0);
  }, limitMs);
  try {
    await drain(server, open);
    phase = "background work";
    // An answer to an AI agent is sent before its delivery is stored: at the end of this turn.
    await setImmediate();
    await parts.stop();
    release();
    log.info({}, "stopped");
  } catch (err) {
    log.error({ err, stillOpen: phase }, "stopped with an error; stored data is safe");
  }
  flush();
  process.exit(0);
}

/** Refuses new connections; requests under way get their answers. */
async function drain(server: Server, open: Set<IncomingMessage>): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  // An event stream never ends by itself.
  for (const { url, socket } of open) if (url?.startsWith("/api/events")) socket.destroy();
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const cut = setTimeout(() => server.closeAllConnections(), drainMs);
  await closed;
  clearInterval(idle);
  clearTimeout(cut);
}

function requestsOf(server: Server): Set<IncomingMessage> {
  const open = new Set<IncomingMessage>();
  server.on("request", (request, response) => {
    open.add(request);
    response.once("close", () => open.delete(request));
  });
  return open;
}
