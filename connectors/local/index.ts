import { z } from "zod";
import { type Contact, contactKinds } from "../../src/core/contact.ts";
import type { ConnectContext, Connector, ConnectorKind } from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import { unlessAborted } from "../../src/lib/aborted.ts";
import { removeCalls, saveCalls } from "./activities.ts";
import { contactChanges } from "./contacts.ts";
import { openDisk } from "./disk.ts";
import { openFile } from "./file.ts";
import { closeTasks, standingsOf } from "./follow-ups.ts";

const settings = z.strictObject({
  type: z.literal("local"),
  file: z.string().min(1, "the path of the JSON file, e.g. data/crm.json"),
});
export type LocalSettings = z.infer<typeof settings>;

/** The built-in CRM: one JSON file that people can open and edit, even while the server runs. */
export const local: ConnectorKind<LocalSettings> = {
  id: "local",
  label: "Local file",
  settings,
  contactKinds,
  connect,
};

function connect({ file: path }: LocalSettings, { region, warn }: ConnectContext): Connector {
  const file = openFile(openDisk(path, region), warn);
  return {
    batchSize: 1000,
    findContacts: async (numbers, signal) => {
      const { contactsByNumber } = await unlessStopped(file.current, signal);
      const found = new Map<string, Contact[]>();
      for (const number of numbers) {
        const contacts = contactsByNumber.get(number);
        if (contacts) found.set(number, [...contacts]);
      }
      return found;
    },
    saveCalls: async (records, signal) => {
      stopIfAborted(signal);
      return file.change((document) => saveCalls(document, records, region));
    },
    tasks: async (tasks, signal) => standingsOf(await unlessStopped(file.current, signal), tasks),
    closeTasks: async (tasks, signal) => {
      stopIfAborted(signal);
      return file.change((document) => closeTasks(document, tasks));
    },
    removeCalls: (activities) => file.change((document) => removeCalls(document, activities)),
    changedContacts: async (cursor, signal) =>
      contactChanges(await unlessStopped(file.current, signal), cursor),
    watch: file.watch,
    owners: async () => [...(await file.current()).owners],
    // No `fields`: a record of the file may have any field.
    prepare: async () => {
      await file.current();
    },
    close: file.close,
  };
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
