import type { Scalar } from "./call.ts";
import { numbersIn } from "./phone.ts";

export const contactKinds = ["contact", "lead", "company"] as const;
export type ContactKind = (typeof contactKinds)[number];

export type ContactRef = { id: string; kind: ContactKind };

/** A record of the CRM that a caller can be. */
export type Contact = ContactRef & {
  name?: string;
  email?: string;
  company?: string;
  ownerId?: string;
  /** As the CRM stores them, in any notation. */
  phones: string[];
  /** The last activity or change (ISO 8601), when the CRM has that. */
  activeAt?: string;
  /** Further fields for the mapping. */
  fields: Record<string, Scalar>;
};

/** A user of the CRM. */
export type Owner = {
  id: string;
  name?: string;
  email?: string;
  /** IANA, when the CRM has it; dates and times of this user's activities are in it. */
  timeZone?: string;
  /** Cannot own an activity: an archived or inactive user, or a queue. */
  left?: true;
};

/** The contact that was chosen among those with a number. */
export type Choice = {
  contact?: Contact;
  /** The rule that decided. */
  reason: string;
  runnersUp: { id: string; kind: ContactKind; name?: string }[];
};

/** The distinct identities of a contact's numbers, which callers are compared with. */
export function numbersOf(contact: Pick<Contact, "phones">, region: string): string[] {
  return [...new Set(contact.phones.flatMap((phone) => numbersIn(phone, region)))];
}

/**
 * Chooses among candidates that all have this number: by kind, then owned, then most recently active, then lowest id.
 * `order` says which kinds are preferred, best first.
 */
export function chooseContact(
  candidates: readonly Contact[],
  order: readonly ContactKind[] = contactKinds,
): Choice {
  const rules: { name: string; compare: (a: Contact, b: Contact) => number }[] = [
    { name: `prefers ${order.join(" before ")}`, compare: (a, b) => rank(a) - rank(b) },
    { name: "prefers a contact with an owner", compare: (a, b) => Number(!a.ownerId) - Number(!b.ownerId) },
    {
      name: "prefers the most recently active",
      compare: (a, b) => descending(a.activeAt ?? "", b.activeAt ?? ""),
    },
    { name: "prefers the lowest id", compare: (a, b) => compareIds(a.id, b.id) },
  ];
  const rank = ({ kind }: Contact): number => (order.includes(kind) ? order.indexOf(kind) : order.length);
  const sorted = [...candidates].sort((a, b) => {
    for (const { compare } of rules) {
      const result = compare(a, b);
      if (result !== 0) return result;
    }
    return 0;
  });
  const [contact, second] = sorted;
  if (!contact) return { reason: "no contact has this number", runnersUp: [] };
  const decided = second ? rules.find(({ compare }) => compare(contact, second) !== 0)?.name : undefined;
  const reason = second
    ? `${sorted.length} have this number: ${decided ?? "they are alike"}`
    : "the only one with this number";
  const runnersUp = sorted.slice(1, 6).map(({ id, kind, name }) => ({ id, kind, ...(name && { name }) }));
  return { contact, reason, runnersUp };
}

function descending(a: string, b: string): number {
  return a === b ? 0 : a > b ? -1 : 1;
}

/** Numeric ids first and by value (2 before 10), others by text: one order, whatever the mixture. */
function compareIds(a: string, b: string): number {
  const numeric = (id: string) => /^\d+$/.test(id);
  if (numeric(a) !== numeric(b)) return numeric(a) ? -1 : 1;
  const byValue = numeric(a) ? Number(a) - Number(b) : 0;
  return byValue || (a < b ? -1 : a > b ? 1 : 0);
}
