import type { Row } from "./field.ts";

const windowLength = 7;
const phoneFields = [
  ...["Phone", "MobilePhone", "HomePhone", "OtherPhone", "AssistantPhone", "Fax"],
  ...["PersonMobilePhone", "PersonHomePhone", "PersonOtherPhone"],
];

export function digitsOf(text: string): string {
  return text.replace(/\D/g, "");
}

/** The digits of every number that a record has. */
export function numbersOf(row: Row): string[] {
  return phoneFields.flatMap((name) => {
    const value = row[name];
    return typeof value === "string" ? [digitsOf(value)] : [];
  });
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
