import type { ContactRef } from "../../src/core/contact.ts";
import type { CallRecord, FieldValue, Fields as Values } from "../../src/core/contracts.ts";
import { fieldsToWrite } from "../../src/core/edits.ts";
import { CrmError } from "../../src/core/errors.ts";
import { kindOfId } from "./people.ts";
import type { Fields } from "./schema.ts";
import { type Book, type Current, shortId } from "./tasks.ts";
import { defaultsFor, formOf, wireOf } from "./values.ts";

/**
 * What is to be sent for a call. `row`: in Salesforce's fields and values, empty when there is nothing to write.
 * `wrote` and `kept`: in the mapping's own, with `contactId` and `ownerId` for whom the call belongs to.
 */
export type Plan = { row: Values; wrote: Values; kept: string[] };

export type Warn = (message: string) => void;

/** The error names a field that cannot be written. */
export function planCall(
  record: CallRecord,
  current: Current | undefined,
  contact: ContactRef | undefined,
  book: Book,
  warn: Warn,
): Plan | CrmError {
  const { fields, keyName, ledger } = book;
  const link = linkOf(contact);
  const isLinked = current !== undefined && record.linked === true;
  const wanted: Values = {
    ...(contact && !isLinked && !("WhoId" in record.fields) && { contactId: contact.id }),
    ...(record.ownerId !== undefined && !("OwnerId" in record.fields) && { ownerId: record.ownerId }),
    ...record.fields,
  };
  // The key is ours, whatever a mapping says of its field.
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
  const made = rowOf(write, fields, current ? "updateable" : "createable", warn, link);
  if (made instanceof CrmError) return made;
  const { row, wrote } = made;
  const isMapped = (name: string) => name !== keyName || name in record.fields;
  return {
    row: current ? row : { ...row, ...defaultsFor(fields, row, true) },
    wrote: Object.fromEntries(Object.entries(wrote).filter(([name]) => !ledger || isMapped(name))),
    kept,
  };
}

/** A follow-up belongs to whom the call belongs to. */
export function planTask(values: Values, links: Values, { fields }: Book, warn: Warn): Values | CrmError {
  const made = rowOf(values, fields, "createable", warn);
  if (made instanceof CrmError) return made;
  const whole: Values = { ...links, ...made.row };
  if (String(whole["WhoId"] ?? "").startsWith("00Q")) delete whole["WhatId"];
  return { ...whole, ...defaultsFor(fields, whole, false) };
}

/** The field that names a contact: people are "who", companies "what". */
export function linkOf(contact: ContactRef | undefined): "WhoId" | "WhatId" {
  return contact?.kind === "company" ? "WhatId" : "WhoId";
}

/** The links of a Task after a row has been written over what it was. */
export function linksAfter(current: Current | undefined, row: Readonly<Values>): Values {
  const links: Values = {};
  for (const name of ["WhoId", "WhatId", "OwnerId"]) {
    const value = row[name] ?? current?.values[name];
    if (typeof value === "string" && value !== "") links[name] = value;
  }
  return links;
}

/** Whom a Task with these links belongs to. */
export function contactIn(links: Readonly<Values>): ContactRef | undefined {
  for (const id of [links["WhoId"], links["WhatId"]]) {
    const kind = typeof id === "string" ? kindOfId(id) : undefined;
    if (typeof id === "string" && kind) return { id, kind };
  }
  return undefined;
}

/** Without an owner of ours Salesforce takes the user who made the Task: that is nobody's choice. */
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
  fields: Fields,
  how: "createable" | "updateable",
  warn: Warn,
  link: string = "WhoId",
): Pick<Plan, "row" | "wrote"> | CrmError {
  const row: Values = {};
  const wrote: Values = {};
  for (const [name, value] of Object.entries(write)) {
    const field = fields.get(name);
    if (isLink(name)) {
      row[name === "ownerId" ? "OwnerId" : link] = value;
      wrote[name] = value;
      continue;
    }
    if (!field)
      return refused(`has no field ${name} that we may see`, "correct the mapping, or give the user access");
    if (!field.createable && !field.updateable)
      return refused(`does not let us write ${name}`, "remove it from the mapping");
    if (!field[how]) continue;
    const wire = wireOf(field, value);
    if ("fault" in wire) return refused(`cannot take a value of the mapping: ${wire.fault}`, "correct it");
    if ("none" in wire) {
      if (value !== "") warn(noSuchValue(name, value));
      continue;
    }
    row[name] = wire.value;
    wrote[name] = value;
  }
  return { row, wrote };
}

function noSuchValue(name: string, value: FieldValue): string {
  const shown = JSON.stringify(String(value).slice(0, 60));
  return `Salesforce's ${name} has no value ${shown}: it is left out. Add it to the picklist, or change the mapping.`;
}

function isLink(name: string): boolean {
  return name === "contactId" || name === "ownerId";
}

function refused(what: string, cure: string): CrmError {
  return new CrmError("never", `Salesforce's Task ${what}: ${cure}`);
}
