import type { CallEvent, FoldedCall } from "../../core/call.ts";
import type { Delivery, Provider } from "../../core/contracts.ts";
import { canonical, fold } from "../../core/fold.ts";
import { reasonOf } from "../../core/mask.ts";
import { withoutUnwanted } from "../../core/recording-policy.ts";
import { inParts } from "../../lib/pace.ts";
import type { CallGroup } from "../../store/contract.ts";
import { readDelivery } from "../calls/read-delivery.ts";
import type { Flow, Installation } from "../installation.ts";

/** `missed`: calls that no webhook told of. `mended`: calls that lacked something. `going`: ids of calls that go on. */
export type TakenIn = { missed: number; mended: number; going: string[] };

/** Answers that are looked at in one go: their calls are read from the store together. */
const answersAtOnce = 50;

type ReadAnswer = { delivery: Delivery; events: CallEvent[]; callId: string };

/**
 * Takes in what a provider's API told, as if it had come by itself; what is known already is left out. `until` (ms): calls
 * with news after that are left for later, because their webhooks may be on the way.
 */
export async function takeIn(
  flow: Flow,
  installation: Installation,
  provider: Provider,
  { deliveries, until = Number.POSITIVE_INFINITY }: { deliveries: readonly Delivery[]; until?: number },
): Promise<TakenIn> {
  const taken: TakenIn = { missed: 0, mended: 0, going: [] };
  for (const part of inParts(deliveries, answersAtOnce)) {
    const answers = part
      .flatMap((delivery) => read(flow, provider, delivery) ?? [])
      .filter(({ events }) => newest(events) <= until);
    const groups = await flow.store.groupsOf(
      installation.settings.name,
      answers.map(({ callId }) => ({ provider: provider.id, callId })),
    );
    const news: Delivery[] = [];
    for (const [callId, told] of Map.groupBy(answers, (answer) => answer.callId)) {
      const events = told.flatMap((answer) => answer.events);
      const group = groups.find(({ row }) => row.call.legs.includes(callId));
      if (fold(events).phase !== "ended") taken.going.push(callId);
      if (!isNews(installation, group, events)) continue;
      taken[group ? "mended" : "missed"] += 1;
      news.push(...told.map(({ delivery }) => delivery));
    }
    await Promise.all(news.map((delivery) => flow.store.append(delivery)));
  }
  if (taken.missed > 0) flow.meter.reconciled(provider.id, "missed", taken.missed);
  if (taken.mended > 0) flow.meter.reconciled(provider.id, "mended", taken.mended);
  return taken;
}

/** One row that cannot be read never stops its neighbours. */
function read(flow: Flow, provider: Provider, delivery: Delivery): ReadAnswer | undefined {
  try {
    const { events } = readDelivery(provider, delivery);
    const callId = events[0]?.callId;
    return callId === undefined ? undefined : { delivery, events, callId };
  } catch (error) {
    const facts = { installation: delivery.installation, provider: provider.id, reason: reasonOf(error) };
    flow.limitedLog.seldom(
      "error",
      facts,
      "a call that the provider's API told of cannot be read; it is left out",
    );
    return undefined;
  }
}

function newest(events: readonly CallEvent[]): number {
  const times = events.flatMap(({ facts }) => [facts.startedAt, facts.answeredAt, facts.endedAt]);
  return Math.max(...times.map((time) => Date.parse(time ?? "") || 0));
}

/** Whether these events change a call in more than its custom facts. A call without any was erased: it stays so. */
function isNews(
  { settings }: Installation,
  group: CallGroup | undefined,
  events: readonly CallEvent[],
): boolean {
  if (!group) return true;
  if (group.events.length === 0) return false;
  const told = (call: FoldedCall) =>
    canonical({ ...withoutUnwanted(settings, call), custom: null, reason: null });
  return told(fold(group.events)) !== told(fold([...group.events, ...events]));
}
