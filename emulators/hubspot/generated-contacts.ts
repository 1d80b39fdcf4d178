import { calculatedPhones } from "./phones.ts";
import type { Generated } from "./records.ts";
import { toNumber } from "./search-filter.ts";
import type { Filter, Search } from "./search-request.ts";
import type { StoredRecord } from "./types.ts";

const firstId = 1_000_001;
const firstNumber = 31_612_000_000;
const firstMade = Date.UTC(2024, 0, 1);
const mostContacts = 7_900_000;

const firstNames = ["Anna", "Bram", "Carmen", "Daan", "Eva", "Femke", "Gijs", "Hanna", "Ivo", "Julia"];
const lastNames = ["Jansen", "de Vries", "Bakker", "Visser", "Smit", "Meijer", "Mulder", "Bos", "Vos"];

/**
 * The contact that exists by formula at an index from 0 on: id 1000001 + index, number +31612000000 + index,
 * e-mail contact-<index>@example.com, made at 2024-01-01 + index seconds. Of each three, the first has its number
 * in E.164 in `phone`, the second with spaces in `phone`, the third in E.164 in `mobilephone`.
 */
export function generatedContact(index: number) {
  const number = `+${firstNumber + index}`;
  const name = `${firstNames[index % firstNames.length]} ${lastNames[index % lastNames.length]}`;
  const [firstname = "", ...rest] = name.split(" ");
  return {
    id: String(firstId + index),
    number,
    email: `contact-${index}@example.com`,
    firstname,
    lastname: rest.join(" "),
    company: `Company ${index % 5000}`,
    property: index % 3 === 2 ? ("mobilephone" as const) : ("phone" as const),
    stored: index % 3 === 1 ? spaced(number) : number,
    madeAt: firstMade + index * 1000,
  };
}

function spaced(number: string): string {
  const pairs = number.slice(4).match(/../g) ?? [];
  return `+31 6 ${pairs.join(" ")}`;
}

export function generateContacts(count: number): Generated {
  if (count > mostContacts) throw new RangeError(`at most ${mostContacts} contacts can be generated`);
  return { first: firstId, count, make, indexOfUnique };

  function indexOfUnique(property: string, value: string): number | undefined {
    const index = property === "email" ? indexOfEmail(value) : undefined;
    return index !== undefined && index < count ? index : undefined;
  }
}

function indexOfEmail(value: string): number | undefined {
  const text = /^contact-(0|[1-9]\d*)@example\.com$/i.exec(value)?.[1];
  return text === undefined ? undefined : Number(text);
}

function make(index: number): StoredRecord {
  const contact = generatedContact(index);
  const made = new Date(contact.madeAt).toISOString();
  const kind = contact.property === "phone" ? "phone_number" : "mobile_number";
  const digits = contact.number.slice(1);
  return {
    id: contact.id,
    createdAt: contact.madeAt,
    updatedAt: contact.madeAt,
    versions: [],
    values: {
      firstname: contact.firstname,
      lastname: contact.lastname,
      email: contact.email,
      company: contact.company,
      [contact.property]: contact.stored,
      [`hs_calculated_${kind}`]: contact.number,
      [`hs_searchable_calculated_${kind}`]: digits.slice(2),
      [`hs_searchable_calculated_international_${kind}`]: digits,
      lifecyclestage: "lead",
      hs_object_id: contact.id,
      createdate: made,
      lastmodifieddate: made,
    },
  };
}

/**
 * The indexes among which all hits of a search are, so that a look-up does not walk through a million contacts.
 * They come in the order that the search asks for when `isNatural` says so.
 */
export function* narrow(generated: Generated, asked: Search): Generator<number> {
  const { count } = generated;
  const back = asked.sort?.descending === true;
  const perGroup = asked.groups.map((filters) => listed(filters));
  if (perGroup.length > 0 && perGroup.every((indexes) => indexes !== undefined)) {
    const all = [...new Set(perGroup.flat())].filter((index) => index >= 0 && index < count);
    yield* all.sort((a, b) => (back ? b - a : a - b));
    return;
  }
  const ranges = asked.groups.map((filters) => rangeOf(filters, count));
  const from = Math.max(0, Math.min(count, ...ranges.map(([start]) => start)));
  const to = ranges.length === 0 ? count : Math.min(count, Math.max(...ranges.map(([, end]) => end)));
  const first = ranges.length === 0 ? 0 : from;
  for (let step = 0; step < to - first; step += 1) yield back ? to - 1 - step : first + step;
}

/** Whether a search's order is that of the indexes, forth or back. */
export function isNatural({ sort }: Search): boolean {
  return sort === undefined || Object.hasOwn(places, sort.property.name);
}

/** The few indexes that a group can mean, by number, e-mail or id; undefined when it may mean many. */
function listed(filters: readonly Filter[]): number[] | undefined {
  for (const { property, operator, value, values } of filters) {
    const find = finders[property.name];
    const wanted = operator === "IN" ? values : [value];
    if (!find || !["EQ", "IN", "CONTAINS_TOKEN"].includes(operator)) continue;
    if (operator === "CONTAINS_TOKEN" && !/^\*?\+?\d{9,}\*?$/.test(value)) continue;
    return wanted.map(find).filter((index) => index !== undefined);
  }
  return undefined;
}

type Finder = (value: string) => number | undefined;

const byNumber: Finder = (value) => {
  const digits = value.replace(/\D/g, "");
  return Number(`31${digits.slice(-9)}`) - firstNumber;
};

const finders: Record<string, Finder> = {
  hs_object_id: (value) => Number(value) - firstId,
  email: indexOfEmail,
  ...Object.fromEntries(
    ["phone", "mobilephone", ...Object.keys(calculatedPhones({}, "US"))].map((name) => [name, byNumber]),
  ),
};

/** The part of all indexes that filters on ids and times leave: from, and up to but without. */
function rangeOf(filters: readonly Filter[], count: number): [number, number] {
  let [from, to] = [0, count];
  for (const { property, operator, value, highValue } of filters) {
    const place = places[property.name];
    if (!place) continue;
    const low = place(toNumber(property, value));
    if (operator === "GT" || operator === "GTE" || operator === "BETWEEN")
      from = Math.max(from, Math.floor(low));
    if (operator === "LT" || operator === "LTE") to = Math.min(to, Math.ceil(low) + 1);
    if (operator === "BETWEEN") to = Math.min(to, Math.ceil(place(toNumber(property, highValue))) + 1);
  }
  return [from, to];
}

const atTime = (ms: number) => (ms - firstMade) / 1000;
const places: Record<string, (value: number) => number> = {
  hs_object_id: (id) => id - firstId,
  createdate: atTime,
  lastmodifieddate: atTime,
};
