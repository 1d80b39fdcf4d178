import type { ContactRef } from "../../core/contact.ts";
import type { ContactEvents } from "../../core/crm-app.ts";
import { identityOf } from "../../core/phone.ts";
import type { Flow, Installation } from "../installation.ts";
import { indexContacts } from "./index-contacts.ts";
import { renumber } from "./renumber.ts";

/** Changes that are applied in one turn: a few requests to the CRM, during which no sync writes. */
const changesAtOnce = 1_000;

/** Resolves once the events are stored, and erasures are done: what erases a person stays in effect for later writes. */
export async function receiveContactEvents(
  flow: Flow,
  name: string,
  installation: Installation | undefined,
  { changed, removed, erased }: Omit<ContactEvents, "account">,
): Promise<void> {
  if (erased.length > 0) await erase(flow, name, installation, erased);
  if (changed.length + removed.length > 0)
    await flow.store.addContactChanges(name, { changed, removed }, flow.now());
}

async function erase(
  flow: Flow,
  name: string,
  installation: Installation | undefined,
  erased: readonly ContactRef[],
): Promise<void> {
  const { companyNumbers = [], region = "" } = installation?.settings ?? {};
  // Rows that older rules stored under other numbers would not be found.
  if (installation) await renumber(flow, installation);
  const spared = companyNumbers.flatMap((number) => identityOf(number, region) ?? []);
  await flow.store.erase(name, erased, { now: flow.now(), spared });
}

type AppliedChanges = {
  /** How many calls became due because their number is known now. */
  matched: number;
  /** There may be more. */
  isFull: boolean;
};

/**
 * Updates the contact index by the changes that the CRM reported. In turn with syncs, so that what was read earlier never
 * overwrites what was read later. Throws `CrmError`.
 */
export function applyContactEvents(
  flow: Flow,
  installation: Installation,
  signal?: AbortSignal,
): Promise<AppliedChanges> {
  const { store } = flow;
  const { name } = installation.settings;
  return installation.indexing(async () => {
    const due = await store.dueContactChanges(name, flow.now(), changesAtOnce);
    if (due.length === 0) return { matched: 0, isFull: false };
    const removed = due.flatMap(({ id, removed }) => (removed ? { id, kind: removed } : []));
    if (removed.length > 0) await store.removeContacts(name, removed);
    const ids = due.flatMap(({ id, removed }) => (removed ? [] : id));
    const read = ids.length > 0 ? await installation.connector.contactsById?.(ids, signal) : undefined;
    let matched = 0;
    if (read) {
      await store.removeContacts(name, read.gone);
      matched = await indexContacts(flow, installation, read.contacts);
    }
    await store.deleteContactChanges(name, due);
    const counts = {
      contacts: read?.contacts.length ?? 0,
      removed: removed.length + (read?.gone.length ?? 0),
    };
    flow.log.info({ installation: name, ...counts }, "contacts changed in the CRM");
    return { matched, isFull: due.length === changesAtOnce };
  });
}
