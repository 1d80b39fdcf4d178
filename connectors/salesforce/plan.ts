import type { ContactRef } from "../../src/core/contact.ts";
import {
  type CallRecord,
  type FieldValue,
  fieldsToWrite,
  type Fields as Values,
} from "../../src/core/crm.ts";
import type { CrmError } from "../../src/core/errors.ts";
import type { TaskWork } from "./account.ts";
import { kindOfId } from "./people.ts";
import { type Current, shortId } from "./read.ts";
import type { ObjectFields } from "./schema.ts";
import { defaultsFor, formOf, type ObjectRow, wireOf } from "./values.ts";

/** A Task to write. */
export type TaskRow = {
  /** Its name in messages. */
  what: string;
  /** Whether it exists, under the `Id` in the row. */
  change: boolean;
  row: ObjectRow;
  /** Whom the row links it to. */
  contact?: ContactRef;
  /** Owns it when the org refuses its owner. */
  fallbackOwner?: string;
  /** What was left out, and why. */
  without?: readonly string[];
};

export type WrittenTask =
  | { id: string; created: boolean /** As it was written in the end. */; row: TaskRow }
  | { gone: true }
  | { failed: CrmError; contactGone?: ContactRef };

/** What to send for a call. */
export type CallPlan = {
  /** In Salesforce's fields and values; empty when there is nothing to write. */
  row: ObjectRow;
  /** In the mapping's own, with `contactId` and `ownerId`. */
  wrote: Values;
  /** Fields that a person changed. */
  leftAlone: string[];
  /** What this org cannot take, and why. */
  without: string[];
};

type PlanOptions = Pick<TaskWork, "fields" | "keyName" | "ledger" | "warn">;

export function planCall(
  record: CallRecord,
  current: Current | undefined,
  contact: ContactRef | undefined,
  { fields, keyName, ledger, warn }: PlanOptions,
): CallPlan {
  const link = linkOf(contact);
  const isLinked = current !== undefined && record.linked === true;
  const mapped = mappedOf(record, fields);
  const wanted: Values = {
    ...(contact && !isLinked && !("WhoId" in mapped) && { contactId: contact.id }),
    ...(record.ownerId !== undefined && !("OwnerId" in mapped) && { ownerId: record.ownerId }),
    ...mapped,
  };
  // The key is ours, even where a mapping has its field.
  if (ledger) wanted[keyName] = record.key;
  else delete wanted[keyName];
  const { write, kept } = fieldsToWrite(
    { fields: wanted, modes: record.modes, ours: withDefaultOwner(record.ours, current) },
    current && { ...current.values, contactId: current.values[link], ownerId: current.values["OwnerId"] },
    (name, value) => (isLink(name) ? shortId(String(value)) : formOf(fields.get(name), value)),
  );
  const lead = leavesNoRoom(write, contact, current);
  if (lead === "for what") delete write["WhatId"];
  if (lead === "for the lead") {
    delete write["contactId"];
    kept.push("contactId");
  }
  const made = rowOf(write, fields, warn, { how: current ? "updateable" : "createable", link });
  const { row, wrote, without } = made;
  const isMapped = (name: string) => name !== keyName || name in record.fields;
  return {
    row: current ? row : { ...row, ...defaultsFor(fields, row, true) },
    wrote: Object.fromEntries(Object.entries(wrote).filter(([name]) => !ledger || isMapped(name))),
    leftAlone: kept,
    without,
  };
}

/** An owner or a link is never removed, and a checkbox without a value is not ticked. */
function mappedOf(record: CallRecord, fields: ObjectFields): Values {
  const mapped = Object.entries(record.fields).flatMap(([name, value]): [string, FieldValue][] => {
    const type = fields.get(name)?.type;
    if (value !== "" || (type !== "boolean" && type !== "reference")) return [[name, value]];
    return type === "boolean" ? [[name, false]] : [];
  });
  return Object.fromEntries(mapped);
}

/** A follow-up has the links of its call. */
export function planTask(
  values: Values,
  links: Values,
  { fields, warn }: PlanOptions,
): Pick<CallPlan, "row" | "without"> {
  const made = rowOf(values, fields, warn, { how: "createable" });
  const whole: ObjectRow = { ...links, ...made.row };
  if (String(whole["WhoId"] ?? "").startsWith("00Q")) delete whole["WhatId"];
  const without = made.without.map((words) => `the follow-up task: ${words}`);
  return { row: { ...whole, ...defaultsFor(fields, whole, false) }, without };
}

