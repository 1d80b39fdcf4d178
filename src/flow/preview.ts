import { chooseContact } from "../core/contact.ts";
import type { InstallationSettings } from "../core/settings.ts";
import { openWorker, type WorkerOptions } from "../lib/worker.ts";
import type { CallRow } from "../store/contract.ts";
import type { Flow, Installation } from "./installation.ts";
import type { Lookup } from "./match.ts";
import type { MappingText, Preview, PreviewedCall, PreviewJob } from "./preview-render.ts";
import { contactRefOf } from "./record.ts";

const callsShown = 20;

/**
 * What the latest calls would look like with another mapping, beside what the one in use makes of them now. Reads only
 * the index, never the CRM; the work is done by another thread. Calls that would stay as they are have no changes.
 */
export function createPreviews(flow: Flow, options: Pick<WorkerOptions, "limitMs"> = {}) {
  // The package has the same file as JavaScript.
  const ending = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
  const script = new URL(`./preview-worker${ending}`, import.meta.url);
  const worker = openWorker({ script, what: "preview of a mapping", ...options });
  return {
    /** Throws `ConfigError` with all that is wrong with the mapping, and `Rejected(503)`. */
    async of(installation: Installation, inUse: MappingText, next: MappingText): Promise<Preview> {
      const job: PreviewJob = {
        crm: installation.crm,
        settings: plainSettings(installation.settings),
        owners: await flow.store.owners(installation.settings.name),
        calls: await latestCalls(flow, installation),
        inUse,
        next,
      };
      return (await worker.run(job)) as Preview;
    },
    close: worker.close,
  };
}

/** Without the credentials, which stand beside them. */
function plainSettings(settings: InstallationSettings): InstallationSettings {
  const {
    crm: _crm,
    providers: _providers,
    ...plain
  } = settings as InstallationSettings & {
    crm?: unknown;
    providers?: unknown;
  };
  return plain;
}

async function latestCalls(flow: Flow, installation: Installation): Promise<PreviewedCall[]> {
  const { name } = installation.settings;
  const calls: PreviewedCall[] = [];
  for (const row of await flow.store.calls({ installation: name, limit: callsShown })) {
    const lookup = await lookupOf(flow, installation, row);
    const ref = contactRefOf(row, lookup);
    const contact = ref && ((await flow.store.contact(name, ref)) ?? { ...ref, phones: [], fields: {} });
    const links = { recordingUrl: flow.recordingUrl?.(row), transcriptUrl: flow.transcriptUrl?.(row) };
    calls.push({ row, lookup, contact, ...links });
  }
  return calls;
}

async function lookupOf(
  { store }: Flow,
  { settings }: Installation,
  { number, contact }: CallRow,
): Promise<Lookup> {
  if (contact || number === undefined) return { lookup: "preview" };
  const found = await store.contactsByNumber(settings.name, [number]);
  return { number, lookup: "index", choice: chooseContact(found.get(number) ?? [], settings.contactOrder) };
}
