import { oneRunAtATime } from "../lib/pace.ts";
import type { SharedChange, SharedStore } from "../store/contract.ts";
import type { TenancyHooks } from "./hooks.ts";

type ChangeContext = Pick<TenancyHooks, "changed"> & {
  shared: Pick<SharedStore, "changesSince">;
  /** Called for each change that could not be followed. */
  failed: (error: unknown) => void;
};

/**
 * Follows what other instances have changed, each time that the result is called. A change comes several times: it is
 * followed once, and again as long as that fails.
 */
export function followChanges({ shared, changed, failed }: ChangeContext): () => Promise<void> {
  let position: number | undefined;
  /** By install or mapping, the newest change that was followed and may come again. */
  let followed = new Map<string, number>();

  const isFollowed = async (change: SharedChange): Promise<boolean> => {
    try {
      await changed(change);
      return true;
    } catch (error) {
      failed(error);
      return false;
    }
  };

  return oneRunAtATime(async () => {
    const { changes, position: next } = await shared.changesSince(position);
    const recent = new Map<string, number>();
    for (const { id, what, name } of changes) {
      const key = `${what} ${name}`;
      // Changes of one install or mapping wait for each other, so the newest one has the largest id.
      if (followed.get(key) === id || (await isFollowed({ what, name }))) recent.set(key, id);
    }
    followed = recent;
    position = next;
  });
}
