import { setTimeout } from "node:timers/promises";
import { type Call, callKey, endLimits, overLimits, turnBytes } from "../../core/call.ts";
import { foldCall } from "../../core/customer.ts";
import { StoreError } from "../../core/errors.ts";
import { reasonOf } from "../../core/mask.ts";
import { identityOf } from "../../core/phone.ts";
import type { Provider } from "../../core/provider.ts";
import { withoutUnwanted } from "../../core/recording.ts";
import type { Decoding } from "../../core/runtime.ts";
import { eachInTurn, inParts } from "../../lib/pace.ts";
import type {
  CallGroup,
  DecodedCall,
  DecodedDelivery,
  LineProgress,
  StoredDelivery,
} from "../../store/contract.ts";
import type { Flow } from "../installation.ts";
import { audioAt, dueness, pollAt } from "./due.ts";
import { type DecodedEvent, type Gathering, groupByLegs, legsOf, withoutEventsFrom } from "./gather.ts";
import { linesAndEnds, type OwnLines, ownLines } from "./own-lines.ts";
import { readDelivery } from "./read-delivery.ts";
import { type WithinLimits, withinLimits } from "./within-limits.ts";

/** Other work that decoded calls give: lines that were learned, for which earlier calls may change, and recordings. */
type DecodedWork = readonly ("lines" | "recordings")[];

/** `taken`: how many deliveries a turn handled; 0 when there were none. `isFull`: there may be more that arrived before it. */
type DecodedTurn = { taken: number; isFull: boolean; work: DecodedWork };

function workOf(calls: readonly DecodedCall[]): DecodedWork {
  const hasLines = calls.some(({ lines = [] }) => lines.length > 0);
  // The recording of a merged leg is removed.
  const hasRecordings = calls.some(({ audioAt, absorbed }) => audioAt !== undefined || absorbed.length > 0);
  return [...(hasLines ? (["lines"] as const) : []), ...(hasRecordings ? (["recordings"] as const) : [])];
}

/** Decodes what has arrived, folds it into calls and marks the calls that are due, in one transaction. */
export async function decodeNew(
  flow: Flow,
  installation: Decoding,
  providers: Readonly<Record<string, Provider>>,
  limit: number,
): Promise<DecodedTurn> {
  const deliveries = await flow.store.newDeliveries(installation.settings.name, limit);
  if (deliveries.length === 0) return { taken: 0, isFull: false, work: [] };
  const read = await eachInTurn(deliveries, (delivery) => readOne(flow, providers, delivery));
  const work = await foldBatch(flow, installation, read);
  const bytes = deliveries.reduce((sum, { body }) => sum + body.length, 0);
  return { taken: deliveries.length, isFull: deliveries.length >= limit || bytes >= turnBytes, work };
}

