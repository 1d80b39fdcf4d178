import { isWithheld, numberInGroups } from "../core/phone.ts";
import type { View } from "./view.ts";

/** The name that earlier versions gave to the contact of an unknown caller. */
const ourPlaceholder = /^unknown caller$/i;
/** Texts that providers and carriers send in place of a name. */
const noName =
  /^(unknown|anonymous|private|restricted|unavailable|withheld|blocked|wireless|no|toll free)?( ?(caller|name|number|id|call))*$/i;
const longestName = 100;

export function isWithheldCall({ call, installation }: View): boolean {
  const number = call.customer?.number;
  return typeof number === "string" && isWithheld(number, installation?.region);
}

/** The caller's name as the provider sent it; undefined for a number or a placeholder. */
function sentName({ call }: View): string | undefined {
  const name = call.customer?.name;
  if (typeof name !== "string" || !/\p{L}/u.test(name) || noName.test(name.trim())) return undefined;
  return name;
}

/** The customer's label: the name in the CRM, else the caller's name, else the number unless it was withheld. */
export function customerLabel(view: View): string | undefined {
  const name = view.contact?.name;
  const known = typeof name === "string" && !ourPlaceholder.test(name.trim()) ? inGroups(name) : undefined;
  if (isWithheldCall(view)) return known;
  return known || sentName(view) || numberText(view);
}

/** The label for a title: shortened, and with words for a withheld number. */
export function customerInTitle(view: View): string | undefined {
  const label = customerLabel(view) ?? (isWithheldCall(view) ? "a withheld number" : undefined);
  if (label === undefined || label.length <= longestName) return label;
  return `${label.slice(0, longestName - 1).toWellFormed()}…`;
}

/** The name of a new contact, by which a rep can tell it from others. */
export function newContactName(view: View): string | undefined {
  return sentName(view) ?? numberText(view);
}

/** The number in groups, as people read it; written the same way in every text. */
export function numberText(view: View): string | undefined {
  const number = isWithheldCall(view) ? undefined : dialable(view);
  return number && numberInGroups(number);
}

/** A contact may be named by its number. */
function inGroups(name: string): string {
  return /^\+\d{7,15}$/.test(name.trim()) ? numberInGroups(name.trim()) : name;
}

function dialable({ call, customerNumber }: View): string | undefined {
  const number = customerNumber ?? call.customer?.number;
  return typeof number === "string" && /\d/.test(number) ? number : undefined;
}

/** The names of the other contacts with this number. */
export function sharedWith({ sharedWith }: View): string | undefined {
  if (!Array.isArray(sharedWith)) return undefined;
  const names = sharedWith.filter((name): name is string => typeof name === "string" && name !== "");
  return listText([...new Set(names)]);
}

/** `Asha, Ben and Cees`; undefined for an empty list. */
export function listText(names: readonly string[]): string | undefined {
  const last = names.at(-1);
  return names.length > 1 ? `${names.slice(0, -1).join(", ")} and ${last}` : last;
}
