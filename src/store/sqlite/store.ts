import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Kysely } from "kysely";
import { groupCommit } from "./append.ts";
import { choresOver } from "./chores.ts";
import { openConnection } from "./connection.ts";
import * as contacts from "./contacts.ts";
import type { Store } from "./contract.ts";
import { decodedWrite } from "./decoded.ts";
import * as delivered from "./delivered.ts";
import { eraseInstallationWith, eraseWith } from "./erase.ts";
import { followUpsOver } from "./follow-ups.ts";
import * as groups from "./groups.ts";
import { healthOf, withNamedErrors } from "./health.ts";
import { installsOver } from "./installs.ts";
import { keptOf } from "./kept.ts";
import { kyselyOver, type Tables } from "./kysely.ts";
import { linesOver } from "./lines.ts";
import { listingsOver } from "./listings.ts";
import * as numbering from "./numbering.ts";
import { queriesOver } from "./queries.ts";
import { openReader } from "./reading.ts";
import { recordingsOver } from "./recordings.ts";
import { lossesOf } from "./upkeep.ts";
import { openWriter } from "./writing.ts";

/**
 * The embedded store: one SQLite file, `switchhook.db`, in the data folder. Quick reads happen here, listings in a thread
 * of their own; every write is made by one more, which commits all that has come in with one fsync.
 */
export function openSqliteStore(folder: string, now: () => number = Date.now): Store {
  const file = join(folder, "switchhook.db");
  const db = openConnection(file, { writes: false });
  const { write, close } = openWriter(file);
  const reader = openReader(file);
  const kysely = kyselyOver(db, write);
  const queries = queriesOver(kysely);
  const health = healthOf(file);

  const store: Store = {
    ...queries,
    ...listingsOver(kyselyOver(reader, write)),
    ...choresOver(kysely),
    ...secretsOver(kysely),
    ...installsOver(kysely),
    ...recordingsOver(kysely),
    ...followUpsOver(kysely, write),
    ...linesOver(db),
    append: groupCommit(write, health.named),
    newDeliveries: async (installation, limit) => groups.newDeliveries(db, installation, limit),
    groupsOf: async (installation, legs, deliveries) => groups.groupsOf(db, installation, legs, deliveries),
    sizesOf: async (installation, legs, without) => groups.sizesOf(db, installation, legs, without),
    saveDecoded: (installation, deliveries, calls, line) =>
      write("decoded", decodedWrite({ installation, deliveries, calls, now: now(), line })),
    dueCalls: (installation, at, limit) => delivered.dueCalls(db, installation, at, limit),
    nextDue: async (installation) => delivered.nextDue(db, installation),
    saveSending: (calls, at) => write("sending", delivered.sendingWrite(calls, at)),
    saveDelivered: (calls) => write("delivered", delivered.deliveredWrite(calls)),
    contactsByNumber: (installation, numbers) => contacts.contactsByNumber(db, installation, numbers),
    contact: async (installation, ref) => contacts.contactOf(db, installation, ref),
    putContacts: (installation, found, options) => write("putContacts", installation, found, options),
    removeContacts: (installation, refs) => write("removeContacts", installation, refs),
    erase: eraseWith(db, write),
    eraseInstallation: eraseInstallationWith(write),
    keptOf: async (installation, from) => keptOf(db, installation, from),
    saveAnswer: (installation, provider, answer) =>
      write("saveAnswer", { installation, provider, now: now() }, answer),
    dropContactsBefore: (installation, generation) => write("dropContactsBefore", installation, generation),
    countContacts: async (installation) =>
      Number(db.get("SELECT COUNT(*) AS n FROM contacts WHERE installation = ?", installation)?.["n"] ?? 0),
    putOwners: (installation, owners) => write("putOwners", installation, owners),
    owners: async (installation) => contacts.ownersOf(db, installation),
    call: async (key) => {
      const id = await queries.idOf(key);
      return id === undefined ? undefined : groups.groupOf(db, id);
    },
    numbering: async (installation) => numbering.numberingOf(db, installation),
    saveNumbering: (installation, version) => write("saveNumbering", installation, version),
    numberedContacts: async (installation, after, limit) =>
      numbering.numberedContacts(db, installation, after, limit),
    numberedCalls: async (installation, after, limit) =>
      numbering.numberedCalls(db, installation, after, limit),
    renumberContacts: (installation, found, options) =>
      write("renumberContacts", installation, found, options),
    answerNumbers: async (installation, after, limit) =>
      numbering.answerNumbers(db, installation, after, limit),
    renumberAnswers: (installation, answers) => write("renumberAnswers", installation, answers),
    renumberCalls: (installation, calls, options) => write("renumberCalls", installation, calls, options),
    tryAgain: (version) => write("tryAgain", version),
    ready: async () => {
      health.check();
      await write("ready");
    },
    pullBack: (at) => write("pullBack", at),
    losses: async (since) => lossesOf(db, since),
    damage: health.damage,
    close: async () => {
      await Promise.all([close(), reader.close()]);
      db.close();
    },
  };
  return withNamedErrors(store, health);
}

/** Random secrets of this store. `db` has to survive a power loss: what was made with a secret is out in the world. */
function secretsOver(db: Kysely<Tables>) {
  const find = (name: string) =>
    db.selectFrom("secrets").select("value").where("name", "=", name).executeTakeFirst();

  return {
    async secret(name: string): Promise<Uint8Array> {
      const known = await find(name);
      if (known) return known.value;
      // Another process may have been first: its secret counts.
      await db
        .insertInto("secrets")
        .values({ name, value: randomBytes(32) })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
      const made = await find(name);
      if (!made) throw new Error(`the secret ${name} was stored, and is not there`);
      return made.value;
    },
  };
}
