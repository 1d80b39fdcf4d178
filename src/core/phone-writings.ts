import { parsePhoneNumberFromString } from "libphonenumber-js/min";
import { writingsOf } from "./phone-plans.ts";

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
