import { parsePhoneNumberFromString } from "libphonenumber-js/min";

/**
 * National numbering plans: what the digits of a number in international form say about its subscriber.
 * Sources: the national plans deposited with ITU-T, and libphonenumber's metadata for what is valid today.
 */

/** Calling codes of two digits; `1` and `7` have one digit, all others three (ITU-T E.164). */
const twoDigitCodes = new Set(
  "20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 92 93 94 95 98".split(
    " ",
  ),
);

/**
 * Italy, San Marino, Vatican, Ivory Coast, Burkina Faso, Niger, Benin, Gabon, Congo, Tajikistan: a zero after the calling
 * code belongs to the number.
 */
const zeroBelongs = new Set(["39", "378", "379", "225", "226", "227", "229", "241", "242", "992"]);

/** The calling code that the digits of an international number begin with. */
function callingCodeOf(digits: string): string {
  if (digits[0] === "1" || digits[0] === "7") return digits.slice(0, 1);
  const two = digits.slice(0, 2);
  return twoDigitCodes.has(two) ? two : digits.slice(0, 3);
}

/**
 * Whether a number in E.164 form still has a national trunk prefix in it, as in +44 020 …, +54 11 15 … or the Russian 8
 * behind a plus: no calling code is 83 or 89.
 */
export function hasTrunkPrefix(e164: string): boolean {
  const code = callingCodeOf(e164.slice(1));
  if (e164[code.length + 1] === "0") return !zeroBelongs.has(code);
  if (code === "54") return !/^\+54(9\d{10}|[1-8]\d{9})$/.test(e164);
  return code.startsWith("83") || code.startsWith("89");
}

/** Readings of international digits with a trunk prefix that the library leaves in. */
export function repaired(digits: string): string[] {
  const code = callingCodeOf(digits);
  const national = digits.slice(code.length);
  if (national.startsWith("0")) return [`+${code}${national.replace(/^0+/, "")}`];
  if (/^8[39]\d{9}$/.test(digits)) return [`+7${digits.slice(1)}`];
  return code === "54" && /^9\d{12}$/.test(national) ? [`+54${national.slice(1)}`] : [];
}

/** Regions with subscribers whose numbers have four to six digits. */
const shortPlans = new Set(
  "AC AD CK FK FO GL IO KI KM LI LU NC NF NR NU PF PM SB SH SM TK TO TV VU WF WS".split(" "),
);

export function usesShortNumbers(region: string): boolean {
  return shortPlans.has(region);
}

/**
 * The writing that is in force today, for numbers that a plan has changed or that two writings dial:
 * Mexico without the 1 of mobiles (gone since August 2019), Brazil with the ninth digit of mobiles, Ivory Coast with
 * ten digits (since 31 January 2021), Benin with 01 in front (since 30 November 2024).
 */
export function inForce(e164: string): string {
  const code = callingCodeOf(e164.slice(1));
  const national = e164.slice(code.length + 1);
  if (code === "52" && /^1\d{10}$/.test(national)) return `+52${national.slice(1)}`;
  if (code === "55" && /^[1-9]\d[6-9]\d{7}$/.test(national))
    return `+55${national.slice(0, 2)}9${national.slice(2)}`;
  if (code === "225" && /^\d{8}$/.test(national)) return `+225${ivorianPrefix(national)}${national}`;
  if (code === "229" && /^[24-9]\d{7}$/.test(national)) return `+22901${national}`;
  return e164;
}

/**
 * The operator's prefix of an Ivorian number of eight digits. Mobiles: by the second digit, 0-3 Moov, 4-6 MTN, 7-9
 * Orange. Fixed lines begin with 2 or 3; the third digit 0 is MTN's, 8 is Moov's, the others are Orange's.
 * Unverified: the fixed lines of MTN and Moov, which only some published tables list.
 */
function ivorianPrefix(national: string): string {
  const [first = "", second = "", third = ""] = national;
  if (first === "2" || first === "3") return third === "8" ? "21" : third === "0" ? "25" : "27";
  return second <= "3" ? "01" : second <= "6" ? "05" : "07";
}

/**
 * The same subscriber in one writing. An Argentine mobile is called with a 9 after the country code from abroad and
 * with 15 at home; area code and number are the same without either, and no two subscribers share them.
 */
export function subscriberOf(e164: string): string {
  return /^\+549\d{10}$/.test(e164) ? `+54${e164.slice(4)}` : e164;
}

/** All international writings under which a subscriber may be stored, the one in force first. */
export function writingsOf(identity: string): string[] {
  const code = callingCodeOf(identity.slice(1));
  const national = identity.slice(code.length + 1);
  if (code === "52" && national.length === 10) return [identity, `+521${national}`];
  if (code === "54" && national.length === 10) return [identity, `+549${national}`];
  if (code === "55" && /^\d\d9[6-9]\d{7}$/.test(national))
    return [identity, `+55${national.slice(0, 2)}${national.slice(3)}`];
  if (code === "225" && national.length === 10) return [identity, `+225${national.slice(2)}`];
  if (code === "229" && /^01\d{8}$/.test(national)) return [identity, `+229${national.slice(2)}`];
  return [identity];
}

/**
 * The ways in which people and programs usually write a subscriber's number, for CRM fields that can only be compared
 * as texts; the most usual first.
 */
export function usualWritings(identity: string): string[] {
  return distinct(writingsOf(identity).flatMap(writingsOfOne));
}

/** The digits under which a search index may have a number: with country code, national, and without the trunk zero. */
export function searchDigits(identity: string): string[] {
  return distinct(
    writingsOf(identity).flatMap((number) => {
      const parsed = parsePhoneNumberFromString(number);
      const national = parsed?.formatNational().replace(/\D/g, "") ?? "";
      return [number.slice(1), national, parsed?.nationalNumber ?? number.slice(-10)];
    }),
  );
}

/** Digits that are written by mistake: a trunk zero, or the 15 of Argentina, behind the country code. */
export function mistakenDigits(identity: string): string[] {
  return distinct(
    writingsOf(identity).flatMap((number) => {
      const parsed = parsePhoneNumberFromString(number);
      if (!parsed) return [];
      const national = parsed.formatNational().replace(/\D/g, "");
      return ["", "0"].map((zero) => `${parsed.countryCallingCode}${zero}${national.replace(/^0/, "")}`);
    }),
  );
}

function writingsOfOne(number: string): string[] {
  const digits = number.slice(1);
  const parsed = parsePhoneNumberFromString(number);
  if (!parsed) return [number, digits];
  const national = parsed.formatNational();
  const [area = "", ...groups] = national.split(" ");
  return [
    number,
    digits,
    `00${digits}`,
    parsed.formatInternational(),
    national,
    national.replace(/\D/g, ""),
    parsed.nationalNumber,
    national.replace(" ", "-"),
    `${area}-${groups.join("")}`,
    `${area} ${groups.join("")}`,
    ...(parsed.countryCallingCode === "1" ? northAmerican(parsed.nationalNumber) : []),
  ];
}

/** Salesforce's own pages rewrite ten digits as "(800) 555-1212". */
function northAmerican(digits: string): string[] {
  const [, area, exchange, line] = /^(\d{3})(\d{3})(\d{4})$/.exec(digits) ?? [];
  if (!area) return [];
  return [
    `${area}-${exchange}-${line}`,
    `${area}.${exchange}.${line}`,
    `+1 (${area}) ${exchange}-${line}`,
    `1-${area}-${exchange}-${line}`,
  ];
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts.filter((text) => text.length > 1))];
}
