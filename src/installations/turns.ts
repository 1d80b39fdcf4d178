import { setTimeout as pause } from "node:timers/promises";
import { CrmError } from "../core/errors.ts";
import type { Store } from "../store/contract.ts";

/** Does one piece of work at a time for an installation. `claim`: for `saveInstall`; absent while nothing is stored. */
export type Turns = <T>(work: (claim: number | undefined) => Promise<T>) => Promise<T>;

type ClaimStore = Pick<Store, "install" | "claimInstall" | "releaseInstall" | "shared">;

/** Longer than any turn, so that only the claim of a killed process expires. */
const claimMs = 90_000;
const lookAgainMs = 50;
const mostLooks = 100;

/** Turns, shared with other processes on the same store. Throws `CrmError` when they take too long. */
export function createTurns(name: string, store: ClaimStore, now: () => number): Turns {
  let last: Promise<unknown> = Promise.resolve();

  const claimed = async (): Promise<number | undefined> => {
    for (let looks = 0; looks < mostLooks; looks += 1) {
      // Instances whose clocks differ would not see each other's claims.
      const at = (await store.shared?.now()) ?? now();
      if (await store.claimInstall(name, at, at + claimMs)) return at + claimMs;
      if (!(await store.install(name))) return undefined;
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
        // A claim that cannot be released expires; an earlier error is more important.
        if (claim !== undefined) await store.releaseInstall(name, claim).catch(() => {});
      }
    });
    last = turn.catch(() => {});
    return turn;
  };
}
