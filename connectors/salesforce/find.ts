import type { Connection } from "jsforce";
import { type Contact, numbersOf } from "../../src/core/contact.ts";
import { mistakenDigits, searchDigits, usualWritings } from "../../src/core/phone-plans.ts";
import { isObject, type JsonObject, objectAt, textAt } from "../../src/lib/body.ts";
import { inHalves } from "../../src/lib/patterns.ts";
import type { OrgWork } from "./account.ts";
import { contactOf, oncePerPerson, type Shape, shapesOf } from "./people.ts";
import { inLists, literal, queryTogether } from "./transport.ts";

export type ContactsByNumber = Map<string, Contact[]>;

/** In longer search texts Salesforce ignores OR. */
const longestSearch = 3_900;
const mostRows = 2_000;
/** At most this many numbers fit into one search with their mistaken forms. */
const fewNumbers = 40;
/** Of the condition of one query: three of them share a request. */
const longestCondition = 9_000;

/**
 * The contacts with these numbers. The search index lags behind by seconds or minutes: numbers that it does not know
 * are compared with the phone fields themselves, as many as fit one request.
 */
export async function findContacts(work: OrgWork, numbers: readonly string[]): Promise<ContactsByNumber> {
  const { connection, context } = work;
  const shapes = await shapesOf(work);
  const found: ContactsByNumber = new Map();
  for (const part of searchParts(numbers)) {
    const contacts = await search(connection, shapes, part);
    addVerified(found, part, contacts, context.region);
  }
  const [missing = []] = writingParts(
    numbers.filter((number) => !found.has(number)),
    shapes,
  );
  addVerified(found, missing, await contactsWritten(connection, shapes, missing), context.region);
  return found;
}

/** The contacts with these numbers by their phone fields, which do not lag behind; unusual forms are not found. */
export async function findWritten(
  connection: Connection,
  shapes: readonly Shape[],
  numbers: readonly string[],
  region: string,
): Promise<ContactsByNumber> {
  const found: ContactsByNumber = new Map();
  for (const part of writingParts(numbers, shapes)) {
    addVerified(found, part, await contactsWritten(connection, shapes, part), region);
  }
  return found;
}

async function search(
  connection: Connection,
  shapes: readonly Shape[],
  numbers: readonly string[],
): Promise<Contact[]> {
  const returning = shapes.map(
    (shape) => `${shape.object}(${shape.select.join(", ")}${onlyOpen(shape, " WHERE ")})`,
  );
  const contacts: Contact[] = [];
  await inHalves(numbers, async (part) => {
    const mistaken = part.length <= fewNumbers ? part.flatMap(mistakenDigits) : [];
    const terms = [...new Set([...part.flatMap(searchDigits), ...mistaken])];
    const sosl = `FIND {${terms.join(" OR ")}} IN PHONE FIELDS RETURNING ${returning.join(", ")} LIMIT ${mostRows}`;
    const { searchRecords } = await connection.search(sosl);
    if (searchRecords.length >= mostRows && part.length > 1) return part;
    contacts.push(...contactsIn(shapes, searchRecords.filter(isObject)));
    return [];
  });
  return contacts;
}

async function contactsWritten(
  connection: Connection,
  shapes: readonly Shape[],
  numbers: readonly string[],
): Promise<Contact[]> {
  const withPhones = shapes.filter(({ phones }) => phones.length > 0);
  if (numbers.length === 0 || withPhones.length === 0) return [];
  const [list = ""] = inLists(numbers.flatMap(usualWritings), Number.POSITIVE_INFINITY);
  const answers = await queryTogether(
    connection,
    withPhones.map((shape) => {
      const condition = shape.phones.map((field) => `${field} IN (${list})`).join(" OR ");
      return `SELECT ${shape.select.join(", ")} FROM ${shape.object} WHERE (${condition})${onlyOpen(shape, " AND ")}`;
    }),
  );
  return answers.flatMap((records, i) => {
    const shape = withPhones[i];
    return shape ? records.map((record) => contactOf(shape, record)) : [];
  });
}

function onlyOpen({ object }: Shape, prefix: string): string {
  return object === "Lead" ? `${prefix}IsConverted = false` : "";
}

/** In the order of the shapes: a person account is read as its Contact first. */
function contactsIn(shapes: readonly Shape[], records: readonly JsonObject[]): Contact[] {
  return shapes.flatMap((shape) =>
    records
      .filter((record) => textAt(objectAt(record, "attributes"), "type") === shape.object)
      .map((record) => contactOf(shape, record)),
  );
}

/** Only equal numbers count: a search also finds numbers that contain one. */
function addVerified(
  found: ContactsByNumber,
  numbers: readonly string[],
  contacts: readonly Contact[],
  region: string,
): void {
  const wanted = new Set(numbers);
  for (const contact of oncePerPerson(contacts)) {
    for (const number of numbersOf(contact, region)) {
      if (wanted.has(number)) found.set(number, [...(found.get(number) ?? []), contact]);
    }
  }
}

function searchParts(numbers: readonly string[]): string[][] {
  return partsBySize([...new Set(numbers)], longestSearch, (number) =>
    searchDigits(number).reduce((size, term) => size + term.length + " OR ".length, 0),
  );
}

function writingParts(numbers: readonly string[], shapes: readonly Shape[]): string[][] {
  const most = Math.max(1, ...shapes.map(({ phones }) => phones.length));
  return partsBySize([...new Set(numbers)], longestCondition, (number) =>
    usualWritings(number).reduce((size, text) => size + most * (literal(text).length + 1), 0),
  );
}

function partsBySize(
  items: readonly string[],
  longest: number,
  sizeOf: (item: string) => number,
): string[][] {
  const parts: string[][] = [];
  let size = Number.POSITIVE_INFINITY;
  for (const item of items) {
    const more = sizeOf(item);
    if (size + more > longest) {
      parts.push([]);
      size = 0;
    }
    size += more;
    parts.at(-1)?.push(item);
  }
  return parts;
}
