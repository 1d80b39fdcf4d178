import type { CallEvent } from "../../core/call.ts";
import type { CallGroup } from "../../store/contract.ts";

export type DecodedEvent = { event: CallEvent; delivery: number };

export type Gathering = { groups: CallGroup[]; added: DecodedEvent[] };

export function legsOf({ callId, sameCallAs }: CallEvent): string[] {
  return sameCallAs === undefined ? [callId] : [callId, sameCallAs];
}

/** What a replayed delivery said before no longer counts: it may have been decoded wrongly. */
export function withoutEventsFrom(groups: readonly CallGroup[], replayed: ReadonlySet<number>): CallGroup[] {
  if (replayed.size === 0) return [...groups];
  return groups.map(({ row, events, from }) => ({
    row,
    events: events.filter((_, i) => !replayed.has(from[i] ?? 0)),
    from: from.filter((delivery) => !replayed.has(delivery)),
  }));
}

/** Which stored calls and new events belong together, by the legs they share. */
export function groupByLegs(stored: readonly CallGroup[], decoded: readonly DecodedEvent[]): Gathering[] {
  const byLeg = new Map<string, Gathering>();
  const join = (legs: readonly string[], gathering: Gathering): void => {
    for (const leg of legs) {
      const known = byLeg.get(leg);
      if (known && known !== gathering) {
        gathering.groups.push(...known.groups);
        gathering.added.push(...known.added);
        for (const [other, owner] of byLeg) if (owner === known) byLeg.set(other, gathering);
      }
      byLeg.set(leg, gathering);
    }
  };
  for (const group of stored) join(group.row.call.legs, { groups: [group], added: [] });
  for (const item of decoded) {
    const gathering = byLeg.get(item.event.callId);
    if (gathering && item.event.sameCallAs === undefined) gathering.added.push(item);
    else join(legsOf(item.event), { groups: [], added: [item] });
  }
  return [...new Set(byLeg.values())];
}
