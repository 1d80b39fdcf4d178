import { z } from "zod";
import { type Contact, contactKinds } from "../../src/core/contact.ts";
import type { ConnectContext, Connector, ConnectorKind, ContactChanges } from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import { unlessAborted } from "../../src/lib/pace.ts";
import { type Document, digestOf } from "./contacts-file.ts";
import { openCrm } from "./crm.ts";
import { closeTasks, removeCalls, saveCalls, standingsOf } from "./saving.ts";

export { activitiesBeside } from "./files.ts";

const settings = z.strictObject({
  type: z.literal("local"),
  file: z.string().min(1, "the path of the JSON file, e.g. data/crm.json"),
});
export type LocalSettings = z.infer<typeof settings>;

/**
 * The built-in CRM: a JSON file with contacts and owners, and a file beside it with one activity a line. People can open
 * and edit both, even while the server runs.
 */
export const local: ConnectorKind<LocalSettings> = {
  id: "local",
  label: "Local file",
  settings,
  contactKinds,
  connect,
};

function connect({ file: path }: LocalSettings, { region, warn }: ConnectContext): Connector {
  const crm = openCrm(path, region, warn);
  return {
    batchSize: 1000,
    findContacts: async (numbers, signal) => {
      const { contactsByNumber } = await unlessStopped(crm.contacts, signal);
      const found = new Map<string, Contact[]>();
      for (const number of numbers) {
        const contacts = contactsByNumber.get(number);
        if (contacts) found.set(number, [...contacts]);
      }
      return found;
    },
    saveCalls: async (records, signal) => {
      stopIfAborted(signal);
      return crm.change((document, log) => saveCalls({ document, log, region }, records));
    },
    tasks: (tasks, signal) => unlessStopped(() => crm.change((_, log) => standingsOf(log, tasks)), signal),
    closeTasks: async (tasks, signal) => {
      stopIfAborted(signal);
      return crm.change((_, log) => closeTasks(log, tasks));
    },
    removeCalls: (activities) => crm.change((_, log) => removeCalls(log, activities)),
    changedContacts: async (cursor, signal) =>
      contactChanges(await unlessStopped(crm.contacts, signal), cursor),
    watch: crm.watch,
    owners: async () => [...(await crm.contacts()).owners],
    // No `fields`: a record may have any field.
    prepare: async () => {
      await crm.contacts();
    },
    faults: () => crm.change(async (_, log) => log.faults()),
    close: crm.close,
  };
}

/** All contacts when any of them changed since the cursor, which is a digest of them; else nothing. */
async function contactChanges(document: Document, cursor: string | undefined): Promise<ContactChanges> {
  const digest = await digestOf(document);
  if (digest === cursor) return { contacts: [], removed: [], cursor, more: false };
  return { contacts: [...document.contacts.values()], removed: [], cursor: digest, more: false, full: true };
}

function stopIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw stopped(signal);
}

async function unlessStopped<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  stopIfAborted(signal);
  return unlessAborted(work(), signal).catch((error: unknown) => {
    throw signal?.aborted && error === signal.reason ? stopped(signal) : error;
  });
}

function stopped({ reason }: AbortSignal): CrmError {
  return new CrmError("later", "the local CRM did not answer in time: its file is being read", {
    cause: reason,
  });
}
