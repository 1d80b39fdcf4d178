import { setImmediate } from "node:timers/promises";

/** For long work in small steps: awaited between two steps, it lets others run whenever our slice of time is over. */
export function breather(sliceMs = 3): () => Promise<void> {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < sliceMs) return;
    await setImmediate();
    since = performance.now();
  };
}
