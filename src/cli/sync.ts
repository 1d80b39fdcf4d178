import { CrmError } from "../core/errors.ts";
import { type SyncProgress, syncContacts } from "../flow/contacts/sync.ts";
import { prepareDataFolder } from "./data-folder.ts";
import { counted, Failure, type GlobalOptions, print, printJson, progressLine } from "./output.ts";
import { chosenInstallations, withParts } from "./with-parts.ts";

export type SyncOptions = GlobalOptions & { installation?: string };

/** Brings the contact index up to date with the CRM now. */
export async function sync(options: SyncOptions): Promise<void> {
  await withParts(options, async (parts) => {
    const { flow, config } = parts;
    await prepareDataFolder(config, flow.store);
    const synced: (SyncProgress & { installation: string; known: number })[] = [];
    for (const installation of chosenInstallations(parts, options.installation)) {
      const { name } = installation.settings;
      const progress = progressLine();
      const done = await syncContacts(flow, installation, undefined, ({ contacts }) =>
        progress.show(`${name}: ${counted(contacts, "contact")} ...`),
      ).catch((cause: unknown) => {
        if (!(cause instanceof CrmError)) throw cause;
        throw new Failure(`${name}: the contacts could not be read: ${cause.message}`, { cause });
      });
      progress.done();
      synced.push({ installation: name, ...done, known: await flow.store.countContacts(name) });
    }
    if (options.json) return printJson({ synced });
    for (const one of synced) print(syncLine(one));
  });
}

function syncLine({
  installation,
  contacts,
  removed,
  matched,
  known,
}: SyncProgress & { installation: string; known: number }) {
  const changes = contacts + removed === 0 ? "nothing had changed" : `${contacts} read, ${removed} removed`;
  const waiting =
    matched > 0 ? `; ${counted(matched, "earlier call")} now have a contact and will be logged with it` : "";
  return `${installation}: ${counted(known, "contact")} in the index (${changes})${waiting}.`;
}
