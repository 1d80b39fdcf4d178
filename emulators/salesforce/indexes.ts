import type { Row, Value } from "./field.ts";
import { digitsOf, phoneWindows } from "./phones.ts";
import type { Indexes } from "./table.ts";

/** By what the records of an object are found without a scan. */
export function indexesOf(type: string, keyField: string): Indexes {
  const keys = (name: string) => (row: Row) => textKeys(row[name]);
  if (type === "Task") return { [keyField]: keys(keyField), WhoId: keys("WhoId"), WhatId: keys("WhatId") };
  if (type === "Contact") return { phones: phoneWindows, twins: twinKeys, AccountId: keys("AccountId") };
  return type === "Lead" || type === "Account" ? { phones: phoneWindows, twins: twinKeys } : {};
}

function textKeys(value: Value | undefined): string[] {
  return typeof value === "string" ? [value] : [];
}

/** What two records have in common when the org's duplicate rule takes them for one person. */
export function twinKeys(row: Readonly<Record<string, Value>>): string[] {
  const { LastName: name } = row;
  if (typeof name !== "string") return [];
  return [row["Phone"], row["MobilePhone"]].flatMap((phone) =>
    typeof phone === "string" && phone !== "" ? [`${name.toLowerCase()} ${digitsOf(phone)}`] : [],
  );
}
