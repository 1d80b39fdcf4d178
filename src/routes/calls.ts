import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { z } from "zod";
import { contactKinds } from "../core/contact.ts";
import { identityOf } from "../core/phone.ts";
import { callStates, type TrackedCall } from "../core/tracked-call.ts";
import { reasonCache } from "../flow/failures/groups.ts";
import type { Parts } from "../server/assemble.ts";
import type { CallSearch } from "../store/contract.ts";
import {
  adminRoute,
  badQuery,
  type CallQuery,
  callQuery,
  content,
  json,
  numberToFilter,
  pageQuery,
  type Route,
  text,
  time,
} from "./route.ts";

const defaultLimit = 50;

export const contactSchema = z.object({
  id: text,
  kind: z.enum(contactKinds),
  name: text.optional(),
});

export const callSummary = z
  .object({
    key: text,
    installation: text,
    provider: text,
    state: z.enum(callStates),
    phase: z.enum(["ringing", "answered", "ended"]),
    attempts: z.int(),
    revision: z.int(),
    direction: z.enum(["inbound", "outbound", "internal"]).optional(),
    outcome: text.optional(),
    customer: z.object({ number: text.optional(), name: text.optional() }).optional(),
    number: text.optional(),
    line: text.optional(),
    startedAt: time.optional(),
    talkSeconds: z.number().optional(),
    reason: text.optional(),
    contact: contactSchema.optional(),
    ownerId: text.optional(),
    activityId: text.optional(),
    nextTryAt: time.optional(),
    createdAt: time,
    updatedAt: time,
  })
  .meta({ id: "CallSummary" });

/** A call in a list, without its texts, which can be long. */
export type CallSummary = z.infer<typeof callSummary>;

const callPage = pageOf(callSummary);
/** The latest calls, and where the next page begins. */
export type ListedCalls = z.infer<typeof callPage>;

/** Lists of calls. */
export function callListRoutes(parts: Parts): Route[] {
  return [
    adminRoute({
      method: "get",
      path: "/api/calls",
      needs: "view",
      summary: "Calls, the latest first.",
      query: callQuery,
      replies: { 200: json("A page of calls.", callPage), ...badQuery },
      handle: async (_, response, query) => {
        response.json(await pageOfCalls(parts, query));
      },
    }),

    adminRoute({
      method: "get",
      path: "/api/calls.csv",
      needs: "view",
      summary: "The same calls as CSV for a spreadsheet, all pages at once.",
      query: callQuery.omit({ cursor: true, limit: true }),
      replies: { 200: content("A line for each call, after a line of names.", "text/csv"), ...badQuery },
      handle: async (_, response, query) => {
        response.type("text/csv").set({
          "cache-control": "no-store",
          "content-disposition": 'attachment; filename="calls.csv"',
        });
        await pipeline(Readable.from(csvOf(parts, query)), response);
      },
    }),

    adminRoute({
      method: "get",
      path: "/api/dead",
      needs: "view",
      summary: "Calls that the CRM refused: correct the reason, then retry them.",
      query: pageQuery,
      replies: { 200: json("A page of calls.", callPage), ...badQuery },
      handle: async (_, response, { cursor, limit, ...filter }) => {
        const before = cursor === undefined ? {} : { before: cursor };
        response.json(await page(parts, { ...filter, ...before, state: "dead" }, limit));
      },
    }),
  ];
}

/** `next`: the cursor of the next page, if there is one. */
function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next: text.optional() });
}

async function page(
  { flow }: Pick<Parts, "flow">,
  search: Omit<CallSearch, "limit">,
  limit = defaultLimit,
): Promise<ListedCalls> {
  const { calls, next } = await flow.store.findCalls({ ...search, limit });
  return { items: calls.map(summaryOf), ...(next !== undefined && { next: String(next) }) };
}

async function pageOfCalls(parts: Parts, query: CallQuery): Promise<ListedCalls> {
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

const csvColumns = [
  "key",
  "installation",
  "provider",
  "state",
  "direction",
  "outcome",
  "number",
  "contact",
  "line",
  "startedAt",
  "talkSeconds",
  "ownerId",
  "activityId",
  "reason",
  "createdAt",
] as const;

async function* csvOf(parts: Parts, query: Omit<CallQuery, "cursor" | "limit">): AsyncGenerator<string> {
  yield csvLine(csvColumns);
  for (let cursor: number | undefined; ; ) {
    const asked = { ...query, limit: 200, ...(cursor !== undefined && { cursor }) };
    const { items, next } = await pageOfCalls(parts, asked);
    for (const call of items)
      yield csvLine(
        csvColumns.map((name) =>
          name === "contact" ? (call.contact?.name ?? call.contact?.id) : call[name],
        ),
      );
    if (next === undefined) return;
    cursor = Number(next);
  }
}

/** A spreadsheet takes a text that begins like a formula for one, so it gets an apostrophe (OWASP, CSV injection). */
function csvLine(values: readonly (string | number | undefined)[]): string {
  const cells = values.map((value = "") => {
    const text = String(value).replace(/^(?=[=@\t\r]|[+-](?!\d+$))/, "'");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${cells.join(",")}\r\n`;
}

export function summaryOf(row: TrackedCall): CallSummary {
  const { call, state, reason, attempts, number, contact, ownerId, activityId, decision, dueAt } = row;
  const { key, installation, provider, phase, direction, outcome, customer, line, startedAt, talkSeconds } =
    call;
  const name = decision?.contact?.id === contact?.id ? decision?.contact?.name : undefined;
  return {
    key,
    installation,
    provider,
    state,
    phase,
    attempts,
    revision: call.revision,
    ...(direction && { direction }),
    ...(outcome && { outcome }),
    ...(customer && { customer }),
    ...(number !== undefined && { number }),
    ...(line !== undefined && { line }),
    ...(startedAt !== undefined && { startedAt }),
    ...(talkSeconds !== undefined && { talkSeconds }),
    ...(reason !== undefined && { reason }),
    ...(contact && { contact: { ...contact, ...(name !== undefined && { name }) } }),
    ...(ownerId !== undefined && { ownerId }),
    ...(activityId !== undefined && { activityId }),
    ...(dueAt !== undefined && { nextTryAt: new Date(dueAt).toISOString() }),
    createdAt: new Date(row.createdAt).toISOString(),
    updatedAt: new Date(row.updatedAt).toISOString(),
  };
}

/** The region of the installation, or of the first one, for national numbers. */
function regionOf({ installations, config }: Parts, name: string | undefined): string {
  const settings = name === undefined ? config.installations[0] : installations.get(name)?.settings;
  return settings?.region ?? "US";
}
