import type { FoldedCall } from "../../core/call.ts";
import { ProviderError } from "../../core/errors.ts";
import type { Delivery, PollContext, Polling, Span } from "../../core/provider.ts";
import { isCallId, type JsonObject, textAt } from "../../lib/body.ts";
import { inParts } from "../../lib/pace.ts";
import { polledDelivery } from "../../lib/provider-api.ts";
import { callById, callPath, listPath, requestPage } from "./api.ts";
import { timeAt } from "./facts.ts";
import { isOver, neverConnected } from "./outcome.ts";
import type { RetellSettings } from "./settings.ts";
import { listedEvent } from "./wire.ts";

/** Parallel requests for single calls. Retell publishes no limit for its API. */
const parallel = 4;

/**
 * Polls Retell's API. Its list omits the transcripts, so an ended call that is not known in full is also requested by
 * itself. Not verified: whether the list includes calls that never connected and have no `start_timestamp`.
 */
export const polling: Polling<RetellSettings> = {
  // Webhooks are signed with a key of the API.
  lacks: () => undefined,
  // Retell stores calls until they are deleted or the agent's retention ends.
  historyDays: 365,
  calls,
  callsAtOnce: 20,
  callsAgain,
};

async function* calls(
  settings: RetellSettings,
  span: Span,
  context: PollContext,
): AsyncGenerator<Delivery[], void> {
  const seen = new Set<string>();
  const keys = new Set<string>();
  for (let key: string | undefined; !context.signal?.aborted; ) {
    const page = await requestPage(settings, span, key, context.signal);
    const rows = new Map<string, JsonObject>();
    for (const row of page.rows) {
      const id = idOf(row);
      if (id !== undefined && !seen.has(id) && isWithin(row, span)) rows.set(id, row);
    }
    for (const id of rows.keys()) seen.add(id);
    const known = await context.known?.([...rows.keys()]);
    const deliveries = await atOnce([...rows], async ([id, row]) => {
      const whole =
        leavesOut(row) && !isComplete(known?.get(id))
          ? await callById(settings, id, context.signal)
          : undefined;
      return deliveryOf(whole ?? row, whole ? callPath(id) : listPath, context);
    });
    if (deliveries.length > 0) yield deliveries;
    if (page.next === undefined) return;
    if (keys.has(page.next))
      throw new ProviderError("later", "Retell's API gives the same page of calls again and again");
    keys.add(page.next);
    key = page.next;
  }
}

async function callsAgain(
  settings: RetellSettings,
  calls: readonly { callId: string }[],
  context: PollContext,
): Promise<Delivery[]> {
  const found = await atOnce(calls, async ({ callId }) => {
    const call = await callById(settings, callId, context.signal);
    return call ? [deliveryOf(call, callPath(callId), context)] : [];
  });
  return found.flat();
}

async function atOnce<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const done: R[] = [];
  for (const part of inParts(items, parallel)) done.push(...(await Promise.all(part.map(work))));
  return done;
}

function idOf(row: JsonObject): string | undefined {
  const id = row["call_id"];
  return typeof id === "string" && id.trim() === id && id !== "" && isCallId(id) ? id : undefined;
}

/** The request covers a little more than the span; a call without a start is included rather than lost. */
function isWithin(row: JsonObject, { since, until }: Span): boolean {
  const start = Date.parse(timeAt(row, "start_timestamp") ?? "");
  return Number.isNaN(start) || (start >= Date.parse(since) && start < Date.parse(until));
}

/** Whether webhooks have delivered all that the single call would. */
function isComplete(call: FoldedCall | undefined): boolean {
  return call?.phase === "ended" && call.transcript !== undefined && call.summary !== undefined;
}

function leavesOut(row: JsonObject): boolean {
  if (Object.hasOwn(row, "transcript") || !isOver(row)) return false;
  return !neverConnected(textAt(row, "disconnection_reason"));
}

function deliveryOf(call: JsonObject, url: string, context: PollContext): Delivery {
  return polledDelivery("retell", url, { event: listedEvent, call }, context);
}
