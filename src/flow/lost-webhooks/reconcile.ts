import type { Call } from "../../core/call.ts";
import type { PollContext, Polling, Span } from "../../core/polling.ts";
import type { ConfiguredProvider } from "../../core/runtime.ts";
import { inParts } from "../../lib/pace.ts";
import { patienceMs, whySkipped } from "../calls/due.ts";
import { closingDelivery, silentMs } from "../calls/unknown-end.ts";
import type { Flow, Installation } from "../installation.ts";
import { type TakenIn, takeIn } from "./accept.ts";

/** `told`: answers that came. `closed`: calls whose end nobody told. */
export type Reconciled = { told: number; missed: number; mended: number; closed: number };

/**
 * `since`: ISO; otherwise `lookBackMs` before where the last time ended. `onlyLacking`: only calls that are known to lack
 * something.
 */
export type ReconcileOptions = {
  since?: string;
  lookBackMs?: number;
  onlyLacking?: boolean;
  signal?: AbortSignal;
  onPage?: (so: Reconciled) => void;
};

const usualLookBackMs = 90 * 60_000;
/** One span is asked for at a time, and need not be asked for again after a stop. */
const spanMs = 6 * 3_600_000;
/** Younger than this, webhooks are still on their way and figures have not settled. */
const freshMs = 120_000;
/** A call of which nothing was heard for this long is asked for. */
const quietMs = 600_000;
const callsAtOnce = 100;
/** Between two questions about the same call, by how often it was asked for. */
const pausesMs = [600_000, 1_800_000, 7_200_000, 21_600_000, 43_200_000];

/**
 * Finds what webhooks did not tell: asks the provider's API for all calls of the last 90 minutes or since the last time, and
 * again for those that lack something or do not end. Where nobody can be asked, a call that was silent for 6 hours
 * is over. Throws `ProviderError`.
 */
export async function reconcile(
  flow: Flow,
  installation: Installation,
  configured: ConfiguredProvider,
  options: ReconcileOptions = {},
): Promise<Reconciled> {
  const so: Reconciled = { told: 0, missed: 0, mended: 0, closed: 0 };
  const asking: ReconciledProvider = { flow, installation, so, options, ...configured };
  const mayAsk = whySkipped(installation, configured) === undefined;
  const polling = mayAsk ? configured.provider.polling : undefined;
  if (polling && !options.onlyLacking) await askForSpans(asking, polling);
  if (polling) await askForLacking(asking, polling);
  if (options.onlyLacking) return so;
  const going = new Set(polling ? await askForOpen(asking, polling) : []);
  if (!options.signal?.aborted) await closeSilent(asking, going);
  return so;
}

type ReconciledProvider = ConfiguredProvider & {
  flow: Flow;
  installation: Installation;
  so: Reconciled;
  options: ReconcileOptions;
};

async function askForSpans(asking: ReconciledProvider, polling: Polling): Promise<void> {
  const { flow, installation, provider, options, settings } = asking;
  const place = placeOf(installation.settings.name, provider.id);
  const state = await flow.store.syncState(place);
  const now = flow.now();
  // What was before us is nobody's business the first time.
  const lookBackMs = (state.cursor !== undefined && options.lookBackMs) || usualLookBackMs;
  const last = Date.parse(options.since ?? state.cursor ?? "") || now;
  const oldest = now - polling.historyDays * 86_400_000;
  const from = Math.max(oldest, options.since === undefined ? Math.min(last, now) - lookBackMs : last);
  for (let since = from; since < now; since += spanMs) {
    const until = Math.min(since + spanMs, now);
    const span: Span = { since: isoOf(since), until: isoOf(until) };
    for await (const page of polling.calls(settings, span, contextOf(asking))) {
      count(
        asking,
        page.length,
        await takeIn(flow, installation, provider, { deliveries: page, until: flow.now() - freshMs }),
      );
    }
    if (options.signal?.aborted) return;
    // A look that somebody began later leaves a gap, which is still to be asked for.
    // A clock that was ahead has left a time that no look would reach.
    const cursor = state.cursor !== undefined && state.cursor <= isoOf(now) ? state.cursor : isoOf(from);
    if (isoOf(from) <= cursor && isoOf(until) > cursor)
      await flow.store.saveSyncState(place, { ...state, cursor: isoOf(until), finishedAt: flow.now() });
  }
}

/** Calls that are over, but miss their figures or their recording. */
async function askForLacking(asking: ReconciledProvider, polling: Polling): Promise<void> {
  const { flow, installation, provider, options } = asking;
  const { name } = installation.settings;
  while (!options.signal?.aborted) {
    const due = await flow.store.dueAsks(name, provider.id, flow.now(), callsAtOnce);
    if (due.length === 0) return;
    for (const part of inParts(due, polling.callsAtOnce)) {
      const calls = part.map(({ row }) => row.call);
      const answers = await polling.callsAgain(asking.settings, calls, contextOf(asking));
      for (const { row, since, attempts } of part)
        await flow.store.putOffAsks([row.id], nextAsk(flow.now(), since, attempts));
      count(asking, answers.length, await takeIn(flow, installation, provider, { deliveries: answers }));
      if (options.signal?.aborted) return;
    }
  }
}

/** Undefined when it was waited for long enough. */
function nextAsk(now: number, since: number, attempts: number): number | undefined {
  const last = since + patienceMs;
  const next = now + (pausesMs[attempts] ?? patienceMs);
  if (next < last) return next;
  return now < last ? last : undefined;
}

/** Returns the ids of the calls that go on as far as the provider knows. */
async function askForOpen(asking: ReconciledProvider, polling: Polling): Promise<string[]> {
  const { flow, installation, provider } = asking;
  const going: string[] = [];
  for await (const calls of openCalls(asking, flow.now() - quietMs)) {
    for (const part of inParts(calls, polling.callsAtOnce)) {
      const answers = await polling.callsAgain(asking.settings, part, contextOf(asking));
      const taken = await takeIn(flow, installation, provider, { deliveries: answers });
      count(asking, answers.length, taken);
      going.push(...taken.going);
    }
  }
  return going;
}

async function closeSilent(asking: ReconciledProvider, going: ReadonlySet<string>): Promise<void> {
  const { flow, so, provider } = asking;
  for await (const calls of openCalls(asking, flow.now() - silentMs)) {
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

function count({ so, options }: ReconciledProvider, told: number, { missed, mended }: TakenIn): void {
  so.told += told;
  so.missed += missed;
  so.mended += mended;
  options.onPage?.(so);
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString();
}

/** When a provider was last asked for all calls, in milliseconds since 1970; undefined when it never was. */
export async function lastAsked(
  { store }: Pick<Flow, "store">,
  installation: string,
  provider: string,
): Promise<number | undefined> {
  return (await store.syncState(placeOf(installation, provider))).finishedAt;
}

function placeOf(installation: string, provider: string): string {
  return `reconcile:${installation}/${provider}`;
}
