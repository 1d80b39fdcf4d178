import { messageOf, StoreError, type StoreFault } from "../../core/errors.ts";

const server = "look at PostgreSQL's log, and at DATABASE_URL (docs/scaling.md)";

const cures: Readonly<Record<StoreFault, string>> = {
  damaged: "stop all instances, and restore PostgreSQL from a backup (docs/scaling.md)",
  full: "make room on the disk of PostgreSQL",
  locked: "check that DATABASE_URL leads to the primary server, and that its user may write",
  broken: `check that PostgreSQL runs and can be reached from here; ${server}`,
  refused: "report this as a bug",
  overtaken: "it does the work from here",
  other: server,
};

/** Classes of PostgreSQL's error codes, their first two characters. */
const faults: Readonly<Record<string, StoreFault>> = {
  "08": "broken",
  "22": "refused",
  "23": "refused",
  "42": "refused",
  "57": "broken",
  "58": "broken",
  XX: "other",
};
/** DISK_FULL; READ_ONLY_SQL_TRANSACTION, INSUFFICIENT_PRIVILEGE, both logins that fail; DATA_CORRUPTED, INDEX_CORRUPTED. */
const singleFaults: Readonly<Record<string, StoreFault>> = {
  "53100": "full",
  "53300": "broken",
  "25006": "locked",
  "42501": "locked",
  "28000": "locked",
  "28P01": "locked",
  XX001: "damaged",
  XX002: "damaged",
  "57014": "other",
};

/** By the code of the error, ours or PostgreSQL's. */
const ownCures: Readonly<Record<string, string>> = {
  NEWER: "install that version",
  MOVED: "use that one, without DATABASE_URL; to move there again, make a new database",
  MOVING: "run `switchhook move` again; to begin again, make a new database",
  "28P01": "check the user and the password in DATABASE_URL",
  "28000": "check the user in DATABASE_URL, and PostgreSQL's pg_hba.conf",
  "3D000": "create the database, with the user of DATABASE_URL as its owner",
  "3F000": "create the schema that `search_path` in DATABASE_URL names",
  "42501": "make the user of DATABASE_URL the owner of the database, or let it create tables and schemas",
  "53300": "raise PostgreSQL's max_connections, or the limit of this user (docs/scaling.md)",
};

/** Turns an error of `pg` into a `StoreError`. */
export function namedError(error: unknown): StoreError {
  if (error instanceof StoreError) return error;
  const fault = faultOf(error);
  const cure = ownCures[codeOf(error)] ?? cures[fault];
  return new StoreError(fault, `PostgreSQL: ${sentenceOf(error)}`, { cause: error, cure });
}

/** An `AggregateError` of several addresses has no message of its own. */
function sentenceOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === "") return error.errors.map(messageOf).join("; ");
  return messageOf(error);
}

function faultOf(error: unknown): StoreFault {
  const code = codeOf(error);
  if (error instanceof SyntaxError) return "damaged";
  if (error instanceof TypeError) return "refused";
  const single = singleFaults[code];
  if (single) return single;
  return isConnectionFault(error) ? "broken" : (faults[code.slice(0, 2)] ?? "other");
}

/** Two transactions stood in each other's way: SERIALIZATION_FAILURE, DEADLOCK_DETECTED. */
export function isConflict(error: unknown): boolean {
  return ["40001", "40P01"].includes(codeOf(error));
}

/** Others hold a lock for longer than this statement may wait: LOCK_NOT_AVAILABLE. */
export function isLocked(error: unknown): boolean {
  return codeOf(error) === "55P03";
}

/** Some rows are in the way of a new constraint: CHECK_VIOLATION. */
export function isViolation(error: unknown): boolean {
  return codeOf(error) === "23514";
}

/**
 * The connection is not usable any more: lost, ended after it was idle in a transaction (25P03), or to a server that has
 * become a standby (25006), where others lead to the primary. `pg` gives its own errors no code.
 */
export function isConnectionFault(error: unknown): boolean {
  const code = codeOf(error);
  if (/^(08|57P0|25P03|25006)/.test(code) || /^E[A-Z]+$/.test(code)) return true;
  return /^(Connection terminated|Query read timeout|timeout exceeded|Client has encountered|Client was closed)/.test(
    messageOf(error),
  );
}

/** Another version has changed a table since this connection prepared the statement (FEATURE_NOT_SUPPORTED). */
export function isOutdatedPlan(error: unknown): boolean {
  return codeOf(error) === "0A000" && messageOf(error).includes("cached plan");
}

function codeOf(error: unknown): string {
  if (error instanceof AggregateError) return codeOf(error.errors[0]);
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
