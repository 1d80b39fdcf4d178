import { CrmError } from "../core/errors.ts";
import { maskAll } from "../core/mask.ts";
import { applyContactEvents } from "../flow/contacts/contact-events.ts";
import type { Flow, Installation } from "../flow/installation.ts";
import type { Job } from "../lanes/contract.ts";

/** Changes that come in meanwhile are read together. */
export const contactsRestMs = 500;
const firstPauseMs = 30_000;
const longestPauseMs = 5 * 60_000;

type ContactsLane = {
  flow: Flow;
  installation: Installation;
  /** Called when calls became due because their number is known now. */
  matched: () => void;
};

/** The work of the lane that applies what the CRM reports about contacts. */
export function contactsLane({ flow, installation, matched }: ContactsLane): Job {
  const { name } = installation.settings;
  let failures = 0;
  let [pausedFrom, pausedUntil] = [0, 0];
  return async (signal) => {
    // If the clock was set back since, the pause is over.
    if (flow.now() < pausedUntil && flow.now() >= pausedFrom) return pausedUntil;
    try {
      for (let isFull = true; isFull && !signal.aborted; ) {
        const applied = await applyContactEvents(flow, installation, signal);
        isFull = applied.isFull;
        if (applied.matched > 0) matched();
      }
      failures = 0;
      return undefined;
    } catch (error) {
      if (signal.aborted || !(error instanceof CrmError)) throw error;
      const againInMs = error.afterMs ?? Math.min(firstPauseMs * 2 ** failures, longestPauseMs);
      failures += 1;
      pausedFrom = flow.now();
      pausedUntil = pausedFrom + againInMs;
      await flow.store.postponeContactChanges(name, pausedUntil);
      flow.log.warn(
        { installation: name, reason: maskAll(error.message), againInMs },
        "changed contacts could not be read; it will be retried",
      );
      return pausedUntil;
    }
  };
}
