import { setTimeout } from "node:timers/promises";
import { type Call, type CallEvent, callKey } from "../core/call.ts";
import type { Provider } from "../core/contracts.ts";
import { foldCall } from "../core/customer.ts";
import { StoreError } from "../core/errors.ts";
import { reasonOf } from "../core/mask.ts";
import { identityOf } from "../core/phone.ts";
import type { InstallationSettings } from "../core/settings.ts";
import { eachInTurn } from "../lib/pace.ts";
import type {
  CallGroup,
  CallRow,
  CallState,
  DecodedCall,
  DecodedDelivery,
  StoredDelivery,
} from "../store/contract.ts";
import { askAt, audioAt } from "./asks.ts";
import { readDelivery } from "./events.ts";
import type { Decoding, Flow } from "./installation.ts";
import { linesAndEnds, type OwnLines, ownLines } from "./own-lines.ts";
import { withoutUnwanted } from "./recording-policy.ts";

type DecodedEvent = { event: CallEvent; delivery: number };

/**
 * Decodes what has arrived, folds it into calls and marks the calls that are due. One transaction.
 * Returns how many deliveries it went through; none means that there are no more.
 */
export async function decodeNew(
  flow: Flow,
  installation: Decoding,
  providers: Readonly<Record<string, Provider>>,
  limit: number,
): Promise<number> {
  const deliveries = await flow.store.newDeliveries(installation.settings.name, limit);
  if (deliveries.length === 0) return 0;
  try {
    await decodeTogether(flow, installation, providers, deliveries);
  } catch (error) {
    await stopAtStore(flow, error);
    for (const delivery of deliveries) await decodeAlone(flow, installation, providers, delivery);
  }
  return deliveries.length;
}

async function decodeTogether(
  flow: Flow,
  installation: Decoding,
  providers: Readonly<Record<string, Provider>>,
  deliveries: readonly StoredDelivery[],
): Promise<void> {
  const events = new Map<string, DecodedEvent[]>();
  const notes = await eachInTurn(deliveries, (delivery) => decodeOne(flow, providers, delivery, events));
  const replayed = deliveries.filter(({ again }) => again).map(({ id }) => id);
  const calls: DecodedCall[] = [];
  for (const [provider, decoded] of events)
    calls.push(...(await foldInto(flow, installation, provider, { decoded, replayed })));
  await flow.store.saveDecoded(installation.settings.name, notes, calls);
}

/** One delivery that cannot be folded or saved must not hold up all that come after it. It gets three tries. */
async function decodeAlone(
  flow: Flow,
  installation: Decoding,
  providers: Readonly<Record<string, Provider>>,
  delivery: StoredDelivery,
): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await decodeTogether(flow, installation, providers, [delivery]);
    } catch (error) {
      await stopAtStore(flow, error);
      if (attempt < 3) await setTimeout(250 * attempt);
      else return setAside(flow, installation, delivery, error);
    }
  }
}

/**
 * An error of the store is no fault of the delivery: the lane stops with it, and tries again. Values that a store in good order
 * refuses are the one exception.
 */
async function stopAtStore({ store }: Flow, error: unknown): Promise<void> {
  if (!(error instanceof StoreError)) return;
  if (error.fault !== "refused" || (await store.damage()).length > 0) throw error;
}

async function setAside(
  { log, store }: Flow,
  { settings: { name } }: Decoding,
  { id, digest, provider }: StoredDelivery,
  error: unknown,
): Promise<void> {
  log.error(
    { delivery: id, provider, err: error },
    "a delivery could not be decoded; it is kept, and tried again by a later version",
  );
  await store.saveDecoded(name, [{ id, digest, kind: "fault", events: 0, fault: reasonOf(error) }], []);
}

/** A delivery that cannot be decoded is kept with its fault, and never stops its neighbours. */
function decodeOne(
  { log }: Flow,
  providers: Readonly<Record<string, Provider>>,
  delivery: StoredDelivery,
  events: Map<string, DecodedEvent[]>,
): DecodedDelivery {
  const { id, digest, repeatOf, again } = delivery;
  if (repeatOf !== undefined) return { id, digest, kind: "repeat", events: 0, repeatOf };
  try {
    const { kind, events: decoded } = readDelivery(providers[delivery.provider], delivery);
    const list = events.get(delivery.provider) ?? [];
    events.set(delivery.provider, list);
    for (const event of decoded) list.push({ event, delivery: id });
    return { id, digest, kind, events: decoded.length, ...(again && { again }) };
  } catch (error) {
    log.error(
      { delivery: id, provider: delivery.provider, err: error },
      "a delivery could not be decoded; it is kept",
    );
    return { id, digest, kind: "fault", events: 0, fault: reasonOf(error) };
  }
}

/**
 * Folds again the calls of a line that became known after them, a part of them in one transaction. False when no line
 * has any left.
 */
export async function settleLine(flow: Flow, installation: Decoding): Promise<boolean> {
  const { name } = installation.settings;
  const open = await flow.store.openLine(name);
  if (!open) return false;
  const { provider, number } = open;
  const { callIds, openBefore } = await flow.store.callsBetween(name, provider, number, open.openBefore);
  const calls = await foldInto(flow, installation, provider, { again: callIds });
  const line = { provider, number, ...(openBefore !== undefined && { openBefore }) };
  await flow.store.saveDecoded(name, [], calls, line);
  return true;
}

