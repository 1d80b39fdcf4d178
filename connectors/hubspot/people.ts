import type { Contact, ContactKind, ContactRef } from "../../src/core/contact.ts";
import type { ConnectContext } from "../../src/core/contracts.ts";
import { refusedWith } from "./errors.ts";
import { readRecords } from "./look-back.ts";
import type { Stored } from "./rows.ts";
import { notGranted, type Portal, scopesIn } from "./schema.ts";
import type { DescribedRequest, Transport } from "./transport.ts";
import type { Properties } from "./values.ts";

/** Types of records that a caller can be. A company is found by its main line. */
export type CallerType = "contacts" | "companies";

/** Each with the core's word for it. */
export const callerKinds: readonly (readonly [CallerType, ContactKind])[] = [
  ["contacts", "contact"],
  ["companies", "company"],
];

/**
 * How one type of caller is read and searched in this account. `phones`: properties that hold numbers. `calculated`:
 * those that HubSpot fills with national digits for searching. `typed`: those that are compared as they were typed, in
 * one search with `calculated`; `rare`: the others, which need searches of their own. `changed`: its time of change.
 */
export type CallerShape = {
  type: CallerType;
  kind: ContactKind;
  changed: string;
  own: readonly string[];
  phones: readonly string[];
  calculated: readonly string[];
  typed: readonly string[];
  rare: readonly string[];
};

/** The types of callers that this account shows us. */
export type Callers = { shapes(signal?: AbortSignal): Promise<readonly CallerShape[]> };

/** An admin who grants a scope waits no longer than this for its effect. */
const refusalHoldsMs = 600_000;
/** A search has at most five groups of filters, one for each property. */
const groupsInSearch = 5;
const usualPhones = ["phone", "mobilephone", "hs_whatsapp_phone_number"];
const calculatedPhones = ["hs_calculated_phone_number", "hs_calculated_mobile_number"];
/** Numbers of machines: nobody calls from them. */
const machines = new Set(["fax"]);

const ownOf: Readonly<Record<CallerType, readonly string[]>> = {
  contacts: [
    "firstname",
    "lastname",
    "email",
    "company",
    "hubspot_owner_id",
    "lifecyclestage",
    "lastmodifieddate",
    "notes_last_updated",
    "hs_merged_object_ids",
  ],
  companies: ["name", "hubspot_owner_id", "lifecyclestage", "hs_lastmodifieddate", "notes_last_updated"],
};

/** The properties that every account has and that every caller of a type is read with. */
export function ownProperties(type: CallerType): readonly string[] {
  return [...ownOf[type], ...usualPhones];
}

export function callersOf(
  portal: Portal,
  { scopes, warn, now }: Pick<ConnectContext, "scopes" | "warn" | "now">,
): Callers {
  const { toAssociate } = scopesIn({ ...(scopes && { scopes }) });
  let refusedAt = Number.NEGATIVE_INFINITY;
  const companies = async (signal?: AbortSignal): Promise<CallerShape[]> => {
    const leaveOut = (why: string): [] => {
      warn(`calls are not matched with companies: ${why}`);
      return [];
    };
    const lacked = toAssociate("company");
    if (lacked !== undefined) return leaveOut(notGranted(lacked));
    if (now() - refusedAt < refusalHoldsMs) return [];
    try {
      return [shapeOf("companies", "company", await portal.properties("companies", signal))];
    } catch (error) {
      if (!refusedWith(error, 403)) throw error;
      refusedAt = now();
      return leaveOut(error.message);
    }
  };
  return {
    shapes: async (signal) => [
      shapeOf("contacts", "contact", await portal.properties("contacts", signal)),
      ...(await companies(signal)),
    ],
  };
}

function shapeOf(type: CallerType, kind: ContactKind, known: Properties): CallerShape {
  const calculated = [...known.keys()].filter((name) =>
    /^hs_searchable_calculated_(phone|mobile)_number$/.test(name),
  );
  const writable = [...known.values()].filter(({ phone, name }) => phone && !machines.has(name));
  const names = writable.map(({ name }) => name);
  const inOrder = [
    ...usualPhones.filter((name) => names.includes(name)),
    ...names.filter((name) => !usualPhones.includes(name)),
  ];
  const room = groupsInSearch - calculated.length;
  return {
    type,
    kind,
    changed: type === "contacts" ? "lastmodifieddate" : "hs_lastmodifieddate",
    own: ownOf[type].filter((name) => known.has(name)),
    phones: [...inOrder, ...calculatedPhones.filter((name) => known.has(name))],
    calculated,
    typed: inOrder.slice(0, room),
    rare: inOrder.slice(room),
  };
}

/** Names of contact fields that the index has besides those the mapping asks for. */
const fieldsKept = new Set(["lifecyclestage"]);

/** The properties to read of a caller. `asked`: the contact fields that the mapping uses. */
export function callerProperties({ own, phones }: CallerShape, asked: readonly string[]): string[] {
  return [...new Set([...own, ...phones, ...asked])];
}

/** A contact or company of HubSpot in the words of the core. */
export function contactOf(shape: CallerShape, { id, properties }: Stored, asked: readonly string[]): Contact {
  const text = (name: string): string | undefined => properties[name]?.trim() || undefined;
  const person = [text("firstname"), text("lastname")].filter(Boolean).join(" ");
  const name = shape.kind === "company" ? text("name") : person;
  const company = shape.kind === "company" ? name : text("company");
  const [email, ownerId] = [text("email"), text("hubspot_owner_id")];
  const activeAt = text("notes_last_updated") ?? text(shape.changed);
  const fields = [...new Set([...fieldsKept, ...asked])].flatMap((field) => {
    const value = text(field);
    return value === undefined ? [] : [[field, value] as const];
  });
  return {
    id,
    kind: shape.kind,
    ...(name && { name }),
    ...(email && { email }),
    ...(company && { company }),
    ...(ownerId && { ownerId }),
    phones: [...new Set(shape.phones.flatMap((property) => text(property) ?? []))],
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
  {
    transport,
    callers,
    contactFields,
  }: Pick<ConnectContext, "contactFields"> & {
    transport: Transport;
    callers: Callers;
  },
  ids: readonly string[],
  signal?: AbortSignal,
): Promise<{ contacts: Contact[]; gone: ContactRef[] }> {
  const asked = contactFields();
  const asking: DescribedRequest = {
    what: "HubSpot, reading contacts that changed",
    priority: "sync",
    signal,
  };
  const [contacts] = await callers.shapes(signal);
  if (!contacts) return { contacts: [], gone: [] };
  const shape = { type: "contacts", by: "id", properties: callerProperties(contacts, asked) } as const;
  const found = await readRecords(transport, ids, shape, asking);
  const stored = [...found.values()];
  const gone = [...ids.filter((id) => !found.has(id)), ...stored.flatMap(mergedInto)];
  return {
    contacts: stored.map((one) => contactOf(contacts, one, asked)),
    gone: [...new Set(gone)].map((id) => ({ id, kind: "contact" })),
  };
}
