import type { StoredRetry } from "../../store/contract.ts";
import type { Flow, Installation } from "../installation.ts";
import { countDead, reasonCache } from "./groups.ts";

/** Calls of one retry that wait for the CRM at a time, so that new calls come between them. */
const atOnce = 100;
const pageSize = 500;
const busyMs = 300;
/** Another instance may have begun one. */
const idleMs = 2_000;

export type BulkRetries = ReturnType<typeof createBulkRetries>;

type BulkRetryContext = {
  flow: Pick<Flow, "store" | "now" | "limitedLog">;
  installations: ReadonlyMap<string, Installation>;
  /** Calls of an installation can be delivered now. */
  wake: (installation: string) => void;
};

/**
 * Retries all dead calls that match a filter, also those that die meanwhile, each once. What is to be done is in the store:
 * any instance may begin a retry and cancel it, and the one that leads does the work, also after a restart.
 */
export function createBulkRetries({ flow, installations, wake }: BulkRetryContext) {
  const { store, now, limitedLog } = flow;
  let timer: NodeJS.Timeout | undefined;
  let working: Promise<void> | undefined;
  let isStarted = false;

  const step = async (retry: StoredRetry): Promise<void> => {
    const counts = await store.retriedCounts(retry.id);
    if (retry.cancelled !== undefined) {
      if (retry.cancelled < 0) await countRest(retry);
      if (counts.waiting === 0) await store.endRetry(retry.id, counts, now());
      return;
    }
    const isNextPass = retry.place === 0 && counts.logged + counts.dead + counts.other + counts.waiting > 0;
    if (counts.waiting > (isNextPass ? 0 : atOnce / 2)) return;
    const { found, place } = await nextCalls(retry, atOnce - counts.waiting);
    if (found.length === 0 && place === 0 && retry.place === 0) {
      await store.endRetry(retry.id, counts, now());
      return;
    }
    const calls = found.map(({ id }) => id);
    await store.retryCalls(retry.id, { calls, place, now: now() });
    for (const name of new Set(found.map(({ installation }) => installation))) wake(name);
  };

  const countRest = async ({ id, ...filter }: StoredRetry): Promise<void> => {
    const { matches } = await countDead(store, { ...filter, notIn: id });
    await store.countCancelled(id, matches);
  };

  /** The next calls that match, after those that were looked at before. */
  const nextCalls = async ({ id, installation, failure, place }: StoredRetry, most: number) => {
    const reasonOf = reasonCache();
    const found: { id: number; installation: string }[] = [];
    for (let after = place; ; ) {
      const calls = await store.deadCalls({
        ...(installation !== undefined && { installation }),
        after,
        notIn: id,
        limit: pageSize,
      });
      for (const call of calls) {
        after = call.id;
        // A call of an installation that is not configured any more would wait for ever.
        if (!installations.has(call.installation)) continue;
        if (failure !== undefined && reasonOf(call.reason).group !== failure) continue;
        found.push(call);
        if (found.length === most) return { found, place: after };
      }
      if (calls.length < pageSize) return { found, place: 0 };
    }
  };

  const work = async (): Promise<void> => {
    let isBusy = false;
    try {
      for (const retry of await store.openRetries()) {
        isBusy = true;
        await step(retry);
      }
    } catch (err) {
      isBusy = true;
      if (isStarted) limitedLog.seldom("error", { err }, "a retry of many calls waits for the store");
    }
    clearTimeout(timer);
    // Without other instances only this one begins retries.
    if (isStarted && (isBusy || store.shared)) timer = setTimeout(run, isBusy ? busyMs : idleMs);
  };
  const run = (): void => {
    clearTimeout(timer);
    working = (working ?? Promise.resolve()).then(work);
  };

  return {
    /** Begins the work of all retries. */
    start(): void {
      isStarted = true;
      run();
    },
    /** Resolves when no work is under way. */
    async stop(): Promise<void> {
      isStarted = false;
      clearTimeout(timer);
      await working;
      clearTimeout(timer);
    },
    /** Returns the id of the retry, which is an earlier one while that does the same. */
    async begin(retry: Pick<StoredRetry, "id" | "installation" | "failure" | "startedBy">): Promise<string> {
      const id = await store.addRetry({ ...retry, createdAt: now() });
      if (isStarted) run();
      return id;
    },
    /** False when it has ended, or was cancelled before. */
    async cancel(retry: StoredRetry): Promise<boolean> {
      if (!(await store.cancelRetry(retry.id))) return false;
      await countRest(retry);
      return true;
    },
  };
}
