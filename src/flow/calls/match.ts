import { type Choice, type Contact, chooseContact } from "../../core/contact.ts";
import { identityOf, whyNotANumber } from "../../core/phone.ts";
import type { TrackedCall } from "../../core/tracked-call.ts";
import { unlessAborted } from "../../lib/aborted.ts";
import { inParts } from "../../lib/pace.ts";
import { askCrm } from "../contacts/caller-search.ts";
import type { Flow, Installation } from "../installation.ts";

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

/** For each number, the answer of the request that asks for it; one that a caller waits for already is not asked twice. */
function askInParts(
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
  const asked = new Map(underWay);
  const others = numbers.filter((number) => !asked.has(number));
  for (const part of inParts(others, lookupSize)) {
    const answer = askCrm(flow, installation, part, { signal });
    for (const number of part) asked.set(number, answer);
  }
  // All who wait for it hear of a failure; when none does any more, it is no crash.
  for (const answer of asked.values()) answer.catch(() => {});
  return asked;
}
