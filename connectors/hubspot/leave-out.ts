import type { CrmError } from "../../src/core/errors.ts";
import { ownerInstead, type ReadyCall } from "../../src/lib/saving.ts";
import { appProperty, type HubspotAccount } from "./account.ts";
import { isAboutOwner, type RefusedValue, refusedValues, refusedWith } from "./errors.ts";
import type { Stored } from "./rows.ts";
import { lacksKey } from "./schema.ts";
import { dated, propertyNameOf } from "./values.ts";

/** Usually HubSpot names all refused values at once. */
export const mostRounds = 5;

/** What identifies a call, when HubSpot refuses it without naming a value. */
const essential = new Set([
  "hs_timestamp",
  "hs_call_title",
  "hs_call_direction",
  "hs_call_duration",
  "hs_call_status",
  "hs_call_from_number",
  "hs_call_to_number",
  "hs_call_external_id",
]);

/** What is left for the last try. */
const barest = new Set(["hs_timestamp", "hs_call_title", "hs_call_external_id"]);

/**
 * The call without what HubSpot refuses: the values that it names, or, when it names none, all but the essential ones;
 * before the `last` try all that a call can be without. A refused owner is replaced by the default owner first.
 * Undefined when nothing can be left out.
 */
export function leaveOut(
  account: Pick<HubspotAccount, "player" | "warn" | "context">,
  call: ReadyCall<Stored>,
  error: CrmError,
  last = false,
): ReadyCall<Stored> | undefined {
  if (!isAboutValues(error)) return undefined;
  const refused = refusedIn(call, error);
  const smaller =
    refused.length > 0 && !last
      ? refused.reduce((rest, value) => withoutValue(account, rest, value), call)
      : withoutOthers(call, refused, error, last ? barest : essential);
  if (!smaller || call.current) return smaller;
  return { ...smaller, wrote: dated(smaller.wrote, account.context.now()) };
}

/** The values that HubSpot lists, else those that its message mentions. */
function refusedIn({ wrote }: ReadyCall<Stored>, error: CrmError): RefusedValue[] {
  const names = Object.keys(wrote).map(propertyNameOf);
  const listed = refusedValues(error).filter(({ name }) => names.includes(name));
  if (listed.length > 0) return listed;
  const words = new Set(error.message.match(/\w+/g));
  const mentioned = names.filter((name) => name.includes("_") && words.has(name));
  const owner = "ownerId" in wrote && isAboutOwner(error) ? ["hubspot_owner_id"] : [];
  return [...new Set([...mentioned, ...owner])].map((name) => ({ name, why: error.message }));
}

/** Fewer values do not help against a missing record, a missing property of ours, a lock or a limit. */
function isAboutValues(error: CrmError): boolean {
  if (error.retry === "later" || lacksKey(error) || /OBJECT_NOT_FOUND/.test(error.message)) return false;
  return !refusedWith(error, 401, 403, 404);
}

function withoutOthers(
  call: ReadyCall<Stored>,
  refused: readonly RefusedValue[],
  { message }: CrmError,
  stay: ReadonlySet<string>,
): ReadyCall<Stored> | undefined {
  const fields = Object.keys(call.wrote);
  const names = new Set(refused.map(({ name }) => name));
  const others = fields.filter((field) => !stay.has(field) || names.has(propertyNameOf(field)));
  // A call that exists already stays as it is.
  const extra = others.length > 0 || !call.current ? others : fields;
  if (extra.length === 0) return undefined;
  const wrote = Object.fromEntries(Object.entries(call.wrote).filter(([field]) => !extra.includes(field)));
  return {
    ...call,
    wrote,
    without: [...call.without, `${extra.map(propertyNameOf).join(", ")}: ${message}`],
  };
}

function withoutValue(
  { player, warn }: Pick<HubspotAccount, "player" | "warn">,
  call: ReadyCall<Stored>,
  { name, why }: RefusedValue,
): ReadyCall<Stored> {
  const field = Object.keys(call.wrote).find((one) => propertyNameOf(one) === name) ?? name;
  const { [field]: value, ...wrote } = call.wrote;
  if (field === "ownerId") {
    const { fallbackOwnerId } = call.record;
    const { owner, without } = ownerInstead(value, fallbackOwnerId, { otherwise: "it has no owner", why });
    warn("HubSpot does not take the owner of some calls: they go to the default owner, or to none");
    return {
      ...call,
      wrote: { ...wrote, ...(owner !== undefined && { ownerId: owner }) },
      without: [...call.without, without],
    };
  }
  if (name === appProperty) {
    player.giveUp();
    warn(
      `HubSpot does not take ${name}: calls are logged without it, and HubSpot's own player cannot request their recordings`,
    );
  } else warn(`HubSpot does not take the ${name} of some calls: they are logged without it (${why})`);
  return { ...call, wrote, without: [...call.without, `${name}: ${why}`] };
}
