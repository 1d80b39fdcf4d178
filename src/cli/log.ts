import { type DestinationStream, type LogFn, type Logger, pino } from "pino";
import type { LogLevel } from "../config/environment.ts";
import type { Log } from "../core/runtime.ts";
import { cleanFacts, cleanText, errorFacts } from "./log-facts.ts";

/** `flush`: everything that was logged has been written when it returns. */
export type Logging = { log: Log; flush(): void };

/** JSON lines, or one readable line each when a person watches. Written asynchronously: a slow reader delays nobody. */
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
  // Nobody reads the log any more; that is no reason to stop taking calls.
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
    // The reader is gone or the disk is full: there is nowhere left to say so.
  }
}

type LogLine = { time?: string; level?: string; msg?: string; err?: LoggedError; [fact: string]: unknown };
type LoggedError = { type?: string; message?: string; code?: string; stack?: string };

/** Errors that say all there is to say; of any other the stack is wanted. */
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
