import { type Choice, type Contact, chooseContact, numbersOf } from "../core/contact.ts";
import { toE164, whyNotANumber } from "../core/phone.ts";
import type { CallRow } from "../store/contract.ts";
import type { Flow, Installation } from "./installation.ts";

/** Where an answer about a number came from. */
export type Lookup = { number?: string; lookup: string; choice?: Choice };

/** Calls stay matchable this long: when the index later learns their number, they are associated by themselves. */
export const matchableMs = 30 * 86_400_000;

/** Why a number is not to be looked up; undefined when it is. */
export function whyNotLookedUp(
  installation: Installation,
  raw: string | undefined,
  number: string | undefined,
): string | undefined {
  if (number === undefined) return whyNotANumber(raw);
  const { companyNumbers, region } = installation.settings;
  if (companyNumbers.some((own) => toE164(own, region) === number)) return "one of the company's own numbers";
  return undefined;
}

/**
 * The contacts of a batch of calls, by row id. The index first; all misses together in one request to the CRM, whose
 * finds go into the index. Throws `CrmError` when the CRM has to be asked and cannot be.
 */
export async function matchCalls(
  flow: Flow,
  installation: Installation,
  rows: readonly CallRow[],
  signal?: AbortSignal,
): Promise<Map<number, Lookup>> {
  const { name, contactOrder } = installation.settings;
  const lookups = new Map<number, Lookup>();
  const wanted = new Map<string, CallRow[]>();
  for (const row of rows) {
    const why = whyNotLookedUp(installation, row.call.customer?.number, row.number);
    if (why !== undefined || row.number === undefined)
      lookups.set(row.id, { lookup: `not looked up: ${why}` });
    else wanted.set(row.number, [...(wanted.get(row.number) ?? []), row]);
  }
  const indexed = await flow.store.contactsByNumber(name, [...wanted.keys()]);
  const misses = [...wanted.keys()].filter((number) => !indexed.has(number));
  const found =
    misses.length > 0 ? await askCrm(flow, installation, misses, signal) : new Map<string, Contact[]>();
  for (const [number, waiting] of wanted) {
    const candidates = indexed.get(number) ?? found.get(number) ?? [];
    const choice = chooseContact(candidates, contactOrder);
    const lookup = indexed.has(number) ? "index" : "crm";
    flow.meter.looked(choice.contact ? lookup : "unknown");
    for (const row of waiting) lookups.set(row.id, { number, lookup, choice });
  }
  return lookups;
}

/** Asks the CRM and remembers what it said. */
export async function askCrm(
  flow: Flow,
  installation: Installation,
  numbers: readonly string[],
  signal?: AbortSignal,
): Promise<Map<string, Contact[]>> {
  const found = await installation.connector.findContacts(numbers, signal);
  const { name, region } = installation.settings;
  const contacts = [
    ...new Map(
      [...found.values()].flat().map((contact) => [`${contact.kind} ${contact.id}`, contact]),
    ).values(),
  ];
  if (contacts.length > 0) {
    const { generation } = await flow.store.syncState(name);
    const now = flow.now();
    await flow.store.putContacts(
      name,
      contacts.map((contact) => ({ contact, numbers: numbersOf(contact, region) })),
      { generation, now, matchSince: now - matchableMs },
    );
  }
  return found;
}
