import { Rejected } from "../core/errors.ts";
import type { TrackedCall } from "../core/tracked-call.ts";
import { explainCall } from "../flow/explain/explain.ts";
import type { Parts } from "../server/assemble.ts";
import type { CallFilter, DeliveryNote } from "../store/contract.ts";
import { callQuery, noQuery, numberToFilter, pageQuery, unusedQuery } from "./query.ts";
import { adminRoute, pathParameter, type Route } from "./route.ts";

const defaultLimit = 50;

/** Calls, one call, calls that wait for somebody, and deliveries that nobody could use. */
export function callRoutes(parts: Parts): Route[] {
  const { flow, installations } = parts;
  const { store } = flow;

  return [
    adminRoute("get", "/api/calls", callQuery, async (_, response, { cursor, number, ...filter }) => {
      const region = regionOf(parts, filter.installation);
      const wanted = { ...filter, ...(number !== undefined && { number: numberToFilter(number, region) }) };
      response.json(await page(parts, wanted, cursor, filter.limit));
    }),

    adminRoute("get", "/api/calls/:key", noQuery, async (request, response) => {
      const key = pathParameter(request, "key");
      const explained = await explainCall(store, key);
      if (!explained) throw noSuchCall(key);
      const { call, events, deliveries, history, ...explanation } = explained;
      response.json({ call, events, explanation, deliveries, history });
    }),

    adminRoute("post", "/api/calls/:key/retry", noQuery, async (request, response) => {
      const key = pathParameter(request, "key");
      const found = await store.call(key);
      if (!found) throw noSuchCall(key);
      const { installation } = found.row.call;
      if (!installations.has(installation)) {
        throw new Rejected(
          409,
          `installation ${installation} is not in the configuration any more: add it again, then retry`,
        );
      }
      if (!(await store.retry(key, flow.now()))) throw new Rejected(409, whyNoRetry(found.row));
      parts.wake(installation);
      response.status(202).json({ key, state: "waiting" });
    }),

    adminRoute("get", "/api/dead", pageQuery, async (_, response, { cursor, ...filter }) => {
      response.json(await page(parts, { ...filter, state: "dead" }, cursor, filter.limit));
    }),

    adminRoute("get", "/api/unused", unusedQuery, async (_, response, { limit, installation }) => {
      const notes: DeliveryNote[] = await store.unusedDeliveries(limit ?? defaultLimit, installation);
      response.json({ items: notes });
    }),
  ];
}

/** `next`: the cursor of the page after this one, when there is one. */
async function page(
  { flow }: Parts,
  filter: Partial<CallFilter>,
  before: number | undefined,
  limit = defaultLimit,
): Promise<{ items: CallSummary[]; next?: string }> {
  const asked: CallFilter = { ...filter, limit: limit + 1, ...(before !== undefined && { before }) };
  const rows = await flow.store.calls(asked);
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items: items.map(summaryOf), ...(rows.length > limit && last && { next: String(last.id) }) };
}

export type CallSummary = ReturnType<typeof summaryOf>;

/** A call in a list: without its texts, which can be long. */
export function summaryOf(row: TrackedCall) {
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

function noSuchCall(key: string): Rejected {
  return new Rejected(
    404,
    `there is no call ${JSON.stringify(key.slice(0, 200))}: GET /api/calls lists them`,
  );
}

function whyNoRetry({ state, mergedInto }: TrackedCall): string {
  if (state === "merged" || mergedInto !== undefined) {
    return "this leg belongs to another call: GET /api/calls/<key> says which one; retry that";
  }
  return "this call is not over yet: it is logged by itself when it ends";
}

/** National numbers are read as the installation's own, or as the first one's. */
function regionOf({ installations, config }: Parts, name: string | undefined): string {
  const settings = name === undefined ? config.installations[0] : installations.get(name)?.settings;
  return settings?.region ?? "US";
}
