import { join } from "node:path";
import { groupCommit } from "./append.ts";
import { openConnection } from "./connection.ts";
import * as contacts from "./contacts.ts";
import type { Store } from "./contract.ts";
import * as decoded from "./decoded.ts";
import * as delivered from "./delivered.ts";
import { kyselyOver } from "./kysely.ts";
import { choresOver, queriesOver } from "./queries.ts";

/**
 * The embedded store: one SQLite file, `switchhook.db`, in the data folder.
 * Deliveries are committed with synchronous=FULL before anybody is told so. The lane's own writes can all be made
 * again from the deliveries, so they go through a second connection that does not wait for the disk.
 */
export function openSqliteStore(folder: string, now: () => number = Date.now): Store {
  const file = join(folder, "switchhook.db");
  const front = openConnection(file, { full: true });
  const work = openConnection(file, { full: false });
  const kysely = kyselyOver(work);
  const queries = queriesOver(kysely);

  return {
    ...queries,
    ...choresOver(kysely),
    append: groupCommit(front),
    newDeliveries: async (installation, limit) => decoded.newDeliveries(work, installation, limit),
    groupsOf: async (installation, legs) => decoded.groupsOf(work, installation, legs),
    saveDecoded: async (installation, deliveries, calls) =>
      decoded.saveDecoded(work, installation, deliveries, calls, now()),
    dueCalls: async (installation, at, limit) => delivered.dueCalls(work, installation, at, limit),
    nextDue: async (installation) => delivered.nextDue(work, installation),
    saveSending: async (calls) => delivered.saveSending(work, calls),
    saveDelivered: async (calls) => delivered.saveDelivered(work, calls),
    contactsByNumber: async (installation, numbers) => contacts.contactsByNumber(work, installation, numbers),
    contact: async (installation, ref) => contacts.contactOf(work, installation, ref),
    putContacts: async (installation, found, options) =>
      contacts.putContacts(work, installation, found, options),
    removeContacts: async (installation, refs) => contacts.removeContacts(work, installation, refs),
    dropContactsBefore: async (installation, generation) =>
      contacts.dropContactsBefore(work, installation, generation),
    countContacts: async (installation) =>
      Number(work.get("SELECT COUNT(*) AS n FROM contacts WHERE installation = ?", installation)?.["n"] ?? 0),
    putOwners: async (installation, owners) => contacts.putOwners(work, installation, owners),
    owners: async (installation) => contacts.ownersOf(work, installation),
    call: async (key) => {
      const id = await queries.idOf(key);
      return id === undefined ? undefined : decoded.groupOf(work, id);
    },
    ready: async () => front.transaction(() => undefined),
    close: async () => {
      front.close();
      work.close();
    },
  };
}
