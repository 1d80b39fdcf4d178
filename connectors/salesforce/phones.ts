import { parsePhoneNumberFromString } from "libphonenumber-js/min";

/** What a search for a number asks for: its digits as they may stand in one word of the search index. */
export function searchTerms(number: string): string[] {
  const digits = number.replace(/\D/g, "");
  const parsed = parsePhoneNumberFromString(number);
  const national = parsed?.formatNational().replace(/\D/g, "") ?? "";
  return distinct([digits, national, parsed?.nationalNumber ?? digits.slice(-10)]);
}

/** The ways in which people and programs usually write a number, for fields that can only be compared as texts. */
export function usualWritings(number: string): string[] {
  const digits = number.replace(/\D/g, "");
  const parsed = parsePhoneNumberFromString(number);
  if (!parsed) return distinct([number, digits]);
  const national = parsed.formatNational();
  return distinct([
    number,
    digits,
    `00${digits}`,
    parsed.formatInternational(),
    national,
    national.replace(" ", "-"),
    national.replace(/\D/g, ""),
    parsed.nationalNumber,
    ...(parsed.countryCallingCode === "1" ? northAmerican(parsed.nationalNumber) : []),
  ]);
}

/** Salesforce's own pages rewrite ten digits as "(800) 555-1212". */
function northAmerican(digits: string): string[] {
  const [, area, exchange, line] = /^(\d{3})(\d{3})(\d{4})$/.exec(digits) ?? [];
  if (!area) return [];
  return [`${area}-${exchange}-${line}`, `+1 (${area}) ${exchange}-${line}`, `1-${area}-${exchange}-${line}`];
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts.filter((text) => text.length > 1))];
}
