import { setTimeout as pause, setImmediate } from "node:timers/promises";

/**
 * Lets other work run: await it between the items of a long loop. It only waits when `stretchMs` have passed since the
 * last time, so short loops cost nothing.
 */
export function createPace(stretchMs = 3): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < stretchMs) return;
    await setImmediate();
    since = performance.now();
  };
}

/** The results of some work for each item in turn; other work may run in between. */
export async function eachInTurn<T, R>(items: readonly T[], work: (item: T) => R | Promise<R>): Promise<R[]> {
  const pace = createPace();
  const results: R[] = [];
  for (const item of items) {
    results.push(await work(item));
    await pace();
  }
  return results;
}

/** Does one piece of work after another, in the order given. */
export function createTurns(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const turn = last.then(work, work);
    last = turn.catch(() => {});
    return turn;
  };
}

/** One run at a time. A call gets a run that begins after it; calls during a run share the next one. */
export function oneRunAtATime(work: () => Promise<void>): () => Promise<void> {
  let last: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  return () => {
    next ??= last
      .catch(() => {})
      .then(() => {
        if (next) last = next;
        next = undefined;
        return work();
      });
    return next;
  };
}

/** The result of work that is tried again after each failure. Undefined once it is over. */
export async function untilDone<T>(
  work: () => Promise<T>,
  { pauseMs, failed, isOver }: { pauseMs: number; failed: (error: unknown) => void; isOver: () => boolean },
): Promise<T | undefined> {
  while (!isOver()) {
    try {
      return await work();
    } catch (error) {
      failed(error);
      await pause(pauseMs);
    }
  }
  return undefined;
}

/** A list in parts of at most `size`. */
export function inParts<T>(items: readonly T[], size: number): T[][] {
  const parts: T[][] = [];
  for (let i = 0; i < items.length; i += size) parts.push(items.slice(i, i + size));
  return parts;
}

/**
 * The work, or the reason of the first of these signals that aborts, as soon as it does. The work itself goes on, but
 * is no longer waited for.
 */
export function unlessAborted<T>(
  work: Promise<T>,
  ...signals: readonly (AbortSignal | undefined)[]
): Promise<T> {
  return new Promise((resolve, reject) => {
    const present = signals.filter((signal) => signal !== undefined);
    const stop = (): void => reject(present.find(({ aborted }) => aborted)?.reason);
    for (const signal of present) signal.addEventListener("abort", stop, { once: true });
    if (present.some(({ aborted }) => aborted)) stop();
    work.then(resolve, reject).finally(() => {
      for (const signal of present) signal.removeEventListener("abort", stop);
    });
  });
}
