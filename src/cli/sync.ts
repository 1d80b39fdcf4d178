import { CrmError, ProviderError } from "../core/errors.ts";
import type { ConfiguredProvider } from "../core/runtime.ts";
import { whySkipped } from "../flow/calls/due.ts";
import { type SyncProgress, syncContacts } from "../flow/contacts/sync.ts";
import type { Installation } from "../flow/installation.ts";
import { reconcile as poll, type Reconciled } from "../flow/lost-webhooks/reconcile.ts";
import type { Parts } from "../server/assemble.ts";
import type { SharedStore } from "../store/contract.ts";
import { prepareDataFolder } from "./data-folder.ts";
import { counted, Failure, type GlobalOptions, print, printJson, progressLine } from "./output.ts";
import { sinceOf } from "./replay.ts";
import { chosenInstallations, sayWhoWorks, withParts, workOff } from "./with-parts.ts";

export type SyncOptions = GlobalOptions & { installation?: string };

/** Brings the contact index up to date with the CRM now. */
export async function sync(options: SyncOptions): Promise<void> {
  await withParts(options, async (parts) => {
    const { flow, config } = parts;
    await prepareDataFolder(config, flow.store);
    const { shared } = flow.store;
    if (shared) return syncByInstances(parts, shared, options);
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

/** Whichever instance works for an installation syncs it: its next sync becomes due. */
async function syncByInstances(parts: Parts, shared: SharedStore, options: SyncOptions): Promise<void> {
  const { store } = parts.flow;
  const names = chosenInstallations(parts, options.installation).map(({ settings }) => settings.name);
  for (const name of names) {
    const { finishedAt: _, ...state } = await store.syncState(name);
    await store.saveSyncState(name, state);
  }
  await shared.notify({ kind: "wake", lanes: names.map((installation) => ({ installation, lane: "sync" })) });
  if (options.json) printJson({ due: names });
  else print(`The instances sync ${names.join(", ")} within half a minute.`);
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

type ReconcileFlags = GlobalOptions & { since?: string; installation?: string; provider?: string };

/** `skipped`: why this provider was not polled. */
type PolledProvider = { installation: string; provider: string; skipped?: string } & Partial<Reconciled>;

/** Polls the providers for calls that webhooks left out, and logs them. */
export async function reconcile(options: ReconcileFlags): Promise<void> {
  await withParts(options, async (parts) => {
    const { flow, config, providers } = parts;
    const { provider, installation } = options;
    if (provider !== undefined && !Object.hasOwn(providers, provider))
      throw new Failure(
        `There is no provider ${provider}. Use one of: ${Object.keys(providers).join(", ")}.`,
      );
    await prepareDataFolder(config, flow.store);
    const since = options.since === undefined ? undefined : sinceOf(options.since, flow.now());
    const polled: PolledProvider[] = [];
    for (const one of chosenInstallations(parts, installation)) {
      for (const configured of Object.values(one.providers)) {
        if (provider === undefined || configured.provider.id === provider)
          polled.push(await pollOne(parts, one, configured, since));
      }
    }
    const worked = await workOff(parts);
    if (options.json) return printJson({ asked: polled.map(jsonOf), ...worked });
    for (const one of polled) print(lineOf(one));
    sayWhoWorks(worked);
  });
}

async function pollOne(
  { flow }: Parts,
  installation: Installation,
  configured: ConfiguredProvider,
  since: string | undefined,
): Promise<PolledProvider> {
  const { name } = installation.settings;
  const { id, label } = configured.provider;
  const skipped = whySkipped(installation, configured);
  const progress = progressLine();
  try {
    const so = await poll(flow, installation, configured, {
      ...(since !== undefined && { since }),
      onPage: ({ compared, missed }) =>
        progress.show(`${name}: ${label}: ${counted(compared, "call")} compared, ${missed} missed ...`),
    });
    return { installation: name, provider: id, ...so, ...(skipped !== undefined && { skipped }) };
  } catch (cause) {
    if (!(cause instanceof ProviderError)) throw cause;
    throw new Failure(`${name}: ${cause.message}`, { cause });
  } finally {
    progress.done();
  }
}

/** As earlier versions name it. */
function jsonOf({ compared, ...rest }: PolledProvider): object {
  return { ...rest, ...(compared !== undefined && { told: compared }) };
}

function lineOf({
  installation,
  provider,
  skipped,
  compared = 0,
  missed = 0,
  mended = 0,
  closed = 0,
}: PolledProvider): string {
  const ended = closed > 0 ? ` ${counted(closed, "call")} without an end were closed.` : "";
  if (skipped !== undefined)
    return `${installation}: ${provider} was not polled: ${skipped.replace(/\.$/, "")}.${ended}`;
  const news = `${missed} without a webhook, ${mended} incomplete`;
  return `${installation}: ${provider} returned ${counted(compared, "call")}: ${news}.${ended}`;
}
