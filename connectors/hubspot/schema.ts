import type { ConnectContext } from "../../src/core/crm.ts";
import { isGranted } from "../../src/core/crm-app.ts";
import { CrmError } from "../../src/core/errors.ts";
import { createCache } from "../../src/lib/patterns.ts";
import { refusedWith } from "./errors.ts";
import { resultsIn } from "./rows.ts";
import type { AccountRequests, Transport } from "./transport.ts";
import { type Properties, propertyOf } from "./values.ts";

/** Types with a property of ours. */
export type ObjectType = "calls" | "contacts" | "tasks";
/** Types whose properties we read. */
export type DescribedType = ObjectType | "companies";

/** Our properties, by which records are found. Their values are unique. */
export const keyProperties: Readonly<Record<ObjectType, { name: string; label: string; about: string }>> = {
  calls: {
    name: "switchhook_call_key",
    label: "Switchhook call",
    about: "Identifies the phone call that Switchhook logged here. Do not change it.",
  },
  tasks: {
    name: "switchhook_call_key",
    label: "Switchhook call",
    about: "Identifies the missed call that this task follows up. Do not change it.",
  },
  contacts: {
    name: "switchhook_caller_number",
    label: "Switchhook caller number",
    about: "The number that this contact was made for by Switchhook. Do not change it.",
  },
};

/** The account's schema, read once an hour. `properties` and `hasKey` throw `CrmError`. */
export type AccountSchema = {
  properties(type: DescribedType, signal?: AbortSignal): Promise<Properties>;
  /** Whether records of the type can be found by our unique property, which is created when it is missing. */
  hasKey(type: ObjectType, signal?: AbortSignal): Promise<boolean>;
  /** The schema has changed: read it again. */
  forget(): void;
};

/** Whether an error says that a property of ours is missing, or not as we made it. */
export function lacksKey({ message }: CrmError): boolean {
  const named = Object.values(keyProperties).some(({ name }) => message.includes(name));
  return named && /PROPERTY_DOESNT_EXIST|does not exist|non-unique/i.test(message);
}

/** Whether a record first sent at `sentAt` may exist without our key, because the account did not have it then. */
export function mayLackKey(known: Properties, type: ObjectType, sentAt: number | undefined): boolean {
  return sentAt !== undefined && sentAt < (known.get(keyProperties[type].name)?.madeAt ?? 0);
}

const unusedKey = "switchhook:probe:no-such-call";

export function openSchema(
  transport: Transport,
  { now, warn, scopes }: Pick<ConnectContext, "now" | "warn" | "scopes">,
): AccountSchema {
  const known = createCache<DescribedType, Properties>(now);
  const keyed = new Map<ObjectType, { lacked: string | undefined; making: Promise<boolean> }>();
  const { toMakeProperties } = scopesIn({ ...(scopes && { scopes }) });

  const properties = (type: DescribedType, signal?: AbortSignal): Promise<Properties> =>
    known.get(type, () => load(transport, type, signal));

  const makeKey = async (
    type: ObjectType,
    lacked: string | undefined,
    signal?: AbortSignal,
  ): Promise<boolean> => {
    const { name } = keyProperties[type];
    const all = await properties(type, signal);
    const what = `HubSpot, property ${name} of ${type}`;
    const requests = transport.requests({ what, priority: "deliver", signal });
    try {
      const present = all.get(name);
      if (!present) {
        if (lacked !== undefined) throw new CrmError("never", notGranted(lacked));
        const made = await create(requests, type, all);
        known.drop(type);
        const after = await properties(type, signal);
        if (!made && !after.has(name))
          throw new CrmError("never", `the property ${name} lies in the account's archive: restore it there`);
      } else if (!present.unique) {
        throw new CrmError("never", `the property ${name} was made without unique values`);
      }
      await probe(requests, type);
      return true;
    } catch (error) {
      if (!(error instanceof CrmError) || error.retry === "later") throw error;
      warn(
        `HubSpot does not take our unique property ${name} on ${type} (${error.message}). ` +
          "Calls are logged all the same; after a lost answer they are searched for before they are sent again.",
      );
      return false;
    }
  };

  return {
    properties,
    hasKey(type, signal) {
      // The scope may have been granted or withdrawn meanwhile.
      const lacked = toMakeProperties();
      const before = keyed.get(type);
      if (before && before.lacked === lacked) return before.making;
      const attempt = { lacked, making: makeKey(type, lacked, signal) };
      keyed.set(type, attempt);
      // A newer attempt stays.
      attempt.making.catch(() => keyed.get(type) === attempt && keyed.delete(type));
      return attempt.making;
    },
    forget() {
      known.forget();
      keyed.clear();
    },
  };
}

