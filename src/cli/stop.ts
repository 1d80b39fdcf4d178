import type { IncomingMessage, Server } from "node:http";
import { setImmediate } from "node:timers/promises";
import { pathForLog } from "../core/mask.ts";
import type { Parts } from "../server/assemble.ts";
import type { Logging } from "./log.ts";

export type RunningServer = Logging & { server: Server; parts: Parts; release: () => void };

/** npm and terminals send the same signal twice. */
const echoMs = 500;
/** Requests that are still open after this are cut off. They were not acknowledged, so the provider repeats them. */
const drainMs = 5_000;
/** Supervisors kill after 10 s. */
const limitMs = 9_000;
const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/** Stops gracefully on the first signal, and at once on a later one. */
export function stopOnSignals(running: RunningServer): void {
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
export function endOnBugs({ log, flush }: Logging): void {
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
