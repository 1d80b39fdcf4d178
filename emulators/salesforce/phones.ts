import type { Row } from "./field.ts";

const windowLength = 7;
const phoneFields = [
  ...["Phone", "MobilePhone", "HomePhone", "OtherPhone", "AssistantPhone", "Fax"],
  ...["PersonMobilePhone", "PersonHomePhone", "PersonOtherPhone"],
];

export function digitsOf(text: string): string {
  return text.replace(/\D/g, "");
}

/** The digits of every number that a record may have; custom fields are indexed whatever their type. */
function numbersOf(row: Row): string[] {
  const custom = Object.keys(row).filter((name) => name.endsWith("__c"));
  return [...phoneFields, ...custom].flatMap((name) => {
    const value = row[name];
    return typeof value === "string" ? [digitsOf(value)] : [];
  });
}

/**
 * The words of a phone field in the search index: "+1 (203) 555-0184 x204" is 12035550184, 1, 203, 555, 0184 and 204.
 * Words end at a change from digits to letters and at punctuation, says Salesforce; its own example finds formatted
 * numbers by ten digits, so that a number is also one word. Unverified: that a part which starts in the middle of a
 * number, such as a number without its country code, is no word; here it is none.
 */
export function phoneTokens(value: string): string[] {
  const numbers = value.split(/[^\d\s()+./-]+/);
  const tokens = numbers.flatMap((number) => [digitsOf(number), ...(number.match(/\d+/g) ?? [])]);
  return [...new Set(tokens.filter((token) => token !== ""))];
}

/** Every run of seven digits in a record's numbers, so that a part of a number finds it without a scan. */
export function phoneWindows(row: Row): string[] {
  return numbersOf(row).flatMap((digits) => windowsOf(digits));
}

/** A key under which every number that contains `digits` is found; undefined when there are too few. */
export function windowOf(digits: string): string | undefined {
  return digits.length < windowLength ? undefined : digits.slice(-windowLength);
}

function windowsOf(digits: string): string[] {
  const windows: string[] = [];
  for (let end = windowLength; end <= digits.length; end++)
    windows.push(digits.slice(end - windowLength, end));
  return windows;
}
