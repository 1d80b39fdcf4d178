import { messageOf, StoreError } from "../core/errors.ts";
import type { Flow } from "../flow/installation.ts";

const freshMs = 1_000;

/**
 * Why webhooks cannot be stored; undefined when they can. Finding out costs a commit, so what was found is good for a
 * second, a fault included, and all who ask meanwhile share one attempt.
 */
export function readinessOf({ store, now }: Pick<Flow, "store" | "now">) {
  let found: { at: number; why: string | undefined } | undefined;
  let underWay: Promise<string | undefined> | undefined;

  const look = async (): Promise<string | undefined> => {
    try {
      const why = await store.ready().then(() => undefined, whyUnready);
      found = { at: now(), why };
      return why;
    } finally {
      underWay = undefined;
    }
  };

  return async (): Promise<string | undefined> => {
    if (found && Math.abs(now() - found.at) < freshMs) return found.why;
    underWay ??= look();
    return underWay;
  };
}

function whyUnready(error: unknown): string {
  const cure = error instanceof StoreError ? error.cure : "check the disk of the data folder";
  if (error instanceof StoreError && error.fault === "damaged")
    return `the store is damaged, and calls wait (${error.message}): ${cure}`;
  return `webhooks cannot be stored just now (${messageOf(error)}): ${cure}`;
}
