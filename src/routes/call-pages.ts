import { z } from "zod";
import { type Contact, chooseContact } from "../core/contact.ts";
import { identityOf } from "../core/phone.ts";
import { reasonCache } from "../flow/failures/groups.ts";
import type { Parts } from "../server/assemble.ts";
import type { CallSearch, Store } from "../store/contract.ts";
import { type CallSummary, callSummary, summaryOf } from "./call-summary.ts";
import { type CallQuery, numberToFilter, text } from "./route.ts";

const defaultLimit = 50;

export const callPage = pageOf(callSummary);
/** The latest calls, and where the next page begins. */
export type ListedCalls = z.infer<typeof callPage>;

/** `next`: the cursor of the next page, if there is one. */
function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next: text.optional() });
}

/** A page of the calls that are searched for. */
export async function page(
  { flow }: Pick<Parts, "flow">,
  search: Omit<CallSearch, "limit">,
  limit = defaultLimit,
): Promise<ListedCalls> {
  const { calls, next } = await flow.store.findCalls({ ...search, limit });
  return {
    items: await withCandidates(flow.store, calls.map(summaryOf)),
    ...(next !== undefined && { next: String(next) }),
  };
}

/** Callers of calls that are going on, by the index alone. */
async function withCandidates(store: Store, items: CallSummary[]): Promise<CallSummary[]> {
  const isOpen = ({ state, contact, number }: CallSummary) =>
    (state === "open" || state === "waiting") && !contact && number !== undefined;
  const known = new Map<string, Contact>();
  for (const [installation, some] of Map.groupBy(items.filter(isOpen), (item) => item.installation)) {
    const numbers = [...new Set(some.flatMap(({ number }) => number ?? []))];
    for (const [number, contacts] of await store.contactsByNumber(installation, numbers)) {
      const { contact } = chooseContact(contacts);
      if (contact) known.set(`${installation} ${number}`, contact);
    }
  }
  return items.map((item) => {
    const found = isOpen(item) ? known.get(`${item.installation} ${item.number}`) : undefined;
    if (!found) return item;
    const { id, kind, name } = found;
    return { ...item, candidate: { id, kind, ...(name !== undefined && { name }) } };
  });
}

/** A page of the calls that a query of the API means. */
export async function pageOfCalls(parts: Parts, query: CallQuery): Promise<ListedCalls> {
  const { cursor, limit, number, contact, q, group, ...rest } = query;
  const search = {
    ...rest,
    ...(cursor !== undefined && { before: cursor }),
    ...(number !== undefined && { number: numberToFilter(number, regionOf(parts, rest.installation)) }),
    ...(contact !== undefined && { contacts: [contact] }),
  };
  if (group !== undefined) return pageOfGroup(parts, { ...search, group }, limit);
  if (q === undefined) return page(parts, search, limit);
  const found = await meaningOf(parts, q.trim(), rest.installation);
  if (!found) return { items: [] };
  if ("keys" in found) return { items: await callsByKey(parts, found.keys, rest.installation) };
  return page(parts, { ...search, ...found }, limit);
}

/** Dead calls that are looked at for one page of a group. */
const mostInGroup = 5_000;
const readAtOnce = 200;

/** A page may have fewer calls than its limit, and a next one, as other lists. */
async function pageOfGroup(
  { flow }: Parts,
  { group, ...search }: Omit<CallSearch, "limit"> & { group: string },
  limit = defaultLimit,
): Promise<ListedCalls> {
  const items: CallSummary[] = [];
  if (search.state !== undefined && search.state !== "dead") return { items };
  const reasonOf = reasonCache();
  let before = search.before;
  for (let seen = 0; seen < mostInGroup; seen += readAtOnce) {
    const place = before === undefined ? {} : { before };
    const { calls, next } = await flow.store.findCalls({
      ...search,
      ...place,
      state: "dead",
      limit: readAtOnce,
    });
    for (const row of calls) {
      if (row.reason === undefined || reasonOf(row.reason).group !== group) continue;
      items.push(summaryOf(row));
      if (items.length === limit) return { items, next: String(row.id) };
    }
    if (next === undefined) return { items };
    before = next;
  }
  return { items, next: String(before) };
}

/** The most contacts of one name whose calls are listed. */
const mostContacts = 50;

/** What a person typed into a search box: a key or a provider's id, a phone number, or a part of a contact's name. */
async function meaningOf(
  { flow, installations, providers, config }: Parts,
  text: string,
  installation: string | undefined,
): Promise<{ keys: string[] } | { number: string } | { contacts: string[] } | undefined> {
  const { store } = flow;
  if (await store.call(text)) return { keys: [text] };
  const keys = await store.callsOfLeg(text, Object.keys(providers));
  if (keys.length > 0) return { keys };
  const regions = [...installations.values()].map(({ settings }) => settings.region);
  const number =
    /\d{3}/.test(text) && identityOf(text, regions[0] ?? config.installations[0]?.region ?? "US");
  if (number) return { number };
  const names = installation === undefined ? [...installations.keys()] : [installation];
  const contacts: string[] = [];
  for (const name of names) {
    const found = await store.contactsNamed(name, text, mostContacts);
    contacts.push(...found.map(({ id }) => id));
    if (contacts.length >= mostContacts) break;
  }
  return contacts.length > 0 ? { contacts: contacts.slice(0, mostContacts) } : undefined;
}

async function callsByKey(
  { flow }: Parts,
  keys: readonly string[],
  installation: string | undefined,
): Promise<CallSummary[]> {
  const found = await Promise.all(keys.slice(0, defaultLimit).map((key) => flow.store.call(key)));
  return found.flatMap((group) =>
    group && (installation === undefined || group.row.call.installation === installation)
      ? [summaryOf(group.row)]
      : [],
  );
}

/** The region of the installation, or of the first one, for national numbers. */
function regionOf({ installations, config }: Parts, name: string | undefined): string {
  const settings = name === undefined ? config.installations[0] : installations.get(name)?.settings;
  return settings?.region ?? "US";
}
