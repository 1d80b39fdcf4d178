import { setTimeout as pause } from "node:timers/promises";
import type { ContactRef } from "../../core/contact.ts";
import type { ContactEvents } from "../../core/crm-app.ts";
import { identityOf } from "../../core/phone.ts";
import type { Flow, Installation } from "../installation.ts";
import { indexContacts } from "./index-contacts.ts";
import { renumber } from "./renumber.ts";

/** Events that arrive in this time are read together. */
const pauseMs = 500;
/** Further ones are left to the next sync. */
const mostWaiting = 10_000;

type WaitingEvents = { changed: Set<string>; refs: Map<string, ContactRef>; erased: Map<string, ContactRef> };

export type ContactEventsOptions = {
  installation: (name: string) => Installation | undefined;
  /** Called when calls became due because their number is known now. */
  matched: (installation: string) => void;
};

/** Updates the contact index between syncs by the CRM's webhooks about contacts. */
export function listenToContacts(flow: Flow, options: ContactEventsOptions) {
  const stopping = new AbortController();
  const waiting = new Map<string, WaitingEvents>();
  const working = new Map<string, Promise<void>>();

  const erase = async (name: string, erased: readonly ContactRef[]): Promise<void> => {
    if (erased.length === 0) return;
    const installation = options.installation(name);
    const { companyNumbers = [], region = "" } = installation?.settings ?? {};
    // Rows that older rules stored under other numbers would not be found.
    if (installation) await renumber(flow, installation, stopping.signal);
    const spared = companyNumbers.flatMap((number) => identityOf(number, region) ?? []);
    await flow.store.erase(name, erased, { now: flow.now(), spared });
  };

  const round = async (name: string, { changed, refs, erased }: WaitingEvents): Promise<void> => {
    // Again: a lane may have read them before and written them back.
    await erase(name, [...erased.values()]);
    await flow.store.removeContacts(name, [...refs.values()]);
    const installation = options.installation(name);
    const read =
      changed.size > 0 && (await installation?.connector.contactsById?.([...changed], stopping.signal));
    if (!installation || !read) return;
    await flow.store.removeContacts(name, read.gone);
    if ((await indexContacts(flow, installation, read.contacts)) > 0) options.matched(name);
    flow.log.info(
      { installation: name, contacts: read.contacts.length, removed: refs.size + read.gone.length },
      "contacts changed in the CRM",
    );
  };

  /** One round after another, so that an older read never overwrites a newer one. */
  const work = async (name: string): Promise<void> => {
    for (let notes = waiting.get(name); notes; notes = waiting.get(name)) {
      await pause(pauseMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      waiting.delete(name);
      if (stopping.signal.aborted) break;
      await round(name, notes).catch((error: unknown) => {
        flow.log.warn(
          { installation: name, err: error },
          "changed contacts could not be read; the next sync will",
        );
      });
    }
    working.delete(name);
  };

  return {
    /** Resolves once the events are noted, and erasures are done: no sync would make up for those. */
    async receive(name: string, { changed, removed, erased }: Omit<ContactEvents, "account">): Promise<void> {
      await erase(name, erased);
      const notes = waiting.get(name) ?? { changed: new Set(), refs: new Map(), erased: new Map() };
      const room = () => notes.changed.size + notes.refs.size < mostWaiting;
      for (const id of changed) if (room()) notes.changed.add(id);
      for (const ref of removed) if (room()) notes.refs.set(`${ref.kind} ${ref.id}`, ref);
      for (const ref of erased) notes.erased.set(`${ref.kind} ${ref.id}`, ref);
      if (notes.changed.size + notes.refs.size + notes.erased.size === 0) return;
      waiting.set(name, notes);
      if (!working.has(name)) working.set(name, work(name));
    },
    async stop(): Promise<void> {
      stopping.abort();
      await Promise.all(working.values());
    },
  };
}