async function load(transport: Transport, type: DescribedType, signal?: AbortSignal): Promise<Properties> {
  const what = `HubSpot, properties of ${type}`;
  const requests = transport.requests({ what, priority: "deliver", signal });
  const body: unknown = await requests.send((client) => client.crm.properties.coreApi.getAll(type));
  const all = resultsIn(body)
    .map(propertyOf)
    .filter(({ name }) => name !== "");
  return new Map(all.map((property) => [property.name, property]));
}

/** Creates our property in the group that is used most. False when there is one already. */
async function create(requests: AccountRequests, type: ObjectType, all: Properties): Promise<boolean> {
  const { name, label, about } = keyProperties[type];
  const groups = new Map<string, number>();
  for (const { group } of all.values()) groups.set(group, (groups.get(group) ?? 0) + 1);
  const [groupName = `${type.slice(0, -1)}information`] =
    [...groups].sort(([, a], [, b]) => b - a).find(([group]) => group !== "") ?? [];
  const property = {
    name,
    label,
    description: about,
    groupName,
    type: "string",
    fieldType: "text",
    hasUniqueValue: true,
  } as const;
  try {
    await requests.send((client) =>
      client.crm.properties.coreApi.create(
        type,
        property as Parameters<typeof client.crm.properties.coreApi.create>[1],
      ),
    );
    return true;
  } catch (error) {
    // The app may log calls but not create properties: waiting would not change that.
    if (refusedWith(error, 403)) throw new CrmError("never", error.message, { cause: error.cause });
    // It was created at the same moment, or is in the archive.
    if (!refusedWith(error, 409)) throw error;
    return false;
  }
}

/** Reads a record that does not exist: HubSpot reads only by properties with unique values. */
async function probe(requests: AccountRequests, type: ObjectType): Promise<void> {
  const input = {
    idProperty: keyProperties[type].name,
    inputs: [{ id: unusedKey }],
    properties: [],
    propertiesWithHistory: [],
  };
  try {
    await requests.send((client) => client.crm.objects.batchApi.read(type, input));
  } catch (error) {
    if (!refusedWith(error, 404)) throw error;
  }
}

/** Unverified: that it also covers properties of calls and tasks. */
const schemaScope = "crm.schemas.contacts.write";

/** unverified: the right to read or to write the other side suffices to associate a call with it. */
const scopesOf = {
  company: ["crm.objects.companies.read", "crm.objects.companies.write"],
  deal: ["crm.objects.deals.read", "crm.objects.deals.write"],
  ticket: ["tickets", "crm.objects.tickets.read", "crm.objects.tickets.write"],
} as const;

/** What the account grants. Each method returns the missing scope, or undefined. */
export function scopesIn({ scopes = () => [] }: Pick<ConnectContext, "scopes">) {
  const lacking = (choice: readonly [string, ...string[]]): string | undefined =>
    choice.some((scope) => isGranted(scopes(), scope)) ? undefined : choice[0];
  return {
    toMakeProperties: () => lacking([schemaScope]),
    toAssociate: (type: keyof typeof scopesOf) => lacking(scopesOf[type]),
  };
}

/** Why a feature is off, in the words of a warning. */
export function notGranted(scope: string): string {
  return `the account does not grant ${scope}; connect it again to switch this on`;
}
