import { setTimeout } from "node:timers/promises";
import { type Call, callKey } from "../../core/call.ts";
import { endLimits, overLimits } from "../../core/call-limits.ts";
import type { Provider } from "../../core/contracts.ts";
import { foldCall } from "../../core/customer.ts";
import { StoreError } from "../../core/errors.ts";
import { reasonOf } from "../../core/mask.ts";
import { identityOf } from "../../core/phone.ts";
import { withoutUnwanted } from "../../core/recording-policy.ts";
import type { Decoding } from "../../core/runtime.ts";
import type { InstallationSettings } from "../../core/settings.ts";
import type { CallState, TrackedCall } from "../../core/tracked-call.ts";
import { eachInTurn, inParts } from "../../lib/pace.ts";
import type { CallGroup, DecodedCall, DecodedDelivery, StoredDelivery } from "../../store/contract.ts";
import type { Flow } from "../installation.ts";
import { askAt, audioAt } from "./due.ts";
import { type DecodedEvent, type Gathering, groupByLegs, legsOf, withoutEventsFrom } from "./gather.ts";
import { linesAndEnds, type OwnLines, ownLines } from "./own-lines.ts";
import { readDelivery } from "./read-delivery.ts";
import { type WithinLimits, withinLimits } from "./within-limits.ts";

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
  const read = await eachInTurn(deliveries, (delivery) => readOne(flow, providers, delivery));
  await foldBatch(flow, installation, read);
  return deliveries.length;
}

/** Deliveries of large calls are taken in parts, so that not all of these calls are in memory at once. */
async function foldBatch(flow: Flow, installation: Decoding, read: readonly ReadDelivery[]): Promise<void> {
  const fitting = await fittingEvents(flow, installation, read);
  const bytes = fitting.reduce((sum, one) => sum + one.bytes, 0);
  if (read.length > 1 && bytes > endLimits.bytes) {
    for (const half of inParts(read, Math.ceil(read.length / 2))) await foldBatch(flow, installation, half);
    return;
  }
  try {
    await foldTogether(flow, installation, read, fitting);
  } catch (error) {
    await stopAtStore(flow, error);
    for (const one of read) await foldAlone(flow, installation, one);
  }
}

/** Of one provider. */
type FittingEvents = WithinLimits & { provider: string };

function fittingEvents(
  flow: Flow,
  { settings }: Decoding,
  read: readonly ReadDelivery[],
): Promise<FittingEvents[]> {
  const replayed = read.flatMap(({ delivery }) => (delivery.again ? delivery : []));
  const byProvider = Map.groupBy(
    read.filter(({ events }) => events),
    ({ delivery }) => delivery.provider,
  );
  return eachInTurn([...byProvider], async ([provider, own]) => {
    const decoded = own.flatMap(({ events = [] }) => events);
    return { provider, ...(await withinLimits(flow, settings.name, provider, { decoded, replayed })) };
  });
}

function replayedOf(read: readonly ReadDelivery[]): number[] {
  return read.flatMap(({ delivery: { id, again } }) => (again ? id : []));
}

async function foldTogether(
  flow: Flow,
  installation: Decoding,
  read: readonly ReadDelivery[],
  fitting: readonly FittingEvents[],
): Promise<void> {
  const { name } = installation.settings;
  const notes = new Map(read.map(({ note }) => [note.id, note]));
  const calls: DecodedCall[] = [];
  for (const { provider, kept, beyond } of fitting) {
    calls.push(
      ...(await foldInto(flow, installation, provider, { decoded: kept, replayed: replayedOf(read) })),
    );
    for (const id of beyond) {
      const note = notes.get(id);
      const events = kept.filter(({ delivery }) => delivery === id).length;
      if (note) notes.set(id, { ...note, events, fault: overLimits });
    }
    if (beyond.size > 0) flow.limitedLog.seldom("warn", { installation: name, provider }, overLimits);
  }
  await flow.store.saveDecoded(name, [...notes.values()], calls);
}

/** One delivery that cannot be folded or saved must not hold up all that come after it. It gets three tries. */
async function foldAlone(flow: Flow, installation: Decoding, one: ReadDelivery): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await foldTogether(flow, installation, [one], await fittingEvents(flow, installation, [one]));
    } catch (error) {
      await stopAtStore(flow, error);
      if (attempt < 3) await setTimeout(250 * attempt);
      else return setAside(flow, installation, one.delivery, error);
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

/** What one delivery says; without events when it repeats an earlier one, or cannot be decoded. */
type ReadDelivery = { delivery: StoredDelivery; note: DecodedDelivery; events?: DecodedEvent[] };

/** A delivery that cannot be decoded is kept with its fault, and never stops its neighbours. */
function readOne(
  { log }: Flow,
  providers: Readonly<Record<string, Provider>>,
  delivery: StoredDelivery,
): ReadDelivery {
  const { id, digest, repeatOf, again } = delivery;
  if (repeatOf !== undefined) return { delivery, note: { id, digest, kind: "repeat", events: 0, repeatOf } };
  try {
    const { kind, events: decoded } = readDelivery(providers[delivery.provider], delivery);
    const events = decoded.map((event) => ({ event, delivery: id }));
    return { delivery, events, note: { id, digest, kind, events: events.length, ...(again && { again }) } };
  } catch (error) {
    log.error(
      { delivery: id, provider: delivery.provider, err: error },
      "a delivery could not be decoded; it is kept",
    );
    return { delivery, note: { id, digest, kind: "fault", events: 0, fault: reasonOf(error) } };
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
  const read = async (legs: Iterable<string>, of: readonly number[] = []): Promise<CallGroup[]> => {
    const wanted = [...legs].map((callId) => ({ provider, callId }));
    const stored = await flow.store.groupsOf(installation.settings.name, wanted, of);
    return stored.filter(({ row }) => row.call.provider === provider);
  };
  const fold = (gathering: Gathering) => foldGroup(flow, installation, gathering, { provider, lines });
  const own = await read(new Set(decoded.flatMap(({ event }) => legsOf(event))), replayed);
  const gathered = groupByLegs(withoutEventsFrom(own, new Set(replayed)), decoded).filter(hasEvents);
  const calls = await eachInTurn(gathered, fold);
  const seen = new Set(own.map(({ row }) => row.id));
  // One after another: together they may be larger than memory.
  const others = await eachInTurn([...new Set([...lines.affected, ...again])], async (leg) => {
    const groups = (await read([leg])).filter(({ row }) => !seen.has(row.id));
    for (const { row } of groups) seen.add(row.id);
    return Promise.all(groupByLegs(groups, []).filter(hasEvents).map(fold));
  });
  return [...calls, ...others.flat()];
}

function hasEvents({ groups, added }: Gathering): boolean {
  return added.length > 0 || groups.some(({ events }) => events.length > 0);
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
  row: TrackedCall | undefined,
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
