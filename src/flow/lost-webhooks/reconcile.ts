import type { Call } from "../../core/call.ts";
import type { PollContext, Polling, Span } from "../../core/provider.ts";
import type { ConfiguredProvider } from "../../core/runtime.ts";
import { inParts } from "../../lib/pace.ts";
import { patienceMs, whySkipped } from "../calls/due.ts";
import { closingDelivery, silentMs } from "../calls/unknown-end.ts";
import type { Flow, Installation } from "../installation.ts";
import { type Accepted, acceptPolled } from "./accept.ts";

export type Reconciled = {
  /** Calls that the API returned. */
  compared: number;
  /** Calls without any webhook. */
  missed: number;
  /** Calls that lacked something. */
  mended: number;
  /** Calls whose end was never reported. */
  closed: number;
};

export type ReconcileOptions = {
  /** ISO; without it, polling begins `lookBackMs` before the end of the last poll. */
  since?: string;
  lookBackMs?: number;
  /** Only calls that are known to lack something. */
  onlyLacking?: boolean;
  signal?: AbortSignal;
  onPage?: (so: Reconciled) => void;
};

const usualLookBackMs = 90 * 60_000;
/** The time that one poll covers; after a stop, finished spans are not polled again. */
const spanMs = 6 * 3_600_000;
/** Webhooks of younger calls may still be on the way, and their figures are not final. */
const freshMs = 120_000;
/** An open call without an event for this long is polled. */
const quietMs = 600_000;
const callsAtOnce = 100;
/** Between two polls of the same call, by the number of earlier polls. */
const pausesMs = [600_000, 1_800_000, 7_200_000, 21_600_000, 43_200_000];

/**
 * Finds what webhooks left out: polls the provider's API for all calls of the last 90 minutes or since the last poll, and
 * for calls that lack something or have not ended. Where the provider cannot be polled, a call without an event for 6 hours
 * counts as ended. Throws `ProviderError`.
 */
export async function reconcile(
  flow: Flow,
  installation: Installation,
  configured: ConfiguredProvider,
  options: ReconcileOptions = {},
): Promise<Reconciled> {
  const so: Reconciled = { compared: 0, missed: 0, mended: 0, closed: 0 };
  const poll: ReconciledProvider = { flow, installation, so, options, ...configured };
  const mayPoll = whySkipped(installation, configured) === undefined;
  const polling = mayPoll ? configured.provider.polling : undefined;
  if (polling && !options.onlyLacking) await pollSpans(poll, polling);
  if (polling) await pollLacking(poll, polling);
  if (options.onlyLacking) return so;
  const going = new Set(polling ? await pollOpen(poll, polling) : []);
  if (!options.signal?.aborted) await closeSilent(poll, going);
  return so;
}

type ReconciledProvider = ConfiguredProvider & {
  flow: Flow;
  installation: Installation;
  so: Reconciled;
  options: ReconcileOptions;
};

async function pollSpans(poll: ReconciledProvider, polling: Polling): Promise<void> {
  const { flow, installation, provider, options, settings } = poll;
  const place = placeOf(installation.settings.name, provider.id);
  const state = await flow.store.syncState(place);
  const now = flow.now();
  // The first poll does not reach back further than usual: earlier calls are not Switchhook's.
  const lookBackMs = (state.cursor !== undefined && options.lookBackMs) || usualLookBackMs;
  const last = Date.parse(options.since ?? state.cursor ?? "") || now;
  const oldest = now - polling.historyDays * 86_400_000;
  const from = Math.max(oldest, options.since === undefined ? Math.min(last, now) - lookBackMs : last);
  for (let since = from; since < now; since += spanMs) {
    const until = Math.min(since + spanMs, now);
    const span: Span = { since: isoOf(since), until: isoOf(until) };
    for await (const page of polling.calls(settings, span, contextOf(poll))) {
      count(
        poll,
        page.length,
        await acceptPolled(flow, installation, provider, { deliveries: page, until: flow.now() - freshMs }),
      );
    }
    if (options.signal?.aborted) return;
    // A poll of a later span leaves a gap that is still to be polled.
    // A clock that was ahead may have stored a time that no poll reaches.
    const cursor = state.cursor !== undefined && state.cursor <= isoOf(now) ? state.cursor : isoOf(from);
    if (isoOf(from) <= cursor && isoOf(until) > cursor)
      await flow.store.saveSyncState(place, { ...state, cursor: isoOf(until), finishedAt: flow.now() });
  }
}

