import { createHash } from "node:crypto";
import { type ContactRef, chooseContact } from "../../src/core/contact.ts";
import type { CallRecord, ContactChanges } from "../../src/core/crm.ts";
import { identityOf, toE164 } from "../../src/core/phone.ts";
import { createPace } from "../../src/lib/pace.ts";
import { addRecord, type Document, textsOf } from "./document.ts";
import { contactOf, shapes } from "./shapes.ts";

export type NewContact = NonNullable<CallRecord["createContact"]>;

/** Why this contact cannot be created; undefined when it can. */
export function faultInContact({ number, fields }: NewContact, region: string): string | undefined {
  if (!toE164(number, region)) return "a contact can only be made for a number that can be dialled";
  for (const name of ["id", "phones"])
    if (Object.hasOwn(fields, name)) return `the local CRM fills "${name}" of a contact itself`;
  const [issue] = shapes.contacts.safeParse({ id: "1", ...fields }).error?.issues ?? [];
  return issue && `new contact, ${issue.path.join(".")}: ${issue.message}`;
}

/** The contact with this number: an existing one, else a new one. */
export function contactFor(
  document: Document,
  { number, phone = number, fields }: NewContact,
  region: string,
): ContactRef {
  const identity = identityOf(number, region) ?? number;
  const known = chooseContact(document.contactsByNumber.get(identity) ?? []).contact;
  if (known) return { id: known.id, kind: known.kind };
  const { name, ...others } = fields;
  const members = {
    ...(name !== undefined && { name }),
    phones: [toE164(phone, region) ?? phone],
    ...others,
  };
  const id = addRecord(document, "contacts", members, region);
  return { id, kind: contactOf({ id, ...members }).kind };
}

/** All contacts when any of them changed since the cursor, which is a digest of their texts; else nothing. */
export async function contactChanges(
  document: Document,
  cursor: string | undefined,
): Promise<ContactChanges> {
  const digest = await digestOf(document);
  if (digest === cursor) return { contacts: [], removed: [], cursor, more: false };
  return { contacts: [...document.contacts.values()], removed: [], cursor: digest, more: false, full: true };
}

async function digestOf(document: Document): Promise<string> {
  if (document.contactsDigest) return document.contactsDigest;
  const pace = createPace();
  const hash = createHash("sha256");
  for (const { bytes, start, end } of textsOf(document, "contacts").all()) {
    hash.update(bytes.subarray(start, end)).update("\n");
    await pace();
  }
  document.contactsDigest = hash.digest("base64url");
  return document.contactsDigest;
}
