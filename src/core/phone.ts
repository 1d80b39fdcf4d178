import {
  type CountryCode,
  getCountryCallingCode,
  isSupportedCountry,
  type PhoneNumber,
  parsePhoneNumberFromString,
} from "libphonenumber-js/min";
import { hasTrunkPrefix, inForce, repaired, subscriberOf, usesShortNumbers } from "./phone-plans.ts";
import { isKeypadSpelling, isWithheldText, longestText, piecesOf } from "./phone-text.ts";

/** Already E.164: most numbers are, and a look at the text is a hundred times cheaper than a parse. */
const e164Pattern = /^\+[1-9]\d{7,14}$/;
/** Fewer digits are extensions and short codes, but for the plans that give out such numbers. */
const usualDigits = 7;
const shortestDigits = 5;
/** ITU-T E.164, and the international prefix in front. */
const mostDigits = 17;
/** With a plus or a trunk zero in front, this many digits are almost certainly a number. */
const unmistakableDigits = 9;
/** A longer number that begins with its country's code has lost its plus, where the metadata would take either. */
const longestNational = 11;
/** Readings of one text that are put to the library: three numbers with nothing but blanks between all digits take 80. */
const mostReadings = 200;
/** `left`: how many more readings of the text may be put to the library. */
type PhoneText = { region: string; left: number };
const northAmerican = /^\(?\d{3}\)?[\s.-]{1,2}\d{3}[\s.-]\d{4}$/;

/**
 * The number to dial in E.164 form, of a number in any usual writing; undefined when it cannot be looked up: withheld
 * numbers, extensions, short codes, masked numbers, SIP addresses of users. The first of several.
 * `region`: ISO country code for numbers without a calling code, e.g. `IN`.
 */
export function toE164(raw: string | undefined, region: string): string | undefined {
  return raw ? e164sIn(raw, region)[0] : undefined;
}

/**
 * The one text that is equal for all writings of one subscriber's number, E.164 but for Argentina, where the 9 of
 * mobiles is left out. Whatever compares numbers compares these.
 */
export function identityOf(raw: string | undefined, region: string): string | undefined {
  const number = toE164(raw, region);
  return number && subscriberOf(number);
}

/** The identities of all numbers in a CRM's phone field, where people write several of them, labels and remarks. */
export function numbersIn(text: string, region: string): string[] {
  return [...new Set(e164sIn(text, region).map(subscriberOf))];
}

/** Whether this stands in place of a number that the caller withheld: a word, or one spelt on a keypad (+266696687). */
export function isWithheld(raw: string | undefined, region?: string): boolean {
  if (!raw || raw.length > longestText) return false;
  const within = region === undefined ? undefined : { region, left: mostReadings };
  return isWithheldText(raw.trim(), (digits) => within !== undefined && isValid(digits, within));
}

function e164sIn(raw: string, region: string): string[] {
  const text = raw.trim();
  if (e164Pattern.test(text) && !hasTrunkPrefix(text)) return isKeypadSpelling(text) ? [] : [inForce(text)];
  if (text.length > longestText || isWithheld(text, region)) return [];
  const within = { region, left: mostReadings };
  // A plus in a query that was not encoded arrives as a blank.
  const plused = /^ \d{8,15}$/.test(raw) ? read(`+${text}`, within, false) : undefined;
  if (plused) return [plused];
  const numbers = piecesOf(text).flatMap((piece) => readAll(piece.text, within, piece.whole));
  return [...new Set(numbers.filter((number) => !isKeypadSpelling(number)))];
}

