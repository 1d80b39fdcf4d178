import { type Contact, numbersOf } from "../../src/core/contact.ts";
import { nationalDigits } from "../../src/core/phone.ts";
import { usualWritings, writingsOf } from "../../src/core/phone-plans.ts";
import { inParts } from "../../src/lib/pace.ts";
import type { HubspotWork } from "./account.ts";
import { type CallerShape, callerProperties, contactOf } from "./people.ts";
import type { Stored } from "./rows.ts";
import { type Filter, inSearches, search as searchOnce } from "./search.ts";

/** All forms of at most this many numbers fit into one request; more are searched in two steps. */
const fewNumbers = 25;
const groupsInSearch = 5;
/** At most this many missing numbers are searched inside longer texts, which takes a request for each. */
const fewMissing = 2;
const mostInside = 50;

type FoundContacts = Map<string, Contact[]>;

/**
 * The callers with each of these numbers, contacts before companies: a company is only looked for where no contact has
 * its number. HubSpot finds a number by its national digits; one that it could not read is stored as it was typed, so
 * the usual forms are searched as well. Every find is verified here.
 */
export async function findContacts(work: HubspotWork, numbers: readonly string[]): Promise<FoundContacts> {
  const { callers, context } = work;
  const found: FoundContacts = new Map();
  if (numbers.length === 0) return found;
  const mapped = context.contactFields();
  const missing = (of: readonly string[]) => of.filter((number) => !found.has(number));
  const search = async (shape: CallerShape, wanted: readonly string[], filters: Filter[]): Promise<void> => {
    if (wanted.length === 0 || filters.length === 0) return;
    const properties = callerProperties(shape, mapped);
    add(shape, wanted, await inSearches(work, { type: shape.type, filters, properties }));
  };
  const add = (
    shape: CallerShape,
    wanted: readonly string[],
    results: readonly { stored: Stored }[],
  ): void => {
    const contacts = new Map(results.map(({ stored }) => [stored.id, contactOf(shape, stored, mapped)]));
    for (const contact of contacts.values()) {
      for (const number of numbersOf(contact, context.region)) {
        if (wanted.includes(number)) found.set(number, [...(found.get(number) ?? []), contact]);
      }
    }
  };
  const searchRare = async (shape: CallerShape, wanted: readonly string[]): Promise<void> => {
    for (const names of inParts(shape.rare, groupsInSearch))
      await search(shape, missing(wanted), filtersOf(names, missing(wanted), usualWritings));
  };
  const searchInside = async (shape: CallerShape): Promise<void> => {
    const wanted = missing(numbers);
    if (wanted.length > fewMissing || shape.calculated.length === 0) return;
    for (const filterGroups of inParts(insideOf(shape, wanted), groupsInSearch)) {
      const body = { filterGroups, properties: callerProperties(shape, mapped), limit: mostInside };
      add(shape, wanted, (await searchOnce(work, shape.type, body)).results);
    }
  };
  for (const shape of await callers.shapes(work.signal)) {
    const wanted = missing(numbers);
    if (wanted.length <= fewNumbers) {
      await search(shape, wanted, [
        ...filtersOf(shape.calculated, wanted, allDigits),
        ...filtersOf(shape.typed, wanted, typedForms(shape)),
      ]);
    } else {
      await search(shape, wanted, filtersOf(shape.calculated, wanted, national));
      const rest = missing(wanted);
      await search(shape, rest, [
        ...filtersOf(shape.calculated, rest, international),
        ...filtersOf(shape.typed, rest, typedForms(shape)),
      ]);
    }
    await searchRare(shape, wanted);
    await searchInside(shape);
  }
  return found;
}

/** The digits anywhere in a text: a number with a remark, or several in one field. */
function insideOf({ calculated, typed, rare }: CallerShape, numbers: readonly string[]) {
  return numbers.flatMap((number) =>
    [...calculated, ...typed, ...rare].map((propertyName) => ({
      filters: [{ propertyName, operator: "CONTAINS_TOKEN", value: `*${nationalDigits(number)}*` }],
    })),
  );
}

function filtersOf(
  names: readonly string[],
  numbers: readonly string[],
  forms: (number: string) => string[],
): Filter[] {
  const values = numbers.map(forms);
  return names.map((name) => ({ name, values }));
}

const national = (number: string): string[] => distinct(writingsOf(number).map(nationalDigits));
/** In what HubSpot calculates, a number typed without its plus has its country code. */
const international = (number: string): string[] => writingsOf(number).map((one) => one.slice(1));
const allDigits = (number: string): string[] => distinct([...national(number), ...international(number)]);

/** Beside calculated digits only numbers are left that HubSpot could not read; without them every usual form is tried. */
function typedForms({ calculated }: CallerShape): (number: string) => string[] {
  return calculated.length > 0 ? writingsOf : usualWritings;
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)];
}
