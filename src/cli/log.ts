import { type DestinationStream, type LogFn, type Logger, pino } from "pino";
import type { LogLevel } from "../config/environment.ts";
import type { Log } from "../core/runtime.ts";
import { cleanFacts, cleanText, errorFacts } from "./log-facts.ts";

/** `flush`: when it returns, everything that was logged is written. */
export type Logging = { log: Log; flush(): void };

/** JSON lines, or readable lines in a terminal. Written asynchronously, so a slow reader delays no request. */
export function createLog(level: LogLevel, stream: NodeJS.WriteStream & { fd: number }): Logging {
  const options = {
    level,
    base: undefined,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }), log: cleanFacts },
    serializers: { err: errorFacts },
    hooks: { logMethod: logClean },
  };
  if (stream.isTTY) {
    const lines: DestinationStream = { write: (line) => void stream.write(humanLine(line)) };
    return { log: pino(options, lines), flush: () => {} };
  }
  const destination = pino.destination({ dest: stream.fd, sync: false });
  // The reader of the log is gone; the server continues to receive calls.
  destination.on("error", () => {});
  return { log: pino(options, destination), flush: () => flushed(destination) };
}

function logClean(this: Logger, args: Parameters<LogFn>, log: LogFn): void {
  const [facts, sentence] = args as [object, string?];
  log.apply(this, typeof sentence === "string" ? [facts, cleanText(sentence)] : args);
}

function flushed(destination: { flushSync(): void }): void {
  try {
    destination.flushSync();
  } catch {
    // The reader is gone or the disk is full, which cannot be logged.
  }
}

type LogLine = { time?: string; level?: string; msg?: string; err?: LoggedError; [fact: string]: unknown };
type LoggedError = { type?: string; message?: string; code?: string; stack?: string };

/** Errors whose message is enough; all others are logged with their stack. */
const spokenFor = new Set(["CrmError", "ConfigError", "Rejected", "Failure"]);

/** `12:34:56 info   call created  call=demo:exotel:1 crm=local` */
export function humanLine(json: string): string {
  const { time = "", level = "", msg = "", err, ...facts } = JSON.parse(json) as LogLine;
  const words = Object.entries(facts).map(([name, value]) => `${name}=${wordOf(value)}`);
  if (err) words.push(`error=${wordOf(err.message ?? err.code ?? err.type ?? "unknown")}`);
  const line = [`${time.slice(11, 19)} ${level.padEnd(5)} ${msg}`, ...words].join("  ");
  const stack = err?.stack && !spokenFor.has(err.type ?? "") ? `\n${err.stack}` : "";
  return `${line}${stack}\n`;
}

function wordOf(value: unknown): string {
  return typeof value === "string" && !/[\s"=]/.test(value) ? value : JSON.stringify(value);
}
