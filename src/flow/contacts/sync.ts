import type { Flow, Installation } from "../installation.ts";
import { indexContacts } from "./index-contacts.ts";

export type SyncProgress = { contacts: number; removed: number; matched: number };

/**
 * Brings the contact index and the owners up to date with the CRM, page by page; after a stop it resumes at the last
 * page. Calls of the last 30 days whose number is new become due. Throws `CrmError`.
 */
export async function syncContacts(
  flow: Flow,
  installation: Installation,
  signal?: AbortSignal,
  onPage: (progress: SyncProgress) => void = () => {},
): Promise<SyncProgress> {
  const { connector, settings, indexing } = installation;
  const { store } = flow;
  const progress: SyncProgress = { contacts: 0, removed: 0, matched: 0 };
  if (connector.owners) await store.putOwners(settings.name, await connector.owners());
  const { changedContacts } = connector;
  if (!changedContacts) return progress;
  let state = await store.syncState(settings.name);
  let complete = false;
  const nextPage = async (): Promise<boolean> => {
    const page = await changedContacts(state.cursor, signal);
    if (page.full) {
      // Before the first of them is written: contacts that calls find from now on belong to this generation, too.
      state = { ...state, generation: state.generation + 1 };
      await store.saveSyncState(settings.name, state);
      complete = true;
    }
    progress.matched += await indexContacts(flow, installation, page.contacts);
    progress.contacts += page.contacts.length;
    await store.removeContacts(settings.name, page.removed);
    progress.removed += page.removed.length;
    if (!page.more && complete)
      progress.removed += await store.dropContactsBefore(settings.name, state.generation);
    state = { ...state, cursor: page.cursor, ...(!page.more && { finishedAt: flow.now() }) };
    await store.saveSyncState(settings.name, state);
    onPage(progress);
    return page.more;
  };
  // What the CRM reports meanwhile is applied between two pages.
  for (let more = true; more && !signal?.aborted; ) more = await indexing(nextPage);
  return progress;
}
