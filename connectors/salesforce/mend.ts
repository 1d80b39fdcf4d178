import type { Connection } from "jsforce";
import type { ContactRef } from "../../src/core/contact.ts";
import { CrmError } from "../../src/core/errors.ts";
import { type JsonObject, textAt } from "../../src/lib/body.ts";
import type { SalesforceFault } from "./errors.ts";
import type { Desk, Item, Written } from "./item.ts";
import { leaveOut } from "./leave-out.ts";
import { shortId } from "./read.ts";
import { inLists, queryAll } from "./soql.ts";

/** What became of the records that a row names, by the first 15 characters of their id; a lead may be a contact now. */
export type Standings = ReadonlyMap<string, "there" | "gone" | ContactRef>;

const brokenLink = new Set([
  "INACTIVE_OWNER_OR_USER",
  "INVALID_CROSS_REFERENCE_KEY",
  "ENTITY_IS_DELETED",
  "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
  "CANNOT_UPDATE_CONVERTED_LEAD",
  "MALFORMED_ID",
]);

const links = ["Id", "WhoId", "WhatId", "OwnerId"];

/** What to read of each object, by the prefix of its ids. */
const readable: Record<string, { object: string; fields: string }> = {
  "003": { object: "Contact", fields: "Id" },
  "00Q": { object: "Lead", fields: "Id, IsConverted, ConvertedContactId, ConvertedAccountId" },
  "001": { object: "Account", fields: "Id" },
  "005": { object: "User", fields: "Id, IsActive" },
  "00T": { object: "Task", fields: "Id" },
};

/** The ids that a row's faults may be about: Salesforce seldom says which of its links is broken. */
export function idsInDoubt({ row }: Item, faults: readonly SalesforceFault[]): string[] {
  if (!faults.some(({ code }) => brokenLink.has(code))) return [];
  return links.flatMap((name) => (typeof row[name] === "string" ? [row[name]] : []));
}

export async function lookAt(connection: Connection, ids: readonly string[]): Promise<Standings> {
  const standings = new Map<string, "there" | "gone" | ContactRef>();
  for (const [prefix, { object, fields }] of Object.entries(readable)) {
    const own = ids.filter((id) => id.startsWith(prefix));
    for (const id of own) standings.set(shortId(id), "gone");
    for (const list of inLists(own)) {
      const soql = `SELECT ${fields} FROM ${object} WHERE Id IN (${list})`;
      for (const record of await queryAll(connection, soql)) {
        standings.set(shortId(textAt(record, "Id") ?? ""), standingOf(record));
      }
    }
  }
  return standings;
}

/**
 * The row as it can be written, or what became of it; undefined when its faults are nothing that we can mend. `last`: it
 * is sent once more at most. What a
 * person or time did to its records comes first, then what of it can be left out.
 */
export function mend(
  item: Item,
  faults: readonly SalesforceFault[],
  standings: Standings,
  { book, warn, last }: Pick<Desk, "book" | "warn"> & { last: boolean },
): Item | Written | undefined {
  const { contact, row, change } = item;
  const standing = (id: unknown) => standings.get(shortId(String(id)));
  if (faults.some(({ code }) => brokenLink.has(code))) {
    if (change && standing(row["Id"]) === "gone") return { gone: true };
    const person = contact && standing(contact.id);
    if (contact && person === "gone") {
      const message = `the ${contact.kind} ${contact.id} is not in Salesforce any more: the call is matched anew`;
      return { failed: new CrmError("later", message, { afterMs: 0 }), contactGone: contact };
    }
    if (typeof person === "object") return linkedTo(item, person);
  }
  return leaveOut(item, faults, {
    keyName: book.keyName,
    ownerGone: standing(row["OwnerId"]) === "gone",
    last,
    warn,
  });
}

function linkedTo(item: Item, contact: ContactRef): Item {
  const { WhoId: _lead, ...row } = item.row;
  return { ...item, contact, row: { ...row, [contact.kind === "company" ? "WhatId" : "WhoId"]: contact.id } };
}

function standingOf(record: JsonObject): "there" | "gone" | ContactRef {
  if (record["IsActive"] === false) return "gone";
  if (record["IsConverted"] !== true) return "there";
  const contact = textAt(record, "ConvertedContactId");
  const account = textAt(record, "ConvertedAccountId");
  if (contact) return { id: contact, kind: "contact" };
  return account ? { id: account, kind: "company" } : "gone";
}
