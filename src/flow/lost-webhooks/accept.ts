import type { CallEvent, FoldedCall } from "../../core/call.ts";
import { canonical, fold } from "../../core/fold.ts";
import { reasonOf } from "../../core/mask.ts";
import type { Delivery, Provider } from "../../core/provider.ts";
import { withoutUnwanted } from "../../core/recording.ts";
import { inParts } from "../../lib/pace.ts";
import type { CallGroup } from "../../store/contract.ts";
import { readDelivery } from "../calls/read-delivery.ts";
import type { Flow, Installation } from "../installation.ts";

export type Accepted = {
  /** Calls without any webhook. */
  missed: number;
  /** Calls that lacked something. */
  mended: number;
  /** Ids of calls that have not ended. */
  going: string[];
};

/** Answers whose calls are read from the store together. */
const answersAtOnce = 50;

type ReadAnswer = { delivery: Delivery; events: CallEvent[]; callId: string };

/**
 * Stores what a provider's API returned, as if webhooks had brought it; known facts are left out. `until` (ms): calls that
 * changed after that are left for later, because their webhooks may be on the way.
 */
export async function acceptPolled(
  flow: Flow,
  installation: Installation,
  provider: Provider,
  { deliveries, until = Number.POSITIVE_INFINITY }: { deliveries: readonly Delivery[]; until?: number },
): Promise<Accepted> {
  const accepted: Accepted = { missed: 0, mended: 0, going: [] };
  for (const part of inParts(deliveries, answersAtOnce)) {
    const answers = part
      .flatMap((delivery) => read(flow, provider, delivery) ?? [])
      .filter(({ events }) => newest(events) <= until);
    const groups = await flow.store.groupsOf(
      installation.settings.name,
      answers.map(({ callId }) => ({ provider: provider.id, callId })),
    );
    const news: Delivery[] = [];
    for (const [callId, same] of Map.groupBy(answers, (answer) => answer.callId)) {
      const events = same.flatMap((answer) => answer.events);
      const group = groups.find(({ row }) => row.call.legs.includes(callId));
      if (fold(events).phase !== "ended") accepted.going.push(callId);
      if (!isNews(installation, group, events)) continue;
      accepted[group ? "mended" : "missed"] += 1;
      news.push(...same.map(({ delivery }) => delivery));
    }
    await Promise.all(news.map((delivery) => flow.store.append(delivery)));
  }
  if (accepted.missed > 0) flow.meter.reconciled(provider.id, "missed", accepted.missed);
  if (accepted.mended > 0) flow.meter.reconciled(provider.id, "mended", accepted.mended);
  return accepted;
}

/** A row that cannot be read does not affect the others. */
function read(flow: Flow, provider: Provider, delivery: Delivery): ReadAnswer | undefined {
  try {
    const { events } = readDelivery(provider, delivery);
    const callId = events[0]?.callId;
    return callId === undefined ? undefined : { delivery, events, callId };
  } catch (error) {
    const facts = { installation: delivery.installation, provider: provider.id, reason: reasonOf(error) };
    flow.limitedLog.seldom("error", facts, "a call from the provider's API cannot be read; it is left out");
    return undefined;
  }
}

function newest(events: readonly CallEvent[]): number {
  const times = events.flatMap(({ facts }) => [facts.startedAt, facts.answeredAt, facts.endedAt]);
  return Math.max(...times.map((time) => Date.parse(time ?? "") || 0));
}

/** Whether these events change more of a call than its custom facts. A call without events was erased, and stays so. */
function isNews(
  { settings }: Installation,
  group: CallGroup | undefined,
  events: readonly CallEvent[],
): boolean {
  if (!group) return true;
  if (group.events.length === 0) return false;
  const factsOf = (call: FoldedCall) =>
    canonical({ ...withoutUnwanted(settings, call), custom: null, reason: null });
  return factsOf(fold(group.events)) !== factsOf(fold([...group.events, ...events]));
}
