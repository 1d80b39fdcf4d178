import type { StoreFault } from "../core/errors.ts";

/**
 * SQLite's primary result codes after which the file must be opened anew: READONLY, IOERR, CORRUPT, CANTOPEN, NOTADB.
 * After FULL a rollback is enough.
 */
const brokenCodes = new Set([8, 10, 11, 14, 26]);

/** Whether the file must be opened anew. */
export function isBroken(error: unknown): boolean {
  return brokenCodes.has(codeOf(error));
}

/** Whether it was the disk that failed, rather than one statement. 13 is FULL. */
export function isDiskFault(error: unknown): boolean {
  return isBroken(error) || codeOf(error) === 13;
}

/** CORRUPT or NOTADB: the file is not what was written. */
export function isDamage(error: unknown): boolean {
  return [11, 26].includes(codeOf(error));
}

/** The values of a request rather than the disk: TOOBIG, CONSTRAINT, MISMATCH, RANGE. */
const refusedCodes = new Set([18, 19, 20, 25]);

/** What kind of fault an error of SQLite's is. */
export function faultOf(error: unknown): StoreFault {
  const code = codeOf(error);
  // JSON in a row that we wrote ourselves.
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
