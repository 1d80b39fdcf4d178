import type { CrmError } from "../../src/core/errors.ts";
import { type SaveTools, undated, type Work } from "./account.ts";
import { isAboutOwner, type RefusedValue, refusedValues, refusedWith } from "./errors.ts";
import { appProperty } from "./player.ts";
import { lacksKey } from "./schema.ts";
import { propertyNameOf } from "./values.ts";

/** HubSpot names all values at once that it refuses, mostly. */
export const mostRounds = 5;

/** What says what a call was, when HubSpot refuses a call without saying why. */
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
 * Takes what HubSpot refuses out of a call that it did not take: the values that it names, or, when it names none, all
 * but the essential ones; before the `last` try all that a call can be without. The owner gives way to the default owner
 * first. Whether there is anything left to try.
 */
export function leaveOut(tools: SaveTools, work: Work, error: CrmError, last = false): boolean {
  if (!isAboutValues(error)) return false;
  const out = valuesToDrop(work, error);
  if (out.length > 0 && !last) for (const value of out) drop(tools, work, value);
  else {
    const fields = Object.keys(work.wrote);
    const refused = new Set(out.map(({ name }) => name));
    const kept = last ? barest : essential;
    const others = fields.filter((field) => !kept.has(field) || refused.has(propertyNameOf(field)));
    // A call that is there already stays as it is.
    const extra = others.length > 0 || !work.current ? others : fields;
    if (extra.length === 0) return false;
    for (const field of extra) delete work.wrote[field];
    work.without.push(`${extra.map(propertyNameOf).join(", ")}: ${error.message}`);
  }
  undated(work, tools.context.now());
  return true;
}

/** Those that HubSpot lists, else those that its words mention. */
function valuesToDrop({ wrote }: Work, error: CrmError): RefusedValue[] {
  const names = Object.keys(wrote).map(propertyNameOf);
  const listed = refusedValues(error).filter(({ name }) => names.includes(name));
  if (listed.length > 0) return listed;
  const words = new Set(error.message.match(/\w+/g));
  const mentioned = names.filter((name) => name.includes("_") && words.has(name));
  const owner = "ownerId" in wrote && isAboutOwner(error) ? ["hubspot_owner_id"] : [];
  return [...new Set([...mentioned, ...owner])].map((name) => ({ name, why: error.message }));
}

/** A record or a property of ours that is not there, a lock or a limit is nothing that fewer values would change. */
function isAboutValues(error: CrmError): boolean {
  if (error.retry === "later" || lacksKey(error) || /OBJECT_NOT_FOUND/.test(error.message)) return false;
  return !refusedWith(error, 401, 403, 404);
}

function drop({ player, warn }: SaveTools, work: Work, { name, why }: RefusedValue): void {
  const { wrote, record } = work;
  const field = Object.keys(wrote).find((one) => propertyNameOf(one) === name) ?? name;
  const value = wrote[field];
  delete wrote[field];
  if (field === "ownerId") {
    const { fallbackOwnerId } = record;
    const isNew = fallbackOwnerId !== undefined && value === record.ownerId && fallbackOwnerId !== value;
    if (isNew) wrote["ownerId"] = fallbackOwnerId;
    const instead = isNew ? "the default owner has it" : "it has no owner";
    warn("HubSpot does not take the owner of some calls: they go to the default owner, or to none");
    work.without.push(`the owner ${value}, so ${instead}: ${why}`);
    return;
  }
  if (name === appProperty) {
    player.giveUp();
    warn(
      `HubSpot does not take ${name}: calls are logged without it, and HubSpot's own player does not ask us`,
    );
  } else warn(`HubSpot does not take the ${name} of some calls: they are logged without it (${why})`);
  work.without.push(`${name}: ${why}`);
}
