import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Store } from "../contract.ts";
import { storeOver } from "../store.ts";
import { losses } from "./append.ts";
import { openConnection } from "./connection.ts";
import { healthOf, withNamedErrors } from "./health.ts";
import { faultsOf, integrityCheck } from "./recovery.ts";
import { groupCommit, openReader, openWriter } from "./threads.ts";

/**
 * The embedded store: one SQLite file, `switchhook.db`, in the data folder. Quick reads run in the thread that calls,
 * listings and writes in threads of their own.
 */
export function openSqliteStore(folder: string, now: () => number = Date.now): Store {
  const file = join(folder, "switchhook.db");
  const db = openConnection(file, { writes: false });
  const { write, close } = openWriter(file);
  const listings = openReader(file);
  const health = healthOf(file);

  const cleanUp = async (): Promise<void> => {
    for (let n = 1; n <= tries && !(await write("cleanLog")); n += 1) await pause(againMs);
  };

  const store: Store = {
    ...storeOver({ read: db, listings, write, cleanUp }, now),
    append: groupCommit(write, health.named),
    ready: async () => {
      health.check();
      await write("ready");
    },
    losses: (since) => losses(db, since),
    damage: async () => {
      const reader = openReader(file);
      try {
        const faults = faultsOf(await reader.all(integrityCheck));
        health.found(faults);
        return faults;
      } catch (error) {
        const named = health.named(error);
        if (named.fault !== "damaged") throw named;
        return [named.message];
      } finally {
        await reader.close();
      }
    },
    close: async () => {
      await Promise.all([close(), listings.close()]);
      db.close();
    },
  };
  return withNamedErrors(store, health);
}

/** A long reader, such as a backup, can keep what was erased in the log; the log is overwritten in time. */
const tries = 10;
const againMs = 100;
