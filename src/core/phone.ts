import { type CountryCode, isSupportedCountry, parsePhoneNumberFromString } from "libphonenumber-js/min";

/** Already E.164: most numbers are, and a look at the text is a hundred times cheaper than a parse. */
const e164Pattern = /^\+[1-9]\d{7,14}$/;
/** What providers write instead of a number when the caller withheld it. */
const withheld = /^(anonymous|withheld|private|unknown|unavailable|restricted|blocked|null|none|undefined)$/i;
/** Whether the caller withheld the number. */
export function isWithheld(raw: string | undefined): boolean {
  return raw !== undefined && withheld.test(raw.trim());
}

/** A phone number as people write it: digits with the usual separators. */
const written = /^\+?[\d\s().\-/]+$/;

/**
 * The E.164 form of a number as a provider or a CRM wrote it, or undefined when nobody can be looked up by it:
 * `sip:` addresses, extensions, short codes, withheld numbers, masked numbers.
 * `region`: ISO country code for national numbers, e.g. `IN`.
 */
export function toE164(raw: string | undefined, region: string): string | undefined {
  if (!raw) return undefined;
  const text = raw.trim().replace(/^tel:/i, "");
  if (e164Pattern.test(text)) return text;
  if (text.length > 64) return undefined;
  // Numbers pasted from a phone or a web page carry invisible direction marks.
  const visible = text.replace(/\p{Cf}/gu, "");
  const digits = visible.replace(/\D/g, "");
  if (!written.test(visible) || digits.length < 7) return undefined;
  const number = parsePhoneNumberFromString(
    visible.startsWith("00") ? `+${digits.slice(2)}` : visible,
    region as CountryCode,
  );
  if (number?.isValid()) return number.number;
  // Some providers drop the plus: 919876543210. Only a number that is valid that way counts.
  const international = digits.length > 10 ? parsePhoneNumberFromString(`+${digits}`) : undefined;
  if (international?.isValid()) return international.number;
  return number?.isPossible() ? number.number : undefined;
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
export function whyNotANumber(raw: string | undefined): string {
  if (!raw) return "the provider sent no number";
  if (withheld.test(raw.trim())) return "the caller withheld the number";
  if (/^sips?:/i.test(raw)) return "a SIP address, not a phone number";
  if (/^\d{1,6}$/.test(raw.trim())) return "an extension or short code";
  return "not a phone number that can be dialled";
}

/** A number for logs: first three and last two characters. */
export function maskNumber(number: string | undefined): string | undefined {
  if (number === undefined) return undefined;
  return number.length <= 6 ? "***" : `${number.slice(0, 3)}***${number.slice(-2)}`;
}
