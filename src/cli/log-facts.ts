import { isOwnError } from "../core/errors.ts";
import { maskAll, maskPeople, withoutQuotes } from "../core/mask.ts";

/** An error in the log. `message`: only our own sentences; `stack`: without the message that Node puts on top. */
export type ErrorFacts = {
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
export function cleanFacts(facts: Record<string, unknown>): Record<string, unknown> {
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

export function cleanText(text: string, isId = false): string {
  if (!suspicious.test(text)) return text;
  return isId ? maskPeople(text) : maskAll(withoutQuotes(text));
}

/**
 * An error as its type, our sentence, code and stack. Errors of client libraries contain the request and the answer, and
 * their messages repeat parts of them; neither is logged.
 */
export function errorFacts(error: unknown, depth = 0): ErrorFacts {
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
