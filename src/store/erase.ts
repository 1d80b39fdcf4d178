import { setTimeout as pause } from "node:timers/promises";
import type { ContactRef } from "../core/contact.ts";
import type { Connection } from "./connection.ts";
import type { Store } from "./contract.ts";
import type { InstallStore, KeptPlace } from "./contract-installs.ts";
import type { eraseStretch } from "./erase-stretch.ts";
import { lookedThroughAtOnce } from "./mentions.ts";
import { numbersOfPeople } from "./people.ts";
import type { Write } from "./writing.ts";

/** `erase` of the store: first what mentions these people, while their numbers are still known, then all that is theirs. */
export function eraseWith(db: Connection, write: Write): Store["erase"] {
  return async (installation: string, refs: readonly ContactRef[], { now, spared }) => {
    const { own } = numbersOfPeople(db, installation, refs, spared);
    if (own.length > 0) {
      const last = Number(db.get("SELECT MAX(id) AS id FROM deliveries")?.["id"] ?? 0);
      const first = Number(db.get("SELECT MIN(id) AS id FROM deliveries")?.["id"] ?? 0);
      for (let after = first - 1; after < last; after += lookedThroughAtOnce)
        await write("eraseMentions", installation, own, after);
    }
    await write("erasePeople", installation, refs, { now, spared });
    await cleanLog(write);
  };
}

/** `eraseInstallation` of the store. */
export function eraseInstallationWith(write: Write): InstallStore["eraseInstallation"] {
  return async (installation, { signal, onProgress } = {}) => {
    let rows = 0;
    for (let place: KeptPlace | undefined = { step: 0, after: [] }; place; ) {
      if (signal?.aborted) return false;
      const done: ReturnType<typeof eraseStretch> = await write("eraseStretch", installation, place);
      rows += done.rows;
      onProgress?.(rows);
      place = done.next;
    }
    await cleanLog(write);
    await write("eraseRest", installation);
    return true;
  };
}

const tries = 10;
const againMs = 100;

/**
 * Nothing of what was erased stays in the write-ahead log. Somebody who reads for long (a backup) can keep it there; then it
 * is overwritten in time, as the log is.
 */
async function cleanLog(write: Write): Promise<void> {
  for (let n = 1; n <= tries && !(await write("cleanLog")); n += 1) await pause(againMs);
}
