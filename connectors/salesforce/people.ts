import type { Contact, ContactKind, ContactRef } from "../../src/core/contact.ts";
import { isoFromMs, type JsonObject, objectAt, scalarsOf, textAt } from "../../src/lib/body.ts";
import type { OrgWork } from "./account.ts";
import type { ObjectFields, ObjectName } from "./schema.ts";

export type PersonObject = Exclude<ObjectName, "Task">;
export const personObjects = ["Contact", "Lead", "Account"] as const satisfies readonly PersonObject[];

export const kindOf: Record<PersonObject, ContactKind> = {
  Contact: "contact",
  Lead: "lead",
  Account: "company",
};

/** What is read of a kind of person. */
export type Shape = {
  object: PersonObject;
  select: string[];
  /** The fields with phone numbers. */
  phones: string[];
  /** The fields that the mapping uses. */
  mapped: string[];
};

const always = [
  "Id",
  "Name",
  "Email",
  "PersonEmail",
  "Company",
  "OwnerId",
  "LastActivityDate",
  "LastModifiedDate",
];
const others = ["SystemModstamp", "IsConverted", "IsPersonAccount", "PersonContactId"];
/** Machines, which do not call. */
const notCallers = /fax/i;
/** Compound values, which no mapping takes. */
const notScalar = new Set(["address", "location", "base64", "complexvalue"]);

/** The objects of callers that our user may see. */
export async function shapesOf({ schema, request, context }: OrgWork): Promise<Shape[]> {
  const mapped = context.contactFields();
  const [contact, lead, account] = await Promise.all(
    personObjects.map((object) => schema.of(object, request)),
  );
  const seen = { Contact: contact, Lead: lead, Account: account };
  return personObjects.flatMap((object) => {
    const fields = seen[object];
    if (!fields || fields.size === 0) return [];
    const withCompany = object === "Contact" && fields.has("AccountId") && (account?.size ?? 0) > 0;
    return [shapeOf(object, fields, mapped, withCompany)];
  });
}

function shapeOf(
  object: PersonObject,
  fields: ObjectFields,
  mapped: readonly string[],
  withCompany: boolean,
): Shape {
  const phones = [...fields.values()].filter(({ name, type }) => type === "phone" && !notCallers.test(name));
  const wanted = mapped.filter((name) => !notScalar.has(fields.get(name)?.type ?? "address"));
  const names = [...always, ...others].filter((name) => fields.has(name));
  const phoneNames = phones.map(({ name }) => name);
  const select = [...names, ...(withCompany ? ["Account.Name"] : []), ...phoneNames, ...wanted];
  return { object, select: [...new Set(select)], phones: phoneNames, mapped: wanted };
}

/** A record as a contact. A person account stands for its person: the Contact beside it. */
export function contactOf(shape: Shape, record: JsonObject): Contact {
  const name = textAt(record, "Name");
  const email = textAt(record, "Email") ?? textAt(record, "PersonEmail");
  const company = textAt(record, "Company") ?? textAt(objectAt(record, "Account"), "Name");
  const ownerId = textAt(record, "OwnerId");
  const active = textAt(record, "LastActivityDate") ?? textAt(record, "LastModifiedDate");
  const activeAt = active && isoFromMs(Date.parse(active));
  const mapped = Object.fromEntries(shape.mapped.map((field) => [field, record[field]]));
  return {
    ...refOf(shape, record),
    ...(name && { name }),
    ...(email && { email }),
    ...(company && { company }),
    ...(ownerId && { ownerId }),
    phones: shape.phones.flatMap((field) => textAt(record, field) ?? []),
    ...(activeAt && { activeAt }),
    fields: scalarsOf(mapped),
  };
}

function refOf({ object }: Shape, record: JsonObject): ContactRef {
  const person = record["IsPersonAccount"] === true ? textAt(record, "PersonContactId") : undefined;
  if (object === "Account" && person) return { id: person, kind: "contact" };
  return { id: textAt(record, "Id") ?? "", kind: kindOf[object] };
}

/** Each person once: the first of several records, with the numbers of all. */
export function oncePerPerson(contacts: readonly Contact[]): Contact[] {
  const byId = new Map<string, Contact>();
  for (const contact of contacts) {
    const known = byId.get(contact.id);
    byId.set(
      contact.id,
      known ? { ...known, phones: [...new Set([...known.phones, ...contact.phones])] } : contact,
    );
  }
  return [...byId.values()];
}

/** The kind of a person by the prefix of the id; undefined for other records. */
export function kindOfId(id: string): ContactKind | undefined {
  const kinds: Record<string, ContactKind> = { "003": "contact", "00Q": "lead", "001": "company" };
  return kinds[id.slice(0, 3)];
}
