import type { Contact, ContactKind } from "../../src/core/contact.ts";
import type { ConnectContext } from "../../src/core/crm.ts";
import { refusedWith } from "./errors.ts";
import type { Stored } from "./rows.ts";
import { type AccountSchema, notGranted, scopesIn } from "./schema.ts";
import type { Properties } from "./values.ts";

/** Types of records with callers. A company has its main line. */
export type CallerType = "contacts" | "companies";

/** Each with the core's word for it. */
export const callerKinds: readonly (readonly [CallerType, ContactKind])[] = [
  ["contacts", "contact"],
  ["companies", "company"],
];

/** How one type of caller is read and searched in this account, by names of properties. */
export type CallerShape = {
  type: CallerType;
  kind: ContactKind;
  /** The time of the last change. */
  changed: string;
  own: readonly string[];
  /** Those with phone numbers. */
  phones: readonly string[];
  /** Those that HubSpot fills with national digits for searching. */
  calculated: readonly string[];
  /** Those compared as typed, in one search with `calculated`. */
  typed: readonly string[];
  /** Further phone properties, which need searches of their own. */
  rare: readonly string[];
};

/** The types of callers that this account lets us read. */
export type Callers = { shapes(signal?: AbortSignal): Promise<readonly CallerShape[]> };

/** A newly granted scope takes effect after this time. */
const refusalHoldsMs = 600_000;
/** A search has at most five groups of filters, one for each property. */
const groupsInSearch = 5;
const usualPhones = ["phone", "mobilephone", "hs_whatsapp_phone_number"];
const calculatedPhones = ["hs_calculated_phone_number", "hs_calculated_mobile_number"];
/** Numbers of machines, which do not call. */
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

/** The properties that every account has and that are read of each caller. */
export function ownProperties(type: CallerType): readonly string[] {
  return [...ownOf[type], ...usualPhones];
}

export function callersOf(
  schema: AccountSchema,
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
      return [shapeOf("companies", "company", await schema.properties("companies", signal))];
    } catch (error) {
      if (!refusedWith(error, 403)) throw error;
      refusedAt = now();
      return leaveOut(error.message);
    }
  };
  return {
    shapes: async (signal) => [
      shapeOf("contacts", "contact", await schema.properties("contacts", signal)),
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

/** Contact fields in the index besides those of the mapping. */
const fieldsAlwaysRead = new Set(["lifecyclestage"]);

/** The properties to read of a caller. `mapped`: the contact fields that the mapping uses. */
export function callerProperties({ own, phones }: CallerShape, mapped: readonly string[]): string[] {
  return [...new Set([...own, ...phones, ...mapped])];
}

/** A contact or company of HubSpot in the words of the core. */
export function contactOf(
  shape: CallerShape,
  { id, properties }: Stored,
  mapped: readonly string[],
): Contact {
  const text = (name: string): string | undefined => properties[name]?.trim() || undefined;
  const person = [text("firstname"), text("lastname")].filter(Boolean).join(" ");
  const name = shape.kind === "company" ? text("name") : person;
  const company = shape.kind === "company" ? name : text("company");
  const [email, ownerId] = [text("email"), text("hubspot_owner_id")];
  const activeAt = text("notes_last_updated") ?? text(shape.changed);
  const fields = [...new Set([...fieldsAlwaysRead, ...mapped])].flatMap((field) => {
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
