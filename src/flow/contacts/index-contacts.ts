import { type Contact, numbersOf } from "../../core/contact.ts";
import { createPace, inParts } from "../../lib/pace.ts";
import type { Flow, Installation } from "../installation.ts";

/** Contacts in one transaction: few enough that an inbound call never waits for it. */
const contactsAtOnce = 100;
/** Unmatched calls are matched automatically when the index learns their number within this time. */
export const matchableMs = 30 * 86_400_000;

/** Adds contacts to the index. Returns how many calls became due because their number is known now. */
export async function indexContacts(
  flow: Flow,
  { settings }: Installation,
  contacts: readonly Contact[],
): Promise<number> {
  const pace = createPace();
  let matched = 0;
  for (const part of inParts(contacts, contactsAtOnce)) {
    const now = flow.now();
    const indexed = part.map((contact) => ({ contact, numbers: numbersOf(contact, settings.region) }));
    matched += await flow.store.putContacts(settings.name, indexed, { now, matchSince: now - matchableMs });
    await pace();
  }
  return matched;
}
