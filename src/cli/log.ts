import { type DestinationStream, type LogFn, type Logger, pino } from "pino";
import type { LogLevel } from "../config/environment.ts";
import { isOwnError } from "../core/errors.ts";
import { maskAll, maskPeople, withoutQuotes } from "../core/mask.ts";
import type { Log } from "../core/runtime.ts";

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

/** An error in the log. `message`: only our own sentences; `stack`: without the message that Node puts on top. */
type ErrorFacts = {
  type: string;
  message?: string;
  code?: string | number;
  status?: number;
  stack?: string;
  cause?: ErrorFacts;
};

/** Facts with ids, which look like phone numbers when they are long. */
const ids = new Set(["installation", "call", "activity", "contact", "delivery", "lane", "account", "task"]);
const mostFrames = 20;
const deepest = 5;
/** What may have to be masked. */
const suspicious = /[@“]|\d{3}|\d\d[ -]\d/;

/** Messages of SQLite name tables and columns, and never a value. From its threads only the message arrives. */
const ofSqlite =
  /^(database|disk|unable to open database|attempt to write a readonly|out of memory|file is not a database|no such (table|column)|(UNIQUE|NOT NULL|FOREIGN KEY|CHECK) constraint failed|cannot (start|commit|rollback)|locking protocol)\b/;

/** Facts without words of a CRM, a provider or a library, and with numbers and e-mail addresses masked. */
function cleanFacts(facts: Record<string, unknown>): Record<string, unknown> {
  const cleaned: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(facts)) cleaned[name] = cleanValue(value, ids.has(name));
  return cleaned;
}

function cleanValue(value: unknown, isId: boolean): unknown {
  if (typeof value === "string") return cleanText(value, isId);
  if (Array.isArray(value)) return value.map((one) => cleanValue(one, isId));
  // `err` is the serializer's.
  if (typeof value !== "object" || value === null || value instanceof Error) return value;
  return cleanFacts(value as Record<string, unknown>);
}

function cleanText(text: string, isId = false): string {
  if (!suspicious.test(text)) return text;
  return isId ? maskPeople(text) : maskAll(withoutQuotes(text));
}

/**
 * An error as its type, our sentence, code and stack. Errors of client libraries contain the request and the answer, and
 * their messages repeat parts of them; neither is logged.
 */
function errorFacts(error: unknown, depth = 0): ErrorFacts {
  if (!(error instanceof Error)) return { type: typeof error };
  const { code, status, cause } = error as Error & { code?: unknown; status?: unknown };
  const message = sentenceOf(error);
  const stack = framesOf(error);
  return {
    type: plainName(error),
    ...(message !== undefined && { message }),
    ...(isCode(code) && { code }),
    ...(typeof status === "number" && { status }),
    ...(stack !== undefined && { stack }),
    ...(cause instanceof Error && depth < deepest && { cause: errorFacts(cause, depth + 1) }),
  };
}

function sentenceOf(error: Error): string | undefined {
  const isSystem = "syscall" in error && "errno" in error;
  return isOwnError(error) || isSystem || ofSqlite.test(error.message) ? cleanText(error.message) : undefined;
}

function plainName(error: Error): string {
  const name = error.name === "Error" ? error.constructor.name : error.name;
  return /^[\w$]{1,60}$/.test(name) ? name : "Error";
}

function isCode(code: unknown): code is string | number {
  return typeof code === "number" || (typeof code === "string" && /^[\w.-]{1,60}$/.test(code));
}

/** The frames without the message above them, which may have lines that look like frames. */
function framesOf({ stack = "", message }: Error): string | undefined {
  const start = stack.indexOf(message);
  const lines = (start < 0 ? stack : stack.slice(start + message.length)).split("\n");
  const frames = lines.filter((line) => /^ {4}at /.test(line)).slice(0, mostFrames);
  return frames.length > 0 ? frames.join("\n") : undefined;
}
