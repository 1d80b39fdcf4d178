import { z } from "zod";
import { contactKinds } from "../core/contact.ts";
import { callStates, type TrackedCall } from "../core/tracked-call.ts";
import type { Parts } from "../server/assemble.ts";
import type { CallFilter } from "../store/contract.ts";
import {
  adminRoute,
  badQuery,
  callQuery,
  json,
  numberToFilter,
  pageQuery,
  type Route,
  text,
  time,
  unusedQuery,
} from "./route.ts";
import { deliverySeenBy } from "./seen-by.ts";

const defaultLimit = 50;

export const contactSchema = z.object({
  id: text,
  kind: z.enum(contactKinds),
  name: text.optional(),
});

export const deliverySchema = z
  .object({
    id: z.int(),
    installation: text,
    provider: text,
    receivedAt: time,
    method: text,
    url: text,
    kind: text.optional(),
    state: z.enum(["new", "decoded", "fault"]),
    fault: text.optional(),
    events: z.int(),
    repeats: z.int(),
  })
  .meta({ id: "Delivery" });

const callSummary = z
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

/** Lists of calls, and of deliveries that gave no event. */
export function callListRoutes(parts: Parts): Route[] {
  return [
    adminRoute({
      method: "get",
      path: "/api/calls",
      needs: "view",
      summary: "Calls, the latest first.",
      query: callQuery,
      replies: { 200: json("A page of calls.", callPage), ...badQuery },
      handle: async (_, response, { cursor, number, ...filter }) => {
        const region = regionOf(parts, filter.installation);
        const wanted = { ...filter, ...(number !== undefined && { number: numberToFilter(number, region) }) };
        response.json(await page(parts, wanted, cursor, filter.limit));
      },
    }),

    adminRoute({
      method: "get",
      path: "/api/dead",
      needs: "view",
      summary: "Calls that the CRM refused: correct the reason, then retry them.",
      query: pageQuery,
      replies: { 200: json("A page of calls.", callPage), ...badQuery },
      handle: async (_, response, { cursor, ...filter }) => {
        response.json(await page(parts, { ...filter, state: "dead" }, cursor, filter.limit));
      },
    }),

    adminRoute({
      method: "get",
      path: "/api/unused",
      needs: "view",
      summary: "Deliveries that gave no event: unknown kinds and faults, the latest first.",
      query: unusedQuery,
      replies: { 200: json("Deliveries.", pageOf(deliverySchema)), ...badQuery },
      handle: async (_, response, { limit, installation }, principal) => {
        const found = await parts.flow.store.unusedDeliveries(limit ?? defaultLimit, installation);
        response.json({ items: found.map((delivery) => deliverySeenBy(principal, delivery)) });
      },
    }),
  ];
}

/** `next`: the cursor of the next page, if there is one. */
function pageOf<T extends z.ZodType>(item: T) {
  return z.object({ items: z.array(item), next: text.optional() });
}

async function page(
  { flow }: Parts,
  filter: Partial<CallFilter>,
  before: number | undefined,
  limit = defaultLimit,
): Promise<z.infer<typeof callPage>> {
  const wider: CallFilter = { ...filter, limit: limit + 1, ...(before !== undefined && { before }) };
  const rows = await flow.store.calls(wider);
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items: items.map(summaryOf), ...(rows.length > limit && last && { next: String(last.id) }) };
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
