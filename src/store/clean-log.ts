import { setTimeout as pause } from "node:timers/promises";
import type { Write } from "./writing.ts";

const tries = 10;
const againMs = 100;

/**
 * Nothing of what was erased stays in the write-ahead log. Somebody who reads for long (a backup) can keep it there; then it
 * is overwritten in time, as the log is.
 */
export async function cleanLog(write: Write): Promise<void> {
  for (let n = 1; n <= tries && !(await write("cleanLog")); n += 1) await pause(againMs);
}