/** The number that a piece of text is, or the numbers in it: a slash or a blank can be inside a number or between two. */
function readAll(text: string, within: PhoneText, whole: boolean): string[] {
  // More digits than one number has: a hyphen or a dot stands between two.
  const halves = /^[^\s/]{16,}$/.test(text) && !isOneNumber(text) ? text.split(/[-.](?=[+(\d]{7})/) : [];
  if (halves.length > 1) return halves.flatMap((half) => readAll(half, within, false));
  const slashed = text.split("/");
  const [first = ""] = slashed;
  if (slashed.length > 1 && readPart(first, within))
    return slashed.flatMap((part) => readAll(part, within, false));
  const number = read(text, within, false);
  if (number) return [number, ...otherReading(text, within)];
  const several = readInTurn(text.split(/\s+/), within);
  if (several.length > 0) return several;
  const possible = whole ? read(text, within, true) : readPart(text, within);
  return possible ? [possible] : [];
}

/** `3906…` in Italy is a mobile, or a fixed line with its country code and without a plus: a CRM field may mean either. */
function otherReading(text: string, within: PhoneText): string[] {
  const digits = text.replace(/\D/g, "");
  const isEither = /^390\d{7}$/.test(digits) && !text.includes("+") && codeOf(within.region) === "39";
  return isEither && isValid(`+${digits}`, within) ? [`+${digits}`] : [];
}

function isOneNumber(text: string): boolean {
  return !isLongEnough(text, mostDigits + 1);
}

/** Numbers that follow one another with only blanks between: the longest first, then the rest. */
function readInTurn(groups: readonly string[], within: PhoneText): string[] {
  if (groups.length < 2 || groups.length > 16) return [];
  for (let end = groups.length - 1; end > 0; end -= 1) {
    const text = groups.slice(0, end).join(" ");
    const number = readPart(text, within);
    if (!number) continue;
    const rest = readAll(groups.slice(end).join(" "), within, false);
    // Digits that are no number may be a remark, or show that the first ones are none either.
    if (rest.length > 0 || isUnmistakable(text)) return [number, ...rest];
  }
  return [];
}

/** A number inside a longer text: valid, or written as nothing but a phone number is and of a possible length. */
function readPart(text: string, within: PhoneText): string | undefined {
  return read(text, within, false) ?? (isUnmistakable(text) ? read(text, within, true) : undefined);
}

function isUnmistakable(text: string): boolean {
  if (northAmerican.test(text)) return true;
  return /^[\s(]*[+0]/.test(text) && isLongEnough(text, unmistakableDigits);
}

/**
 * A number that is written alone. `lenient`: a possible length is enough, as new ranges are given out before the
 * metadata knows them.
 */
function read(text: string, within: PhoneText, lenient: boolean): string | undefined {
  for (const candidate of candidatesOf(text, within.region)) {
    const number = parsed(candidate, within);
    if (!number) continue;
    const current = inForce(number.number);
    const good = lenient ? number.isPossible() && isLongEnough(text) : isGood(current, text, within);
    if (good && !hasTrunkPrefix(current)) return current;
  }
  return undefined;
}

function isGood(number: string, text: string, within: PhoneText): boolean {
  const isShort = !isLongEnough(text) && !text.includes("+");
  return (
    (!isShort || (usesShortNumbers(within.region) && isLongEnough(text, shortestDigits))) &&
    isValid(number, within)
  );
}

function isLongEnough(text: string, digits = usualDigits): boolean {
  return text.replace(/\D/g, "").length >= digits;
}

function isValid(text: string, within: PhoneText): boolean {
  return parsed(text, within)?.isValid() ?? false;
}

/** Undefined for all that follows in a text which can be read in too many ways. */
function parsed(text: string, within: PhoneText): PhoneNumber | undefined {
  if (within.left === 0) return undefined;
  within.left -= 1;
  return parsePhoneNumberFromString(text, within.region as CountryCode);
}

/** What the digits can mean, most likely first, as texts that the library reads. */
function candidatesOf(text: string, region: string): string[] {
  const digits = text.replace(/\D/g, "");
  if (digits.length < 4) return [];
  const withoutZero = text.replace(/\(0\)/, "").replace(/\D/g, "");
  // Italian mobile numbers have no zero, although some people add one in brackets.
  if (/^(?:00)?393\d{9}$/.test(withoutZero) && withoutZero !== digits)
    return [`+${withoutZero.replace(/^00/, "")}`];
  const code = codeOf(region);
  if (/^[\s(]*\+/.test(text)) {
    if (digits.startsWith("00")) return [`+${digits.slice(2)}`, digits];
    return digits.startsWith("0") ? [digits] : [`+${digits}`, `+${withoutZero}`, ...repaired(digits)];
  }
  const international = digits.startsWith("00") ? [`+${digits.slice(2)}`, `+${withoutZero.slice(2)}`] : [];
  const home = code === undefined ? [] : homeReadings(digits, code);
  // Some providers drop the plus.
  const plusless = digits.length > 10 ? [`+${digits}`] : [];
  // 39 06 …: the country code stands by itself, with the area code behind it.
  const [first = "", next = ""] = text.trim().split(/[\s.()-]+/);
  const coded = first === code && next.startsWith("0") ? [`+${digits}`] : [];
  // Plans are of international numbers: national digits such as 62 25… must not pass for +225.
  const all = [...international, ...coded, ...home, ...plusless];
  return all.map((candidate) => (candidate.startsWith("+") ? inForce(candidate) : candidate));
}

function codeOf(region: string): string | undefined {
  return isRegion(region) ? getCountryCallingCode(region as CountryCode) : undefined;
}

/** Readings of a number without a plus as one of the installation's own country. */
function homeReadings(digits: string, code: string): string[] {
  const untrunked = withoutOldTrunk(digits, code);
  const national = [untrunked, `+${code}${digits}`];
  const behindZero = /^0+/.exec(digits)?.[0].length ?? 0;
  const coded = digits.slice(behindZero).startsWith(code) ? [`+${digits.slice(behindZero)}`] : [];
  return digits.length > longestNational ? [...coded, ...national] : [...national, ...coded];
}

/** Trunk prefixes that are out of use and still written: 01, 044 and 045 in Mexico, 8 before the zero in Ukraine. */
function withoutOldTrunk(digits: string, code: string): string {
  if (code === "52") return digits.replace(/^0(?:1|44|45)(?=\d{10}$)/, "");
  return code === "380" ? digits.replace(/^8(?=0\d{9}$)/, "") : digits;
}

/** The digits of an E.164 number without its country code, and without a trunk 0; all of them when it cannot be parsed. */
export function nationalDigits(e164: string): string {
  return parsePhoneNumberFromString(e164)?.nationalNumber ?? e164.slice(1);
}

/** A number as people read it: `+91 98111 12222`; as it is when it cannot be parsed. */
export function numberInGroups(e164: string): string {
  return parsePhoneNumberFromString(e164)?.formatInternational() ?? e164;
}

/** A text with the phone numbers in it masked, for logs. */
export function maskNumbers(text: string): string {
  return text.replace(
    /(?<![\w-])\+?\d[\d ()-]{6,18}\d(?![\w-])/g,
    (number) => maskNumber(number.replace(/[^\d+]/g, "")) ?? "***",
  );
}

/** Whether this is a region that numbers can be read in. */
export function isRegion(region: string): boolean {
  return isSupportedCountry(region);
}

/** Why a number was not looked up, in words for `explain`. */
export function whyNotANumber(raw: string | undefined, region?: string): string {
  if (!raw) return "the provider sent no number";
  if (isWithheld(raw, region)) return "the caller withheld the number";
  if (/^(?:[^<]*<)?\s*sips?:/i.test(raw)) return "a SIP address, not a phone number";
  if (/^\d{1,6}$/.test(raw.trim())) return "an extension or short code";
  return "not a phone number that can be dialled";
}

/** A number for logs: first three and last two characters. */
export function maskNumber(number: string | undefined): string | undefined {
  if (number === undefined) return undefined;
  return number.length <= 6 ? "***" : `${number.slice(0, 3)}***${number.slice(-2)}`;
}
