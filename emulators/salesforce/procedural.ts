import type { Row } from "./field.ts";
import { idOf, sequenceOf } from "./ids.ts";
import { digitsOf } from "./phones.ts";

/**
 * Records made from their number when they are asked for, so that a million of them cost no memory.
 * In order of their number they are also in order of `Id` and of `SystemModstamp`.
 */
export type Procedural = {
  size: number;
  at(n: number): Row;
  byId(id: string): Row | undefined;
  /** The record's number, by a phone number in any writing that ends with its last eight digits. */
  indexOfPhone(phone: string): number | undefined;
};

const firstNumber = 12_000_000;
const firstNames = ["Anna", "Bram", "Chloé", "Daan", "Esra", "Finn", "Greet", "Hugo", "Iris", "Jan"];
const lastNames = [
  "de Vries",
  "Jansen",
  "Bakker",
  "Visser",
  "Smit",
  "Meijer",
  "Mulder",
  "Bos",
  "Vos",
  "Peters",
];

/** The mobile number (E.164) of the nth procedural contact. */
export function proceduralNumber(n: number): string {
  return `+316${firstNumber + n}`;
}

/** Dutch contacts. `firstStamp`: when the first of them was changed, in ms; the others follow every `stepMs`. */
export function proceduralContacts(options: {
  size: number;
  firstStamp: number;
  stepMs: number;
  ownerId: string;
}): Procedural {
  const { size, firstStamp, stepMs, ownerId } = options;

  function at(n: number): Row {
    const stamp = `${new Date(firstStamp + n * stepMs).toISOString().slice(0, 19)}.000Z`;
    const firstName = firstNames[n % firstNames.length] ?? "";
    const lastName = lastNames[Math.floor(n / firstNames.length) % lastNames.length] ?? "";
    return {
      Id: idOf("003", n + 1),
      IsDeleted: false,
      CreatedDate: stamp,
      CreatedById: ownerId,
      LastModifiedDate: stamp,
      LastModifiedById: ownerId,
      SystemModstamp: stamp,
      OwnerId: ownerId,
      FirstName: firstName,
      LastName: lastName,
      Name: `${firstName} ${lastName}`,
      Email: `contact${n}@example.com`,
      MobilePhone: inSomeWriting(String(firstNumber + n), n),
    };
  }

  return {
    size,
    at,
    byId(id) {
      const n = id.startsWith("003") ? (sequenceOf(id) ?? 0) - 1 : -1;
      return n >= 0 && n < size ? at(n) : undefined;
    },
    indexOfPhone(phone) {
      const digits = digitsOf(phone);
      const n = Number(digits.slice(-8)) - firstNumber;
      return digits.length >= 8 && n >= 0 && n < size ? n : undefined;
    },
  };
}

/** As people type mobile numbers: "+31612345678", "06-12345678", "06 12 34 56 78", "(06) 1234 5678". */
function inSomeWriting(digits: string, n: number): string {
  if (n % 4 === 0) return `+316${digits}`;
  if (n % 4 === 1) return `06-${digits}`;
  if (n % 4 === 2) return `06 ${digits.replace(/(..)(?=.)/g, "$1 ")}`;
  return `(06) ${digits.slice(0, 4)} ${digits.slice(4)}`;
}
