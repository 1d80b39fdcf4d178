import type { Contact, ContactRef } from "../../src/core/contact.ts";
import { numbersOf } from "../../src/core/contact.ts";
import type { ConnectContext } from "../../src/core/contracts.ts";
import { nationalDigits } from "../../src/core/phone.ts";
import type { Stored } from "./batch.ts";
import { readRecords } from "./find-calls.ts";
import { type Filter, inSearches } from "./search.ts";
import type { Asking, Transport } from "./transport.ts";

const phoneProperties = [
  "phone",
  "mobilephone",
  "hs_whatsapp_phone_number",
  "hs_calculated_phone_number",
  "hs_calculated_mobile_number",
];

/** Properties that every contact is read with. */
const ownProperties = [
  ...["firstname", "lastname", "email", "company", "hubspot_owner_id", "lifecyclestage"],
  ...["lastmodifieddate", "notes_last_updated", "hs_merged_object_ids"],
  ...phoneProperties,
];

/** Names of contact fields that the index has besides those the mapping asks for. */
const fieldsKept = new Set(["lifecyclestage"]);

/** The properties to read of a contact. `asked`: the contact fields that the mapping uses. */
export function contactProperties(asked: readonly string[]): string[] {
  return [...new Set([...ownProperties, ...asked])];
}

/** A contact of HubSpot in the words of the core. */
export function contactOf({ id, properties }: Stored, asked: readonly string[]): Contact {
  const text = (name: string): string | undefined => properties[name]?.trim() || undefined;
  const name = [text("firstname"), text("lastname")].filter(Boolean).join(" ");
  const [email, company, ownerId] = [text("email"), text("company"), text("hubspot_owner_id")];
  const activeAt = text("notes_last_updated") ?? text("lastmodifieddate");
  const fields = [...new Set([...fieldsKept, ...asked])].flatMap((field) => {
    const value = text(field);
    return value === undefined ? [] : [[field, value] as const];
  });
  return {
    id,
    kind: "contact",
    ...(name && { name }),
    ...(email && { email }),
    ...(company && { company }),
    ...(ownerId && { ownerId }),
    phones: [...new Set(phoneProperties.flatMap((property) => text(property) ?? []))],
    ...(activeAt && { activeAt }),
    fields: Object.fromEntries(fields),
  };
}

/** Ids of contacts that were merged into this one. Unverified: the separator. */
export function mergedInto({ properties }: Stored): string[] {
  return properties["hs_merged_object_ids"]?.split(/[;,\s]+/).filter((id) => /^\d+$/.test(id)) ?? [];
}

/** HubSpot answers with the survivor for an id that was merged away: nobody has that id any more. */
export async function contactsById(
  transport: Transport,
  ids: readonly string[],
  { contactFields }: Pick<ConnectContext, "contactFields">,
  signal?: AbortSignal,
): Promise<{ contacts: Contact[]; gone: ContactRef[] }> {
  const asked = contactFields();
  const asking: Asking = { what: "HubSpot, reading contacts that changed", priority: "sync", signal };
  const shape = { by: "id", properties: contactProperties(asked) } as const;
  const found = await readRecords(transport, "contacts", ids, shape, asking);
  const stored = [...found.values()];
  const gone = [...ids.filter((id) => !found.has(id)), ...stored.flatMap(mergedInto)];
  return {
    contacts: stored.map((one) => contactOf(one, asked)),
    gone: [...new Set(gone)].map((id) => ({ id, kind: "contact" })),
  };
}

/** Up to so many numbers, all writings of a number fit into one request; more are asked in two steps. */
const fewNumbers = 25;

/**
 * The contacts that have each of these E.164 numbers. HubSpot finds a number by its national digits; one that it could
 * not read is stored as somebody typed it, so those are asked for as well. Every find is verified here.
 */
export async function findContacts(
  transport: Transport,
  numbers: readonly string[],
  { region, contactFields }: Pick<ConnectContext, "region" | "contactFields">,
  asking: Asking,
): Promise<Map<string, Contact[]>> {
  const asked = contactFields();
  const properties = contactProperties(asked);
  const found = new Map<string, Contact[]>();
  const search = async (wanted: readonly string[], filters: readonly Filter[]): Promise<void> => {
    const results = await inSearches(transport, "contacts", filters, properties, asking);
    const contacts = new Map(results.map(({ stored }) => [stored.id, contactOf(stored, asked)]));
    for (const contact of contacts.values()) {
      for (const number of numbersOf(contact, region)) {
        if (wanted.includes(number)) found.set(number, [...(found.get(number) ?? []), contact]);
      }
    }
  };
  if (numbers.length <= fewNumbers) {
    await search(numbers, [...calculated(numbers, bothForms), ...typed(numbers)]);
    return found;
  }
  await search(numbers, calculated(numbers, nationalForm));
  const missing = numbers.filter((number) => !found.has(number));
  if (missing.length > 0) await search(missing, [...calculated(missing, wholeForm), ...typed(missing)]);
  return found;
}

const nationalForm = (number: string): string[] => [nationalDigits(number)];
/** A number that was typed without its plus keeps its country code in what HubSpot calculates. */
const wholeForm = (number: string): string[] => [number.slice(1)];
const bothForms = (number: string): string[] => [...nationalForm(number), ...wholeForm(number)];

function calculated(numbers: readonly string[], forms: (number: string) => string[]): Filter[] {
  const values = numbers.map(forms);
  return ["hs_searchable_calculated_phone_number", "hs_searchable_calculated_mobile_number"].map((name) => ({
    name,
    values,
  }));
}

function typed(numbers: readonly string[]): Filter[] {
  const values = numbers.map((number) => [number]);
  return ["phone", "mobilephone"].map((name) => ({ name, values }));
}