/** Deliveries of large calls are folded in parts, to limit how many large calls are in memory at once. */
async function foldBatch(
  flow: Flow,
  installation: Decoding,
  read: readonly ReadDelivery[],
): Promise<DecodedWork> {
  const work: DecodedWork[number][] = [];
  const fitting = await fittingEvents(flow, installation, read);
  const bytes = fitting.reduce((sum, one) => sum + one.bytes, 0);
  if (read.length > 1 && bytes > endLimits.bytes) {
    for (const half of inParts(read, Math.ceil(read.length / 2)))
      work.push(...(await foldBatch(flow, installation, half)));
    return work;
  }
  try {
    return await foldTogether(flow, installation, read, fitting);
  } catch (error) {
    await stopAtStore(flow, error);
    for (const one of read) work.push(...(await foldAlone(flow, installation, one)));
    return work;
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
): Promise<DecodedWork> {
  const { name } = installation.settings;
  const notes = new Map(read.map(({ note }) => [note.id, note]));
  const calls: DecodedCall[] = [];
  for (const { provider, fitting: events, beyond } of fitting) {
    calls.push(
      ...(await foldInto(flow, installation, provider, { decoded: events, replayed: replayedOf(read) })),
    );
    for (const id of beyond) {
      const note = notes.get(id);
      const count = events.filter(({ delivery }) => delivery === id).length;
      if (note) notes.set(id, { ...note, events: count, fault: overLimits });
    }
    if (beyond.size > 0) flow.limitedLog.seldom("warn", { installation: name, provider }, overLimits);
  }
  await saveDecoded(flow, name, { deliveries: [...notes.values()], calls });
  return workOf(calls);
}

type Turn = { deliveries: DecodedDelivery[]; calls: DecodedCall[]; line?: LineProgress };

/** Stores what was decoded and publishes the changed calls. */
async function saveDecoded(
  { store, publish }: Flow,
  installation: string,
  { deliveries, calls, line }: Turn,
): Promise<void> {
  await store.saveDecoded(installation, deliveries, calls, line);
  publish(
    calls.map(({ call: { key, phase, revision }, state }) => ({ key, installation, state, phase, revision })),
  );
}

/** A delivery that cannot be folded or saved must not block those after it. It gets three attempts. */
async function foldAlone(flow: Flow, installation: Decoding, one: ReadDelivery): Promise<DecodedWork> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await foldTogether(flow, installation, [one], await fittingEvents(flow, installation, [one]));
    } catch (error) {
      await stopAtStore(flow, error);
      if (attempt < 3) await setTimeout(250 * attempt);
      else {
        await setAside(flow, installation, one.delivery, error);
        return [];
      }
    }
  }
}

/**
 * An error of the store is not the fault of the delivery: it stops the lane, which retries. The exception is a value that
 * an undamaged store refuses.
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
    "a delivery could not be decoded; it stays stored, and a later version retries it",
  );
  await store.saveDecoded(name, [{ id, digest, kind: "fault", events: 0, fault: reasonOf(error) }], []);
}

/** What one delivery says; without events when it repeats an earlier one, or cannot be decoded. */
type ReadDelivery = { delivery: StoredDelivery; note: DecodedDelivery; events?: DecodedEvent[] };

/** A delivery that cannot be decoded is stored with its fault and does not affect others. */
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
      "a delivery could not be decoded; it stays stored",
    );
    return { delivery, note: { id, digest, kind: "fault", events: 0, fault: reasonOf(error) } };
  }
}

/**
 * Folds the calls of a line again that became known after them, a part of them in one transaction. False when none are
 * left.
 */
export async function settleLine(flow: Flow, installation: Decoding): Promise<boolean> {
  const { name } = installation.settings;
  const open = await flow.store.openLine(name);
  if (!open) return false;
  const { provider, number } = open;
  const { callIds, openBefore } = await flow.store.callsBetween(name, provider, number, open.openBefore);
  const calls = await foldInto(flow, installation, provider, { again: callIds });
  const line = { provider, number, ...(openBefore !== undefined && { openBefore }) };
  await saveDecoded(flow, name, { deliveries: [], calls, line });
  return true;
}

type ToFold = {
  /** New events. */
  decoded?: readonly DecodedEvent[];
  /** Deliveries whose earlier events no longer count. */
  replayed?: readonly number[];
  /** Legs of calls to fold again although nothing new came for them. */
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
  // One after another: together they may not fit in memory.
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
  // A leg that was merged away may turn out to be the survivor: then its row is used again.
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
  const poll = pollAt(call, installation, flow.now());
  const audio = audioAt(call, settings, flow.now());
  return {
    call,
    events: [...added],
    absorbed,
    ...(row && { row }),
    ...(number && { number }),
    ...(poll !== undefined && { pollAt: poll }),
    ...(audio !== undefined && { audioAt: audio }),
    ...linesAndEnds(lines, settings.region, events, news),
    ...dueness(call, row?.state === "merged" ? undefined : row, settings, flow.now()),
  };
}
