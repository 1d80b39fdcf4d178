import { setTimeout as pause } from "node:timers/promises";
import { Rejected } from "../core/errors.ts";
import type { Log } from "../core/runtime.ts";

type RefusalOptions = { now: () => number; log: Pick<Log, "warn">; count: () => void };

/** This many wrong tokens of one address are answered without delay: people mistype. */
const freeAttempts = 3;
const firstPauseMs = 200;
const longestPauseMs = 2_000;
/** The count of an address is reset after this long without a wrong token. */
const forgottenMs = 15 * 60_000;
const addressesKept = 1_000;
const mostWaiting = 50;

/**
 * Wrong admin tokens are counted, logged, and answered more and more slowly. A correct token is never delayed, so an
 * attacker behind the same proxy cannot lock an administrator out.
 */
export function createRefusals({ now, log, count }: RefusalOptions) {
  const attempts = new Map<string, { times: number; at: number }>();
  let waiting = 0;

  const timesOf = (address: string): number => {
    const before = attempts.get(address);
    const times = before && now() - before.at < forgottenMs ? before.times + 1 : 1;
    // Reinserted, so that the oldest address is first.
    attempts.delete(address);
    attempts.set(address, { times, at: now() });
    const [oldest] = attempts.keys();
    if (attempts.size > addressesKept && oldest !== undefined) attempts.delete(oldest);
    return times;
  };

  return {
    /** Resolves when a wrong token may be answered. Throws `Rejected(429)` when too many are waiting. */
    async refused(address: string): Promise<void> {
      count();
      log.warn({ from: address }, "a wrong admin token was refused");
      const times = timesOf(address);
      if (times <= freeAttempts) return;
      if (waiting >= mostWaiting)
        throw new Rejected(429, "too many wrong admin tokens at once: try again in a few seconds");
      waiting += 1;
      try {
        await pause(Math.min(longestPauseMs, firstPauseMs * 2 ** (times - freeAttempts - 1)));
      } finally {
        waiting -= 1;
      }
    },
  };
}