/**
 * `decoded`: new events. `replayed`: deliveries whose earlier events no longer count. `again`: legs of calls that are folded
 * once more although nothing new came for them.
 */
type ToFold = {
  decoded?: readonly DecodedEvent[];
  replayed?: readonly number[];
  again?: readonly string[];
};

/** Adds new events to the calls they belong to, merging calls whose legs turned out to be one. */
async function foldInto(
  flow: Flow,
  installation: Decoding,
  provider: string,
  { decoded = [], replayed = [], again = [] }: ToFold,
): Promise<DecodedCall[]> {
  const lines = await ownLines(
    flow,
    installation,
    provider,
    decoded.map(({ event }) => event),
  );
  const legs = new Set([...decoded.flatMap(({ event }) => legsOf(event)), ...lines.affected, ...again]);
  const stored = await flow.store.groupsOf(
    installation.settings.name,
    [...legs].map((callId) => ({ provider, callId })),
    replayed,
  );
  const own = stored.filter(({ row }) => row.call.provider === provider);
  const gathered = groupByLegs(withoutEventsFrom(own, new Set(replayed)), decoded).filter(
    ({ groups, added }) => added.length > 0 || groups.some(({ events }) => events.length > 0),
  );
  return eachInTurn(gathered, (gathering) => foldGroup(flow, installation, gathering, { provider, lines }));
}

/** What a replayed delivery said before no longer counts: it may have been decoded wrongly. */
function withoutEventsFrom(groups: readonly CallGroup[], replayed: ReadonlySet<number>): CallGroup[] {
  if (replayed.size === 0) return [...groups];
  return groups.map(({ row, events, from }) => ({
    row,
    events: events.filter((_, i) => !replayed.has(from[i] ?? 0)),
    from: from.filter((delivery) => !replayed.has(delivery)),
  }));
}

function legsOf({ callId, sameCallAs }: CallEvent): string[] {
  return sameCallAs === undefined ? [callId] : [callId, sameCallAs];
}

type Gathering = { groups: CallGroup[]; added: DecodedEvent[] };

/** Which stored calls and new events belong together, by the legs they share. */
function groupByLegs(stored: readonly CallGroup[], decoded: readonly DecodedEvent[]): Gathering[] {
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

async function foldGroup(
  flow: Flow,
  installation: Decoding,
  { groups, added }: Gathering,
  { provider, lines }: { provider: string; lines: OwnLines },
): Promise<DecodedCall> {
  const { settings } = installation;
  const news = added.map(({ event }) => event);
  const events = [...groups.flatMap(({ events }) => events), ...news];
  const folded = withoutUnwanted(settings, foldCall(events, lines.own));
  const key = callKey(settings.name, provider, folded.callId);
  const own = groups.find((group) => group.row.call.callId === folded.callId);
  // A leg that was merged away may turn out to be the survivor after all: its row comes back.
  const row = (own ?? (groups.length > 0 ? await flow.store.call(key) : undefined))?.row;
  const absorbed = groups.map((group) => group.row).filter((other) => other !== row);
  const base: Call = {
    ...folded,
    key,
    installation: settings.name,
    provider,
    revision: row?.call.revision ?? 0,
  };
  const changed =
    row === undefined || absorbed.length > 0 || JSON.stringify(base) !== JSON.stringify(row.call);
  const call = changed ? { ...base, revision: base.revision + 1 } : base;
  const number = identityOf(call.customer?.number, settings.region);
  const ask = askAt(call, installation, flow.now());
  const audio = audioAt(call, settings, flow.now());
  return {
    call,
    events: [...added],
    absorbed,
    ...(row && { row }),
    ...(number && { number }),
    ...(ask !== undefined && { askAt: ask }),
    ...(audio !== undefined && { audioAt: audio }),
    ...linesAndEnds(lines, settings.region, events, news),
    ...dueness(call, row?.state === "merged" ? undefined : row, settings, flow.now()),
  };
}

/**
 * A call is due once it is over, after a pause in which late facts may ride along, and again whenever it changed after
 * it was saved. A call that waits already keeps its place.
 */
function dueness(
  call: Call,
  row: CallRow | undefined,
  settings: InstallationSettings,
  now: number,
): { state: CallState; dueAt?: number; reason?: string } {
  const kept = {
    ...(row?.dueAt !== undefined && { dueAt: row.dueAt }),
    ...(row?.reason && { reason: row.reason }),
  };
  if (row?.state === "gone") return { state: "gone", ...kept };
  if (call.direction === "internal" && !settings.logInternalCalls && !row?.activityId) {
    return { state: "ignored", reason: "an internal call; set logInternalCalls to log these" };
  }
  if (call.phase !== "ended") return { state: row?.state ?? "open", ...kept };
  const settled = now + settings.settleSeconds * 1000;
  if (row === undefined || row.state === "open" || row.state === "ignored")
    return { state: "waiting", dueAt: settled };
  if (call.revision === row.call.revision) return { state: row.state, ...kept };
  return { state: row.state === "dead" ? "waiting" : row.state, dueAt: row.dueAt ?? settled };
}
