import { ownerInstead } from "../../src/lib/saving.ts";
import { isPassing, type SalesforceFault, wordsOf } from "./errors.ts";
import type { TaskRow, WrittenTask } from "./plan.ts";

/** Leaving values out does not help against these. */
const hopeless = new Set([
  "INSUFFICIENT_ACCESS",
  "INSUFFICIENT_ACCESS_OR_READONLY",
  "REQUIRED_FIELD_MISSING",
  "INVALID_TYPE",
  "NOT_FOUND",
  "API_DISABLED_FOR_ORG",
  "API_CURRENTLY_DISABLED",
]);

/** The fields that a Task needs. */
const barest = ["Subject", "Status", "Priority", "TaskSubtype", "ActivityDate"];
const links = ["WhoId", "WhatId", "OwnerId"];
const ofCalls = ["CallType", "CallDurationInSeconds", "CallObject", "CallDisposition"];

/** What is left, try by try, of a Task that the org refuses without naming a field. */
const tiers = [[...barest, ...links, ...ofCalls], [...barest, ...links], barest];

/** Faults of a link, which may name no field. */
const aboutLinks =
  /^(INVALID_CROSS_REFERENCE_KEY|ENTITY_IS_DELETED|INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY|CANNOT_UPDATE_CONVERTED_LEAD|MALFORMED_ID|FIELD_FILTER_VALIDATION_EXCEPTION)$/;

type LeaveOutOptions = {
  keyName: string;
  ownerGone: boolean;
  /** The row is sent only once more: all that it can be without is left out. */
  last: boolean;
  warn: (message: string) => void;
};

/**
 * A row without what the org refuses: its owner (the default owner before none), the fields that the faults name, its
 * links, finally all but the fields that a Task needs. An existing Task then stays as it is. Undefined when nothing can
 * be left out.
 */
export function leaveOut(
  task: TaskRow,
  faults: readonly SalesforceFault[],
  options: LeaveOutOptions,
): TaskRow | WrittenTask | undefined {
  const { keyName, ownerGone, last, warn } = options;
  const { row } = task;
  const isOurs = (name: string) => name === keyName || name === "Id";
  const named = faults.flatMap(fieldsOf).filter((name) => row[name] !== undefined && !isOurs(name));
  const isHopeless = isPassing(faults) || faults.some(({ code }) => hopeless.has(code));
  if (last && task.what === "the call" && !isHopeless) {
    const extra = Object.keys(row).filter((name) => !isOurs(name) && !barest.includes(name));
    if (extra.length > 0) return without(task, [...extra, ...named], faults, warn);
  }
  if (row["OwnerId"] !== undefined && (ownerGone || isAboutOwner(faults)))
    return withOtherOwner(task, faults, warn);
  if (named.length > 0) return without(task, named, faults, warn);
  if (isHopeless) return undefined;
  if (faults.some(({ code }) => aboutLinks.test(code))) {
    const link = ["RecordTypeId", "WhatId", "WhoId"].find((name) => row[name] !== undefined);
    if (link !== undefined) return without(task, [link], faults, warn);
  }
  if (task.what !== "the call") return undefined;
  const fields = Object.keys(row).filter((name) => !isOurs(name));
  const others = tiers
    .map((tier) => fields.filter((name) => !tier.includes(name)))
    .find(({ length }) => length > 0);
  if (others) return without(task, others, faults, warn);
  if (task.change && fields.length > 0) return without(task, fields, faults, warn);
  return undefined;
}

function isAboutOwner(faults: readonly SalesforceFault[]): boolean {
  return faults.some(
    ({ code, message, fields }) =>
      /OWNER/.test(code) || fields.includes("OwnerId") || /Assigned To ID|OwnerId/.test(message),
  );
}

/** Only the message names the field of a value that must be unique. */
function fieldsOf({ fields, message }: SalesforceFault): string[] {
  const unique = /duplicate value found: (\w+) duplicates/.exec(message)?.[1];
  return unique === undefined ? fields : [...fields, unique];
}

function without(
  task: TaskRow,
  names: readonly string[],
  faults: readonly SalesforceFault[],
  warn: LeaveOutOptions["warn"],
): TaskRow | WrittenTask {
  const left = [...new Set(names)];
  const row = Object.fromEntries(Object.entries(task.row).filter(([name]) => !left.includes(name)));
  const { contact, ...rest } = task;
  const isLinked = contact && Object.values(row).includes(contact.id);
  const smaller: TaskRow = {
    ...rest,
    row,
    ...(isLinked && { contact }),
    without: [...(task.without ?? []), `${left.join(", ")}: ${wordsOf(faults)}`],
  };
  warn(`Salesforce refuses ${left.join(", ")} of some Tasks, which are saved without (${wordsOf(faults)})`);
  const { Id: id, ...values } = row;
  const isEmpty = task.change && Object.keys(values).length === 0;
  return isEmpty ? { id: String(id), created: false, row: smaller } : smaller;
}

function withOtherOwner(
  task: TaskRow,
  faults: readonly SalesforceFault[],
  warn: LeaveOutOptions["warn"],
): TaskRow {
  const { OwnerId: refused, ...row } = task.row;
  const why = wordsOf(faults);
  const { owner, without } = ownerInstead(refused, task.fallbackOwner, {
    otherwise: "Salesforce chooses one",
    why,
  });
  warn(
    `Salesforce's ${refused} cannot own a Task (inactive, gone or a queue): calls are saved without this owner`,
  );
  return {
    ...task,
    row: { ...row, ...(owner !== undefined && { OwnerId: owner }) },
    without: [...(task.without ?? []), without],
  };
}
