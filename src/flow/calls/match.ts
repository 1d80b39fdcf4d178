import { type Choice, type Contact, chooseContact } from "../../core/contact.ts";
import { whyNotANumber } from "../../core/phone.ts";
import type { TrackedCall } from "../../core/tracked-call.ts";
import { inParts, unlessAborted } from "../../lib/pace.ts";
import { searchCrm } from "../contacts/caller-search.ts";
import type { Flow, Installation } from "../installation.ts";

/** What is known of a number. */
export type Lookup = {
  number?: string;
  /** Where the answer came from: "index", "crm", or why there is none. */
  lookup: string;
  choice?: Choice;
};

/** A call with what its number was looked up to, and the contact that it goes to. */
export type Match = { lookup: Lookup; contact: Contact | undefined };

/** Why a number is not looked up; undefined when it is. */
export function whyNotLookedUp(
  installation: Installation,
  raw: string | undefined,
  number: string | undefined,
): string | undefined {
  const { companyNumbers, region } = installation.settings;
  if (number === undefined) return whyNotANumber(raw, region);
  return companyNumbers.includes(number) ? "one of the company's own numbers" : undefined;
}

/**
 * Looks up the callers of many calls: the index first, then the CRM for the misses, many numbers in one request; what the
 * CRM finds is indexed. Each call's answer can be awaited separately; it throws `CrmError` when the CRM does not answer.
 */
export async function lookUp(
  flow: Flow,
  installation: Installation,
  rows: readonly TrackedCall[],
  signal?: AbortSignal,
): Promise<(row: TrackedCall) => Promise<Lookup>> {
  const { contactOrder, name } = installation.settings;
  const numberOf = (row: TrackedCall) =>
    whyNotLookedUp(installation, row.call.customer?.number, row.number) === undefined
      ? row.number
      : undefined;
  const wanted = [...new Set(rows.flatMap((row) => numberOf(row) ?? []))];
  const indexed = await flow.store.contactsByNumber(name, wanted);
  const requested = searchInParts(
    flow,
    installation,
    wanted.filter((number) => !indexed.has(number)),
    signal,
  );
  return async (row) => {
    const number = numberOf(row);
    if (number === undefined) {
      const why = whyNotLookedUp(installation, row.call.customer?.number, row.number);
      return { lookup: `not looked up: ${why}` };
    }
    const lookup = indexed.has(number) ? "index" : "crm";
    const candidates = indexed.get(number) ?? (await requested.get(number))?.get(number) ?? [];
    const choice = chooseContact(candidates, contactOrder);
    flow.meter.looked(choice.contact ? lookup : "unknown");
    return { number, lookup, choice };
  };
}

/** The match of one call by the index alone, as far as it goes without the CRM. */
export async function matchInIndex(flow: Flow, installation: Installation, row: TrackedCall): Promise<Match> {
  const lookup =
    row.contact === undefined ? await lookUpInIndex(flow, installation, row) : earlierLookup(row);
  return { lookup, contact: await contactOf(flow, installation, row, lookup) };
}

async function lookUpInIndex(
  { store }: Flow,
  installation: Installation,
  { call, number }: TrackedCall,
): Promise<Lookup> {
  const why = whyNotLookedUp(installation, call.customer?.number, number);
  if (why !== undefined || number === undefined) return { lookup: `not looked up: ${why}` };
  const { name, contactOrder } = installation.settings;
  const candidates = (await store.contactsByNumber(name, [number])).get(number) ?? [];
  return { number, lookup: "index", choice: chooseContact(candidates, contactOrder) };
}

/** A call that was matched before stays with its contact. */
export function earlierLookup({ decision, number }: TrackedCall): Lookup {
  return {
    lookup: decision?.lookup ?? "kept",
    ...(number !== undefined && { number }),
    choice: { reason: decision?.reason ?? "matched before", runnersUp: decision?.runnersUp ?? [] },
  };
}

/** The contact that a call goes to, with no more than its id when the index does not have it. */
export async function contactOf(
  { store }: Flow,
  { settings }: Installation,
  row: TrackedCall,
  { choice }: Lookup,
): Promise<Contact | undefined> {
  if (choice?.contact) return choice.contact;
  if (!row.contact) return undefined;
  return (await store.contact(settings.name, row.contact)) ?? { ...row.contact, phones: [], fields: {} };
}

/** For each number, the answer of the request that has it. A number that is being looked up for a live caller is not requested twice. */
function searchInParts(
  flow: Flow,
  installation: Installation,
  numbers: readonly string[],
  signal: AbortSignal | undefined,
): Map<string, Promise<Map<string, Contact[]>>> {
  const { connector, callers } = installation;
  const { lookupSize = numbers.length } = connector;
  const underWay = numbers.flatMap((number) => {
    const found = callers.underWay(number);
    if (!found) return [];
    const answer = unlessAborted(found, signal).then((contacts) => new Map([[number, contacts]]));
    return [[number, answer] as const];
  });
  const requested = new Map(underWay);
  const others = numbers.filter((number) => !requested.has(number));
  for (const part of inParts(others, lookupSize)) {
    const answer = searchCrm(flow, installation, part, { signal });
    for (const number of part) requested.set(number, answer);
  }
  // Callers handle a failure themselves; one that none of them awaits must not be an unhandled rejection.
  for (const answer of requested.values()) answer.catch(() => {});
  return requested;
}
