import type { ContactKind } from "../../src/core/contact.ts";
import type { ConnectContext } from "../../src/core/contracts.ts";
import { refusedWith } from "./errors.ts";
import type { Properties } from "./properties.ts";
import type { Portal } from "./schema.ts";
import { notGranted, scopesIn } from "./scopes.ts";

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
