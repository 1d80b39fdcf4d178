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

/** SQLite's primary result code; 0 for any other error. */
function codeOf(error: unknown): number {
  return error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : 0;
}
