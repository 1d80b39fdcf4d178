import type { Connection } from "jsforce";
import type { ContactRef } from "../../src/core/contact.ts";
import { CrmError } from "../../src/core/errors.ts";
import { type JsonObject, textAt } from "../../src/lib/body.ts";
import { rowFailure, type SalesforceFault } from "./errors.ts";
import { leaveOut } from "./leave-out.ts";
import type { Desk, Item, Written } from "./plan.ts";
import { shortId } from "./read.ts";
import { create, type RowResult, sendRows, update, upsertBy } from "./rows.ts";
import type { OrgSchema } from "./schema.ts";
import { inLists, queryAll } from "./transport.ts";

/** Owner, contact and fields can be wrong one after the other; after so many tries a row is given up. */
const mostRounds = 8;

/**
 * Writes Tasks, one answer for each. What a person or time did to their owner or contact is mended on the way. Throws
 * when Salesforce took none of them.
 */
export async function writeTasks(desk: Desk, items: readonly Item[]): Promise<Written[]> {
  const written: Written[] = [];
  let waiting = [...items.entries()];
  for (let round = 1; waiting.length > 0; round += 1) {
    const sent = await sendItems(
      desk,
      waiting.map(([, item]) => item),
    );
    const lost = sent.flatMap((result) => ("lost" in result ? [result.lost] : []));
    if (round === 1 && lost[0] && lost.length === sent.length) throw lost[0];
    const doubtful = waiting.flatMap(([, item], place) => idsInDoubt(item, faultsIn(sent[place])));
    const standings = await lookAt(desk.connection, doubtful);
    const again: typeof waiting = [];
    for (const [place, [index, item]] of waiting.entries()) {
      const result = sent[place] ?? { faults: [] };
      if ("id" in result) written[index] = { ...result, created: result.created && !item.change, item };
      else if ("lost" in result) written[index] = { failed: result.lost };
      else {
        const { faults } = result;
        const outdated = outdatedBy(desk.schema, item, faults);
        const last = round === mostRounds - 1;
        const next =
          round < mostRounds && !outdated ? mend(item, faults, standings, { ...desk, last }) : undefined;
        if (next && "row" in next) again.push([index, next]);
        else written[index] = next ?? { failed: outdated ?? rowFailure(item.what, faults) };
      }
    }
    waiting = again;
  }
  return written;
}

/** New Tasks first, then those that exist, which may lock each other out. */
async function sendItems({ connection, schema, book }: Desk, items: readonly Item[]): Promise<RowResult[]> {
  const makeNew = book.ledger ? create(connection, "Task") : upsertBy(connection, book.keyName);
  const results: RowResult[] = [];
  for (const change of [false, true]) {
    const places = items.flatMap((item, i) => (item.change === change ? [i] : []));
    const rows = places.map((i) => items[i]?.row ?? {});
    const request = change ? update(connection) : makeNew;
    const sent = await sendRows(rows, request, { atOnce: !change, isOutdated: schema.forget });
    for (const [n, i] of places.entries()) results[i] = sent[n] ?? { faults: [] };
  }
  return results;
}

function faultsIn(result: RowResult | undefined): readonly SalesforceFault[] {
  return result && "faults" in result ? result.faults : [];
}

/** A field or picklist that was changed since we read of it is no fault of the call. */
function outdatedBy(
  schema: OrgSchema,
  { what }: Item,
  faults: readonly SalesforceFault[],
): CrmError | undefined {
  const changed = faults.some(({ code }) => /^INVALID_(FIELD|OR_NULL_FOR_RESTRICTED_PICKLIST)/.test(code));
  if (!changed || !schema.forget()) return undefined;
  return new CrmError("later", rowFailure(what, faults).message, { afterMs: 0 });
}

/** What became of the records that a row names, by the first 15 characters of their id; a lead may be a contact now. */
type Standings = ReadonlyMap<string, "there" | "gone" | ContactRef>;

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
function idsInDoubt({ row }: Item, faults: readonly SalesforceFault[]): string[] {
  if (!faults.some(({ code }) => brokenLink.has(code))) return [];
  return links.flatMap((name) => (typeof row[name] === "string" ? [row[name]] : []));
}

async function lookAt(connection: Connection, ids: readonly string[]): Promise<Standings> {
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
function mend(
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
