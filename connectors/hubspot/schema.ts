import type { ConnectContext } from "../../src/core/contracts.ts";
import { CrmError } from "../../src/core/errors.ts";
import { isGranted } from "../../src/core/oauth.ts";
import { refusedWith } from "./errors.ts";
import { resultsIn } from "./rows.ts";
import type { DescribedRequest, Transport } from "./transport.ts";
import { type Properties, propertyOf } from "./values.ts";

/** Types that get a property of ours. */
export type ObjectType = "calls" | "contacts" | "tasks";
/** Types whose properties we read. */
export type DescribedType = ObjectType | "companies";

/** The properties of ours that make a record findable by what it stands for; each has a unique value. */
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

/** What we know of the account's schema. Both throw `CrmError`. */
export type Portal = {
  properties(type: DescribedType, signal?: AbortSignal): Promise<Properties>;
  /** Whether records of the type can be found by our unique property, which is made when it is missing. */
  hasKey(type: ObjectType, signal?: AbortSignal): Promise<boolean>;
  /** Somebody changed the schema: look at it anew. */
  forget(): void;
};

/** Whether an error says that a property of ours is not there any more, or not as we made it. */
export function lacksKey({ message }: CrmError): boolean {
  const named = Object.values(keyProperties).some(({ name }) => message.includes(name));
  return named && /PROPERTY_DOESNT_EXIST|does not exist|non-unique/i.test(message);
}

/** Whether a record that was first sent at `sentAt` may be there without our key: the account had none then. */
export function mayLackKey(known: Properties, type: ObjectType, sentAt: number | undefined): boolean {
  return sentAt !== undefined && sentAt < (known.get(keyProperties[type].name)?.madeAt ?? 0);
}

const freshMs = 3_600_000;
const unusedKey = "switchhook:probe:no-such-call";

export function openPortal(
  transport: Transport,
  { now, warn, scopes }: Pick<ConnectContext, "now" | "warn" | "scopes">,
): Portal {
  const known = new Map<DescribedType, { at: number; properties: Promise<Properties> }>();
  const keyed = new Map<ObjectType, { lacked: string | undefined; making: Promise<boolean> }>();
  const { toMakeProperties } = scopesIn({ ...(scopes && { scopes }) });

  const properties = (type: DescribedType, signal?: AbortSignal): Promise<Properties> => {
    const before = known.get(type);
    if (before && now() - before.at < freshMs) return before.properties;
    const loading = load(transport, type, signal);
    known.set(type, { at: now(), properties: loading });
    loading.catch(() => known.delete(type));
    return loading;
  };

  const makeKey = async (
    type: ObjectType,
    lacked: string | undefined,
    signal?: AbortSignal,
  ): Promise<boolean> => {
    const { name } = keyProperties[type];
    const all = await properties(type, signal);
    const asking: DescribedRequest = {
      what: `HubSpot, property ${name} of ${type}`,
      priority: "deliver",
      signal,
    };
    try {
      const present = all.get(name);
      if (!present) {
        if (lacked !== undefined) throw new CrmError("never", notGranted(lacked));
        const made = await create(transport, type, all, asking);
        known.delete(type);
        const now = await properties(type, signal);
        if (!made && !now.has(name))
          throw new CrmError("never", `the property ${name} lies in the account's archive: restore it there`);
      } else if (!present.unique) {
        throw new CrmError("never", `the property ${name} was made without unique values`);
      }
      await probe(transport, type, asking);
      return true;
    } catch (error) {
      if (!(error instanceof CrmError) || error.retry === "later") throw error;
      warn(
        `HubSpot does not take our unique property ${name} on ${type} (${error.message}). ` +
          "Calls are logged all the same, with a look at what is there before anything is sent twice.",
      );
      return false;
    }
  };

  return {
    properties,
    hasKey(type, signal) {
      // Somebody may have granted, or taken back, the scope meanwhile.
      const lacked = toMakeProperties();
      const before = keyed.get(type);
      if (before?.lacked === lacked && before) return before.making;
      const making = makeKey(type, lacked, signal);
      keyed.set(type, { lacked, making });
      making.catch(() => keyed.delete(type));
      return making;
    },
    forget() {
      known.clear();
      keyed.clear();
    },
  };
}

async function load(transport: Transport, type: DescribedType, signal?: AbortSignal): Promise<Properties> {
  const asking: DescribedRequest = { what: `HubSpot, properties of ${type}`, priority: "deliver", signal };
  const body: unknown = await transport.ask(asking, (client) => client.crm.properties.coreApi.getAll(type));
  const all = resultsIn(body)
    .map(propertyOf)
    .filter(({ name }) => name !== "");
  return new Map(all.map((property) => [property.name, property]));
}

/**
 * False when there is one already. A group must be named, and which ones there are depends on the account: we join one
 * that is in use.
 */
async function create(
  transport: Transport,
  type: ObjectType,
  all: Properties,
  asking: DescribedRequest,
): Promise<boolean> {
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
    await transport.ask(asking, (client) =>
      client.crm.properties.coreApi.create(
        type,
        property as Parameters<typeof client.crm.properties.coreApi.create>[1],
      ),
    );
    return true;
  } catch (error) {
    // The app may log calls without making properties: that is no reason to wait.
    if (refusedWith(error, 403)) throw new CrmError("never", error.message, { cause: error.cause });
    // Somebody else made it at the same moment, or somebody put it into the archive.
    if (!refusedWith(error, 409)) throw error;
    return false;
  }
}

/** Asks for a record that is not there: only a property whose values are unique can be asked by. */
async function probe(transport: Transport, type: ObjectType, asking: DescribedRequest): Promise<void> {
  const input = {
    idProperty: keyProperties[type].name,
    inputs: [{ id: unusedKey }],
    properties: [],
    propertiesWithHistory: [],
  };
  try {
    await transport.ask(asking, (client) => client.crm.objects.batchApi.read(type, input));
  } catch (error) {
    if (!refusedWith(error, 404)) throw error;
  }
}

/** Properties of calls and tasks go by this one, too (unverified). */
const schemaScope = "crm.schemas.contacts.write";

/** unverified: to read or to write the other side is enough to associate a call with it. */
const scopesOf = {
  company: ["crm.objects.companies.read", "crm.objects.companies.write"],
  deal: ["crm.objects.deals.read", "crm.objects.deals.write"],
  ticket: ["tickets", "crm.objects.tickets.read", "crm.objects.tickets.write"],
} as const;

/** What the account grants. Each method gives the scope that is missing, and undefined when nothing is in the way. */
export function scopesIn({ scopes = () => [] }: Pick<ConnectContext, "scopes">) {
  const lacking = (choice: readonly [string, ...string[]]): string | undefined =>
    choice.some((scope) => isGranted(scopes(), scope)) ? undefined : choice[0];
  return {
    toMakeProperties: () => lacking([schemaScope]),
    toAssociate: (type: keyof typeof scopesOf) => lacking(scopesOf[type]),
  };
}

/** Why something is not even asked for, in the words of a warning. */
export function notGranted(scope: string): string {
  return `the account does not grant ${scope}; connect it again to switch this on`;
}
