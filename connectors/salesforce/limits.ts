import { CrmError } from "../../src/core/errors.ts";
import { createBudget, type Priority } from "../../src/lib/budget.ts";
import { faultsOf, limitPauseMs } from "./errors.ts";

/** What the org still takes from us. */
export type Limits = {
  /** Waits for its turn; call what it returns when the request is over. Throws `CrmError("later")`. */
  turn(priority: Priority, signal: AbortSignal | undefined): Promise<() => void>;
  /** Reads what an answer says of the day's limit. */
  learn(headers: Readonly<Record<string, string>>): void;
  /** The same failure; one that says that the limit is reached stops further requests and tells until when. */
  heed(failure: CrmError): CrmError;
};

const concurrentPauseMs = 5_000;
/** Keeping the index fresh leaves the last tenth of the day's requests to calls. */
const shareOfSync = 0.9;

export function createLimits(now: () => number): Limits {
  // Of our own choice: few enough that the org's other programs do not feel us.
  const budget = createBudget({ name: "Salesforce", limit: 50, perMs: 1_000, atOnce: 5, now });
  let usage: { used: number; limit: number; at: number } | undefined;

  /** An old figure counts no longer: the window of 24 hours rolls, and only a request brings a new one. */
  const refuseSync = (): void => {
    if (!usage || now() - usage.at >= limitPauseMs || usage.used < usage.limit * shareOfSync) return;
    const cause = `Salesforce counts ${usage.used} of the org's ${usage.limit} requests in 24 hours`;
    const message = `${cause}: the rest is kept for calls, contacts are read again in ${limitPauseMs / 60_000} minutes`;
    throw new CrmError("later", message, { afterMs: limitPauseMs });
  };

  return {
    async turn(priority, signal) {
      if (priority === "sync") refuseSync();
      return budget.spend(priority, signal);
    },
    learn(headers) {
      const info = headers["sforce-limit-info"] ?? "";
      const [, used, limit] = /(?:^|[\s,;])api-usage=(\d+)\/(\d+)/.exec(info) ?? [];
      if (used && limit) usage = { used: Number(used), limit: Number(limit), at: now() };
    },
    heed(failure) {
      const fault = faultsOf(failure).find(({ code }) => code === "REQUEST_LIMIT_EXCEEDED");
      if (!fault) return failure;
      const pauseMs = /concurrent/i.test(fault.message) ? concurrentPauseMs : limitPauseMs;
      const until = now() + pauseMs;
      const counted = usage ? `, ${usage.used} of ${usage.limit} in 24 hours` : "";
      const reason = `Salesforce takes no more requests for now (REQUEST_LIMIT_EXCEEDED${counted})`;
      budget.pause(until, reason);
      const message = `${reason}; it is asked again at ${new Date(until).toISOString()}`;
      return new CrmError("later", message, { afterMs: pauseMs, cause: failure.cause });
    },
  };
}
