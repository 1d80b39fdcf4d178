import { setTimeout as pause } from "node:timers/promises";
import { CrmError } from "../core/errors.ts";
import type { Store } from "../store/contract.ts";

/** Does one thing at a time with an installation. `claim`: to be saved with; absent while nothing is stored. */
export type Turns = <T>(work: (claim: number | undefined) => Promise<T>) => Promise<T>;

type ClaimStore = Pick<Store, "installs" | "claimInstall" | "releaseInstall">;

/** Longer than all that is ever done in a turn, so that only what a killed process has claimed runs out. */
const claimMs = 90_000;
const lookAgainMs = 50;
const mostLooks = 100;

/** Turns that other processes over the same store take, too. Throws `CrmError` when they take too long. */
export function createTurns(name: string, store: ClaimStore, now: () => number): Turns {
  let last: Promise<unknown> = Promise.resolve();

  const claimed = async (): Promise<number | undefined> => {
    for (let looks = 0; looks < mostLooks; looks += 1) {
      const at = now();
      if (await store.claimInstall(name, at, at + claimMs)) return at + claimMs;
      if (!(await store.installs()).some((one) => one.name === name)) return undefined;
      await pause(lookAgainMs);
    }
    throw new CrmError("later", `another process is busy with the access of ${name}; calls wait`, {
      afterMs: 5_000,
    });
  };

  return (work) => {
    const turn = last.then(async () => {
      const claim = await claimed();
      try {
        return await work(claim);
      } finally {
        // What cannot be released now runs out by itself; what went wrong before is worth more.
        if (claim !== undefined) await store.releaseInstall(name, claim).catch(() => {});
      }
    });
    last = turn.catch(() => {});
    return turn;
  };
}
