/** Passes each sentence on once. Sentences of one `kind` count as the same. */
export function onceEach(
  pass: (sentence: string) => void,
  mostKinds = 1_000,
): (sentence: string, kind?: string) => void {
  const kinds = new Set<string>();
  return (sentence, kind = sentence) => {
    if (kinds.has(kind)) return;
    if (kinds.size < mostKinds) kinds.add(kind);
    pass(sentence);
  };
}

/**
 * Sends items together. Those that `send` returns are sent again in two halves, and so on until each stands alone; one
 * that stands alone is not sent again.
 */
export async function inHalves<T>(
  items: readonly T[],
  send: (part: readonly T[]) => Promise<readonly T[]>,
): Promise<void> {
  if (items.length === 0) return;
  const again = await send(items);
  if (items.length === 1) return;
  const middle = Math.ceil(again.length / 2);
  await inHalves(again.slice(0, middle), send);
  await inHalves(again.slice(middle), send);
}

/** Values by key, each loaded again when it is older than the cache allows. A failed load is not stored. */
export type TimedCache<K, V> = {
  get(key: K, load: () => Promise<V>): Promise<V>;
  /** Drops one value. */
  drop(key: K): void;
  /** Drops all values that are at least this old; returns whether there were any. */
  forget(minAgeMs?: number): boolean;
};

const hourMs = 3_600_000;

export function createCache<K, V>(now: () => number, maxAgeMs = hourMs): TimedCache<K, V> {
  const entries = new Map<K, { at: number; value: Promise<V> }>();
  return {
    get(key, load) {
      const known = entries.get(key);
      if (known && now() - known.at < maxAgeMs) return known.value;
      const entry = { at: now(), value: load() };
      entries.set(key, entry);
      entry.value.catch(() => entries.get(key) === entry && entries.delete(key));
      return entry.value;
    },
    drop: (key) => void entries.delete(key),
    forget(minAgeMs = 0) {
      const old = [...entries].filter(([, { at }]) => now() - at >= minAgeMs);
      for (const [key] of old) entries.delete(key);
      return old.length > 0;
    },
  };
}