/** Calls that have ended, but lack their figures or their recording. */
async function pollLacking(poll: ReconciledProvider, polling: Polling): Promise<void> {
  const { flow, installation, provider, options } = poll;
  const { name } = installation.settings;
  while (!options.signal?.aborted) {
    const due = await flow.store.duePolls(name, provider.id, flow.now(), callsAtOnce);
    if (due.length === 0) return;
    for (const part of inParts(due, polling.callsAtOnce)) {
      const calls = part.map(({ row }) => row.call);
      const answers = await polling.callsAgain(poll.settings, calls, contextOf(poll));
      for (const { row, since, attempts } of part)
        await flow.store.postponePolls([row.id], nextPoll(flow.now(), since, attempts));
      count(poll, answers.length, await acceptPolled(flow, installation, provider, { deliveries: answers }));
      if (options.signal?.aborted) return;
    }
  }
}

/** Undefined when no more polls are to follow. */
function nextPoll(now: number, since: number, attempts: number): number | undefined {
  const last = since + patienceMs;
  const next = now + (pausesMs[attempts] ?? patienceMs);
  if (next < last) return next;
  return now < last ? last : undefined;
}

/** Returns the ids of the calls that have not ended at the provider. */
async function pollOpen(poll: ReconciledProvider, polling: Polling): Promise<string[]> {
  const { flow, installation, provider } = poll;
  const going: string[] = [];
  for await (const calls of openCalls(poll, flow.now() - quietMs)) {
    for (const part of inParts(calls, polling.callsAtOnce)) {
      const answers = await polling.callsAgain(poll.settings, part, contextOf(poll));
      const accepted = await acceptPolled(flow, installation, provider, { deliveries: answers });
      count(poll, answers.length, accepted);
      going.push(...accepted.going);
    }
  }
  return going;
}

async function closeSilent(poll: ReconciledProvider, going: ReadonlySet<string>): Promise<void> {
  const { flow, so, provider } = poll;
  for await (const calls of openCalls(poll, flow.now() - silentMs)) {
    const silent = calls.filter(({ legs }) => !legs.some((leg) => going.has(leg)));
    await Promise.all(silent.map((call) => flow.store.append(closingDelivery(call, flow.now()))));
    so.closed += silent.length;
    if (silent.length > 0) flow.meter.reconciled(provider.id, "closed", silent.length);
  }
}

async function* openCalls(
  { flow, installation, provider, options }: ReconciledProvider,
  quietSince: number,
): AsyncGenerator<Call[]> {
  for (let after = 0; !options.signal?.aborted; ) {
    const { name } = installation.settings;
    const rows = await flow.store.openCalls(
      { installation: name, provider: provider.id, quietSince },
      after,
      callsAtOnce,
    );
    const last = rows.at(-1);
    if (!last) return;
    yield rows.map(({ call }) => call);
    after = last.id;
  }
}

function contextOf({ flow, installation, provider, options }: ReconciledProvider): PollContext {
  const { name } = installation.settings;
  const known = async (callIds: readonly string[]) => {
    const legs = callIds.map((callId) => ({ provider: provider.id, callId }));
    const groups = await flow.store.groupsOf(name, legs);
    return new Map(groups.flatMap(({ row: { call } }) => call.legs.map((leg) => [leg, call] as const)));
  };
  return { installation: name, now: flow.now, signal: options.signal, known };
}

function count({ so, options }: ReconciledProvider, compared: number, { missed, mended }: Accepted): void {
  so.compared += compared;
  so.missed += missed;
  so.mended += mended;
  options.onPage?.(so);
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

/** When a provider was last polled for all calls, in milliseconds since 1970; undefined when it never was. */
export async function lastPolled(
  { store }: Pick<Flow, "store">,
  installation: string,
  provider: string,
): Promise<number | undefined> {
  return (await store.syncState(placeOf(installation, provider))).finishedAt;
}

function placeOf(installation: string, provider: string): string {
  return `reconcile:${installation}/${provider}`;
}
