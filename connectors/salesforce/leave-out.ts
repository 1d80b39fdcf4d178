import { quoted } from "../../src/core/mask.ts";
import { isPassing, type SalesforceFault } from "./errors.ts";
import type { Item, Written } from "./plan.ts";

/** Fewer values would not change these. */
const needsSomebody = new Set([
  "INSUFFICIENT_ACCESS",
  "INSUFFICIENT_ACCESS_OR_READONLY",
  "REQUIRED_FIELD_MISSING",
  "INVALID_TYPE",
  "NOT_FOUND",
  "API_DISABLED_FOR_ORG",
  "API_CURRENTLY_DISABLED",
]);

/** What a Task cannot be without. */
const barest = ["Subject", "Status", "Priority", "TaskSubtype", "ActivityDate"];
const links = ["WhoId", "WhatId", "OwnerId"];
const ofCalls = ["CallType", "CallDurationInSeconds", "CallObject", "CallDisposition"];

/** What is left of a Task that the org refuses without saying why, try by try. */
const tiers = [[...barest, ...links, ...ofCalls], [...barest, ...links], barest];

/** Faults of a link that may name no field. */
const aboutLinks =
  /^(INVALID_CROSS_REFERENCE_KEY|ENTITY_IS_DELETED|INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY|CANNOT_UPDATE_CONVERTED_LEAD|MALFORMED_ID|FIELD_FILTER_VALIDATION_EXCEPTION)$/;

/** `last`: it is sent once more and no further, so all that it can be without is left out. */
type Known = { keyName: string; ownerGone: boolean; last: boolean; warn: (message: string) => void };

/**
 * A row without what the org refuses: its owner (the default owner before none), the fields that the faults name, its
 * links, at last all but what a Task cannot be without. A Task that is there already then stays as it is. Undefined: nothing that
 * could be left out.
 */
export function leaveOut(
  item: Item,
  faults: readonly SalesforceFault[],
  known: Known,
): Item | Written | undefined {
  const { keyName, ownerGone, last, warn } = known;
  const { row } = item;
  const isOurs = (name: string) => name === keyName || name === "Id";
  const named = faults.flatMap(fieldsOf).filter((name) => row[name] !== undefined && !isOurs(name));
  const isHopeless = isPassing(faults) || faults.some(({ code }) => needsSomebody.has(code));
  if (last && item.what === "the call" && !isHopeless) {
    const extra = Object.keys(row).filter((name) => !isOurs(name) && !barest.includes(name));
    if (extra.length > 0) return without(item, [...extra, ...named], faults, warn);
  }
  if (row["OwnerId"] !== undefined && (ownerGone || isAboutOwner(faults)))
    return withOtherOwner(item, faults, warn);
  if (named.length > 0) return without(item, named, faults, warn);
  if (isHopeless) return undefined;
  if (faults.some(({ code }) => aboutLinks.test(code))) {
    const link = ["RecordTypeId", "WhatId", "WhoId"].find((name) => row[name] !== undefined);
    if (link !== undefined) return without(item, [link], faults, warn);
  }
  if (item.what !== "the call") return undefined;
  const fields = Object.keys(row).filter((name) => !isOurs(name));
  const others = tiers
    .map((tier) => fields.filter((name) => !tier.includes(name)))
    .find(({ length }) => length > 0);
  if (others) return without(item, others, faults, warn);
  if (item.change && fields.length > 0) return without(item, fields, faults, warn);
  return undefined;
}

function isAboutOwner(faults: readonly SalesforceFault[]): boolean {
  return faults.some(
    ({ code, message, fields }) =>
      /OWNER/.test(code) || fields.includes("OwnerId") || /Assigned To ID|OwnerId/.test(message),
  );
}

/** Of a value that must be unique only the message says whose it is. */
function fieldsOf({ fields, message }: SalesforceFault): string[] {
  const unique = /duplicate value found: (\w+) duplicates/.exec(message)?.[1];
  return unique === undefined ? fields : [...fields, unique];
}

function without(
  item: Item,
  names: readonly string[],
  faults: readonly SalesforceFault[],
  warn: Known["warn"],
): Item | Written {
  const left = [...new Set(names)];
  const row = Object.fromEntries(Object.entries(item.row).filter(([name]) => !left.includes(name)));
  const { contact, ...rest } = item;
  const isLinked = contact && Object.values(row).includes(contact.id);
  const smaller: Item = {
    ...rest,
    row,
    ...(isLinked && { contact }),
    without: [...(item.without ?? []), `${left.join(", ")}: ${wordsOf(faults)}`],
  };
  warn(`Salesforce refuses ${left.join(", ")} of some Tasks, which are saved without (${wordsOf(faults)})`);
  const { Id: id, ...values } = row;
  const isEmpty = item.change && Object.keys(values).length === 0;
  return isEmpty ? { id: String(id), created: false, item: smaller } : smaller;
}

function withOtherOwner(item: Item, faults: readonly SalesforceFault[], warn: Known["warn"]): Item {
  const { OwnerId: owner, ...row } = item.row;
  const { fallbackOwner, ...rest } = item;
  const isNew = fallbackOwner !== undefined && fallbackOwner !== owner;
  warn(
    `Salesforce's ${owner} cannot own a Task (inactive, gone or a queue): calls are saved without this owner`,
  );
  const instead = isNew ? "the default owner has it" : "Salesforce chooses one";
  return {
    ...rest,
    row: { ...row, ...(isNew && { OwnerId: fallbackOwner }) },
    without: [...(item.without ?? []), `the owner ${owner}, so ${instead}: ${wordsOf(faults)}`],
  };
}

function wordsOf(faults: readonly SalesforceFault[]): string {
  return faults.map(({ code, message }) => `${code}, ${quoted(message)}`).join("; ");
}
