import type { Store } from "../../src/store/contract.ts";

/** What the lanes write. */
const laneWrites = ["saveDecoded", "saveSending", "saveDelivered", "putContacts"] as const;

/** Fails the n-th of some writes (those of the lanes), before it or after it, once. `struck`: whether there was an n-th. */
export function failingStore(
  n: number,
  when: "before" | "after",
  writes: readonly (keyof Store)[] = laneWrites,
) {
  let count = 0;
  const wrap = (store: Store): Store => {
    const faulty = { ...store };
    for (const name of writes) {
      const write = store[name] as (...args: unknown[]) => Promise<unknown>;
      Object.assign(faulty, {
        [name]: async (...args: unknown[]) => {
          count += 1;
          const strikes = count === n;
          if (strikes && when === "before") throw new Error(`fault before write ${n}`);
          const result = await write(...args);
          if (strikes && when === "after") throw new Error(`fault after write ${n}`);
          return result;
        },
      });
    }
    return faulty;
  };
  return { wrap, struck: () => count >= n };
}