/** The field that names a contact: people are "who", companies "what". */
export function linkOf(contact: ContactRef | undefined): "WhoId" | "WhatId" {
  return contact?.kind === "company" ? "WhatId" : "WhoId";
}

/** The links of a Task after a row has been written over what it was. */
export function linksAfter(current: Current | undefined, row: Readonly<ObjectRow>): Values {
  const links: Values = {};
  for (const name of ["WhoId", "WhatId", "OwnerId"]) {
    const value = row[name] ?? current?.values[name];
    if (typeof value === "string" && value !== "") links[name] = value;
  }
  return links;
}

/** The contact of a Task with these links. */
export function contactIn(links: Readonly<Values>): ContactRef | undefined {
  for (const id of [links["WhoId"], links["WhatId"]]) {
    const kind = typeof id === "string" ? kindOfId(id) : undefined;
    if (typeof id === "string" && kind) return { id, kind };
  }
  return undefined;
}

/** Without an owner Salesforce takes the user who created the Task: that owner counts as written by us. */
function withDefaultOwner(ours: CallRecord["ours"], current: Current | undefined): CallRecord["ours"] {
  const creator = current?.values["CreatedById"];
  if (typeof creator !== "string") return ours;
  const of = (name: string) => ({ [name]: [...(ours[name] ?? []), creator] });
  return { ...ours, ...of("ownerId"), ...of("OwnerId") };
}

/** A Task of a lead can belong to nothing else. */
function leavesNoRoom(
  write: Readonly<Values>,
  contact: ContactRef | undefined,
  current: Current | undefined,
): "for what" | "for the lead" | undefined {
  const isNew = contact?.kind === "lead" && write["contactId"] !== undefined;
  if (isNew && current?.values["WhatId"]) return "for the lead";
  const who = isNew ? contact.id : String(write["WhoId"] ?? current?.values["WhoId"] ?? "");
  if (isNew || who.startsWith("00Q")) return "for what";
  return contact?.kind === "company" && write["contactId"] !== undefined ? "for what" : undefined;
}

function rowOf(
  write: Readonly<Values>,
  fields: ObjectFields,
  warn: PlanOptions["warn"],
  { how, link = "WhoId" }: { how: "createable" | "updateable"; link?: string },
): Pick<CallPlan, "row" | "wrote" | "without"> {
  const row: ObjectRow = {};
  const wrote: Values = {};
  const without: string[] = [];
  const leaveOut = (name: string, why: string): void => {
    without.push(`${name}: ${why}`);
    warn(`Calls are saved without ${name}: ${why}`);
  };
  for (const [name, value] of Object.entries(write)) {
    const field = fields.get(name);
    if (isLink(name)) {
      row[name === "ownerId" ? "OwnerId" : link] = value;
      wrote[name] = value;
      continue;
    }
    if (!field) {
      leaveOut(
        name,
        "Salesforce's Task has no such field that we may see; correct the mapping, or give the user access",
      );
      continue;
    }
    if (!field.createable && !field.updateable) {
      leaveOut(
        name,
        "Salesforce does not let us write it; give the user the right, or remove it from the mapping",
      );
      continue;
    }
    if (!field[how]) continue;
    const wire = wireOf(field, value);
    if ("value" in wire) {
      row[name] = wire.value;
      wrote[name] = value;
    } else if (value === "" && how === "updateable") {
      // Only a text takes "" for empty.
      row[name] = null;
      wrote[name] = value;
    } else if ("fault" in wire) leaveOut(name, `${wire.fault}; correct the mapping`);
    else if (value !== "") leaveOut(name, noSuchValue(value));
  }
  return { row, wrote, without };
}

function noSuchValue(value: FieldValue): string {
  const shown = JSON.stringify(String(value).slice(0, 60));
  return `Salesforce has no value ${shown} for it; add it to the picklist, or change the mapping`;
}

function isLink(name: string): boolean {
  return name === "contactId" || name === "ownerId";
}
