import type { ContactRef } from "../core/contact.ts";
import { cleanLog } from "./clean-log.ts";
import type { Connection } from "./connection.ts";
import type { Store } from "./contract.ts";
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
