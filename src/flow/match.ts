import { type Choice, type Contact, chooseContact } from "../core/contact.ts";
import { identityOf, whyNotANumber } from "../core/phone.ts";
import { inParts } from "../lib/pace.ts";
import type { CallRow } from "../store/contract.ts";
import { indexContacts } from "./index-contacts.ts";
import type { Flow, Installation } from "./installation.ts";

/** Where an answer about a number came from. */
export type Lookup = { number?: string; lookup: string; choice?: Choice };

/** Why a number is not to be looked up; undefined when it is. */
export function whyNotLookedUp(
  installation: Installation,
  raw: string | undefined,
  number: string | undefined,
): string | undefined {
  const { companyNumbers, region } = installation.settings;
  if (number === undefined) return whyNotANumber(raw, region);
  if (companyNumbers.some((own) => identityOf(own, region) === number))
    return "one of the company's own numbers";
  return undefined;
}

/**
 * Looks up the callers of many calls: the index first; the misses go to the CRM, many numbers in one request, and what
 * it finds goes into the index. The answer about one call can be awaited by itself; it throws `CrmError` when the CRM
 * has to be asked and cannot be.
 */
export async function lookUp(
  flow: Flow,
  installation: Installation,
  rows: readonly CallRow[],
  signal?: AbortSignal,
): Promise<(row: CallRow) => Promise<Lookup>> {
  const { contactOrder, name } = installation.settings;
  const numberOf = (row: CallRow) =>
    whyNotLookedUp(installation, row.call.customer?.number, row.number) === undefined
      ? row.number
      : undefined;
  const wanted = [...new Set(rows.flatMap((row) => numberOf(row) ?? []))];
  const indexed = await flow.store.contactsByNumber(name, wanted);
  const asked = askInParts(
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
    const candidates = indexed.get(number) ?? (await asked.get(number))?.get(number) ?? [];
    const choice = chooseContact(candidates, contactOrder);
    flow.meter.looked(choice.contact ? lookup : "unknown");
    return { number, lookup, choice };
  };
}

/** For each number, the answer of the request that asks for it. */
function askInParts(
  flow: Flow,
  installation: Installation,
  numbers: readonly string[],
  signal: AbortSignal | undefined,
): Map<string, Promise<Map<string, Contact[]>>> {
  const { lookupSize = numbers.length } = installation.connector;
  return new Map(
    inParts(numbers, lookupSize).flatMap((part) => {
      const answer = askCrm(flow, installation, part, { signal });
      // Whoever waits for it hears of a failure; when nobody does any more, it is no crash.
      answer.catch(() => {});
      return part.map((number) => [number, answer] as const);
    }),
  );
}

/** Asks the CRM and remembers what it said. */
export async function askCrm(
  flow: Flow,
  installation: Installation,
  numbers: readonly string[],
  { signal, urgent = false }: { signal?: AbortSignal | undefined; urgent?: boolean },
): Promise<Map<string, Contact[]>> {
  const found = await installation.connector.findContacts(numbers, signal, urgent);
  const contacts = [
    ...new Map(
      [...found.values()].flat().map((contact) => [`${contact.kind} ${contact.id}`, contact]),
    ).values(),
  ];
  await indexContacts(flow, installation, contacts);
  return found;
}
