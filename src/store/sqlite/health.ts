import { messageOf, StoreError, type StoreFault } from "../../core/errors.ts";

const cures: Readonly<Record<StoreFault, string>> = {
  damaged:
    "stop the server, copy the data folder, run `switchhook repair`, and `switchhook restore <backup>` if that cannot help (docs/operations.md)",
  full: "make room: check the disk of the data folder",
  locked: "check the disk of the data folder, and make it writable for this user",
  broken: "check the disk of the data folder",
  refused: "report this as a bug",
  overtaken: "it does the work from here",
  other: "check the disk of the data folder",
};

/** For our own errors, by their code. */
const ownCures: Readonly<Record<string, string>> = {
  NEWER: "install that version",
  MOVING: "run `switchhook move` again; to begin again, name an empty folder",
  GONE: "put the database back, or `switchhook restore <backup>`; to begin with an empty one, `switchhook restore --empty` (docs/operations.md)",
};

/** Turns errors of a store into `StoreError`s, and remembers that it is damaged, whatever succeeds later. */
export function healthOf(file: string) {
  let damage: StoreError | undefined;

  const named = (error: unknown): StoreError => {
    if (error instanceof StoreError) return error;
    const fault = faultOf(error);
    const message = fault === "damaged" ? `${file} is damaged (${messageOf(error)})` : messageOf(error);
    const own = error instanceof Error && "code" in error ? ownCures[String(error.code)] : undefined;
    const found = new StoreError(fault, message, { cause: error, cure: own ?? cures[fault] });
    if (fault === "damaged") damage ??= found;
    return found;
  };

  return {
    named,
    /** Throws when damage was found. */
    check(): void {
      if (damage) throw damage;
    },
    /** Remembers faults that a check of the whole file found. */
    found(faults: readonly string[]): void {
      const message = `${file} is damaged (${faults.join("; ")})`;
      if (faults.length > 0) damage ??= new StoreError("damaged", message, { cure: cures.damaged });
    },
  };
}

/**
 * SQLite's primary result codes after which the file must be opened again: READONLY, IOERR, CORRUPT, CANTOPEN, NOTADB.
 * After FULL a rollback is enough.
 */
const brokenCodes = new Set([8, 10, 11, 14, 26]);

/** Whether the file must be opened again. */
export function isBroken(error: unknown): boolean {
  return brokenCodes.has(codeOf(error));
}

/** Whether the disk failed, rather than one statement. 13 is FULL. */
export function isDiskFault(error: unknown): boolean {
  return isBroken(error) || codeOf(error) === 13;
}

/** CORRUPT or NOTADB: the file is not as it was written. */
export function isDamage(error: unknown): boolean {
  return [11, 26].includes(codeOf(error));
}

/** Faults of the values rather than the disk: TOOBIG, CONSTRAINT, MISMATCH, RANGE. */
const refusedCodes = new Set([18, 19, 20, 25]);

/** The kind of an SQLite error. */
function faultOf(error: unknown): StoreFault {
  const code = codeOf(error);
  // A SyntaxError comes from JSON in a row, which we wrote.
  if (isDamage(error) || error instanceof SyntaxError) return "damaged";
  if (code === 13) return "full";
  if (code === 8 || code === 14) return "locked";
  if (code === 10) return "broken";
  return refusedCodes.has(code) || error instanceof TypeError ? "refused" : "other";
}

/** SQLite's primary result code; 0 for any other error. */
function codeOf(error: unknown): number {
  return error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : 0;
}
