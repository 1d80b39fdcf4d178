import { endLimits, eventLimits } from "../../core/call.ts";
import type { CallSize, StoredDelivery } from "../../store/contract.ts";
import type { Flow } from "../installation.ts";
import { type DecodedEvent, legsOf } from "./gather.ts";

export type WithinLimits = {
  fitting: DecodedEvent[];
  /** Deliveries with events that exceed the limits. */
  beyond: ReadonlySet<number>;
  /** The size of the stored events that are folded with `fitting`. */
  bytes: number;
};

type Calls = { legs: string[]; events: number; bytes: number; stored: number };

/**
 * The new events that fit into their calls. An event that would join calls into one that is too large does not fit: the
 * calls stay apart. Events that a replayed delivery gave before come first, then ends of calls, then all others.
 */
export async function withinLimits(
  { store }: Pick<Flow, "store">,
  installation: string,
  provider: string,
  { decoded, replayed }: { decoded: readonly DecodedEvent[]; replayed: readonly StoredDelivery[] },
): Promise<WithinLimits> {
  const legs = [...new Set(decoded.flatMap(({ event }) => legsOf(event)))];
  const sizes = await store.sizesOf(
    installation,
    legs.map((callId) => ({ provider, callId })),
    replayed.map(({ id }) => id),
  );
  const calls = callsByLeg(sizes);
  const counted = new Set(replayed.flatMap((delivery) => (delivery.counted ? delivery.id : [])));
  const rank = (item: DecodedEvent) => (counted.has(item.delivery) ? 0 : isEnd(item) ? 1 : 2);
  const fitting = new Set<DecodedEvent>();
  for (const item of decoded.toSorted((a, b) => rank(a) - rank(b))) {
    const limits = rank(item) < 2 ? endLimits : eventLimits;
    const joined = join(calls, item);
    if (joined.events > 1 && (joined.events > limits.events || joined.bytes > limits.bytes)) continue;
    fitting.add(item);
    for (const leg of joined.legs) calls.set(leg, joined);
  }
  const touched = new Set([...fitting].flatMap(({ event }) => calls.get(event.callId) ?? []));
  return {
    fitting: decoded.filter((item) => fitting.has(item)),
    beyond: new Set(decoded.filter((item) => !fitting.has(item)).map(({ delivery }) => delivery)),
    bytes: [...touched].reduce((sum, { stored }) => sum + stored, 0),
  };
}

function isEnd({ event }: DecodedEvent): boolean {
  return event.phase === "ended";
}

function callsByLeg(sizes: readonly CallSize[]): Map<string, Calls> {
  const byRow = Map.groupBy(sizes, ({ call }) => call);
  const calls = [...byRow.values()].flatMap((same): [string, Calls][] => {
    const { events, bytes } = same[0] ?? { events: 0, bytes: 0 };
    const one = { legs: same.map(({ leg }) => leg.callId), events, bytes, stored: bytes };
    return one.legs.map((leg) => [leg, one]);
  });
  return new Map(calls);
}

/** The calls of an event's legs together with it. */
function join(calls: ReadonlyMap<string, Calls>, { event }: DecodedEvent): Calls {
  const legs = legsOf(event);
  const joined = [...new Set(legs.flatMap((leg) => calls.get(leg) ?? []))];
  const sum = (part: "events" | "bytes" | "stored") => joined.reduce((total, one) => total + one[part], 0);
  return {
    legs: [...new Set([...legs, ...joined.flatMap((one) => one.legs)])],
    events: sum("events") + 1,
    bytes: sum("bytes") + Buffer.byteLength(JSON.stringify(event)),
    stored: sum("stored"),
  };
}
