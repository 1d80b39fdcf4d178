import { type Contact, numbersOf } from "../core/contact.ts";
import { createPace, inParts } from "../lib/pace.ts";
import type { Flow, Installation } from "./installation.ts";
import { matchableMs } from "./match.ts";

export type SyncProgress = { contacts: number; removed: number; matched: number };

/** Contacts in one transaction: few enough that an inbound call never waits for it. */
const contactsAtOnce = 100;

/**
 * Brings the contact index and the owners up to date with the CRM, page by page; a stop in between goes on from the
 * last page. Calls of the last 30 days whose number is new become due. Throws `CrmError`.
 */
export async function syncContacts(
  flow: Flow,
  installation: Installation,
  signal?: AbortSignal,
  onPage: (progress: SyncProgress) => void = () => {},
): Promise<SyncProgress> {
  const { connector, settings } = installation;
  const { store } = flow;
  const progress: SyncProgress = { contacts: 0, removed: 0, matched: 0 };
  if (connector.owners) await store.putOwners(settings.name, await connector.owners());
  if (!connector.changedContacts) return progress;
  let { cursor, generation } = await store.syncState(settings.name);
  let complete = false;
  for (let more = true; more && !signal?.aborted; ) {
    const page = await connector.changedContacts(cursor, signal);
    if (page.full) {
      generation += 1;
      complete = true;
    }
    progress.matched += await indexContacts(flow, installation, page.contacts, generation);
    progress.contacts += page.contacts.length;
    await store.removeContacts(settings.name, page.removed);
    progress.removed += page.removed.length;
    ({ cursor, more } = page);
    if (!more && complete) progress.removed += await store.dropContactsBefore(settings.name, generation);
    await store.saveSyncState(settings.name, {
      cursor,
      generation,
      ...(!more && { finishedAt: flow.now() }),
    });
    onPage(progress);
  }
  return progress;
}

/** Puts contacts into the index. Returns how many calls became due because their number is known now. */
export async function indexContacts(
  flow: Flow,
  { settings }: Installation,
  contacts: readonly Contact[],
  generation: number,
): Promise<number> {
  const pace = createPace();
  let matched = 0;
  for (const part of inParts(contacts, contactsAtOnce)) {
    const now = flow.now();
    const indexed = part.map((contact) => ({ contact, numbers: numbersOf(contact, settings.region) }));
    const options = { generation, now, matchSince: now - matchableMs };
    matched += await flow.store.putContacts(settings.name, indexed, options);
    await pace();
  }
  return matched;
}
