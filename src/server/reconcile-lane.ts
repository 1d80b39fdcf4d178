import { ProviderError } from "../core/errors.ts";
import { maskAll } from "../core/mask.ts";
import type { ConfiguredProvider } from "../core/runtime.ts";
import { whySkipped } from "../flow/calls/due.ts";
import type { Flow, Installation } from "../flow/installation.ts";
import { lastPolled, reconcile } from "../flow/lost-webhooks/reconcile.ts";

/** Between two polls for all calls. */
export const pollEveryMs = 15 * 60_000;
const shortPauseMs = 60_000;
/**
 * An API may leave calls out of its list until they end, and lists them by when they began. So the lane sometimes polls
 * further back than a call can last (4 hours at Exotel).
 */
const deepEveryMs = 3_600_000;
const deepLookBackMs = 5 * 3_600_000;
/** What is missing is known only once the stored webhooks are decoded. */
const afterDecodingMs = 1_000;

type PollingLane = {
  flow: Flow;
  installation: Installation;
  /** Called when deliveries were stored. */
  appended: () => void;
  /** Another instance may have polled until now. */
  isTakeOver: boolean;
};

/** The work of the lane that polls providers. */
export function reconcileLane({ flow, installation, appended, isTakeOver }: PollingLane) {
  const { settings, providers } = installation;
  const nextPoll = new Map<string, number>();
  const nextDeepPoll = new Map<string, number>();
  const pausedUntil = new Map<string, number>();

  /** Without polls only calls that have gone silent are closed, which costs no request. */
  const isPolled = (configured: ConfiguredProvider) => whySkipped(installation, configured) === undefined;

  const poll = async (configured: ConfiguredProvider, signal: AbortSignal): Promise<void> => {
    const { id } = configured.provider;
    const pollsAll = !isPolled(configured) || flow.now() >= (nextPoll.get(id) ?? 0);
    const isDeep = pollsAll && flow.now() >= (nextDeepPoll.get(id) ?? 0);
    const { missed, mended, closed } = await reconcile(flow, installation, configured, {
      signal,
      onlyLacking: !pollsAll,
      ...(isDeep && { lookBackMs: deepLookBackMs }),
    });
    if (pollsAll) nextPoll.set(id, flow.now() + pollEveryMs);
    if (isDeep) nextDeepPoll.set(id, flow.now() + deepEveryMs);
    if (missed + mended + closed === 0) return;
    appended();
    flow.log.info(
      { installation: settings.name, provider: id, missed, mended, closed },
      "polling the provider found what webhooks had left out",
    );
  };

  let isFirst = true;
  /** What was polled lately is not polled again before its time, and further back only after the next full hour. */
  const followEarlierPolls = async (): Promise<void> => {
    if (!isTakeOver || !isFirst) return;
    for (const {
      provider: { id },
    } of Object.values(providers).filter(isPolled)) {
      const last = await lastPolled(flow, settings.name, id);
      if (last === undefined || last > flow.now()) continue;
      nextPoll.set(id, last + pollEveryMs);
      nextDeepPoll.set(id, (Math.floor(last / deepEveryMs) + 1) * deepEveryMs);
    }
    isFirst = false;
  };

  let lastTurn = 0;
  /** A clock that was ahead has left times far in the future. */
  const forgetIfSetBack = (): void => {
    if (flow.now() < lastTurn) for (const times of [nextPoll, nextDeepPoll, pausedUntil]) times.clear();
    lastTurn = flow.now();
  };

  /** Calls that lack something are found by the sweep. */
  const nextTime = (): number | undefined => {
    const polled = Object.values(providers).filter(isPolled);
    const times = polled.map(({ provider: { id } }) =>
      Math.max(nextPoll.get(id) ?? 0, pausedUntil.get(id) ?? 0),
    );
    return times.length > 0 ? Math.min(...times) : undefined;
  };

  return async (signal: AbortSignal): Promise<number | undefined> => {
    forgetIfSetBack();
    await followEarlierPolls();
    if ((await flow.store.newDeliveries(settings.name, 1)).length > 0) return flow.now() + afterDecodingMs;
    for (const configured of Object.values(providers)) {
      const { id } = configured.provider;
      if (signal.aborted || flow.now() < (pausedUntil.get(id) ?? 0)) continue;
      try {
        await poll(configured, signal);
      } catch (error) {
        if (signal.aborted) break;
        if (!(error instanceof ProviderError)) throw error;
        const pauseMs = error.afterMs ?? (error.retry === "later" ? shortPauseMs : pollEveryMs);
        pausedUntil.set(id, flow.now() + pauseMs);
        flow.log.warn(
          {
            installation: settings.name,
            provider: id,
            reason: maskAll(error.message),
            againInMs: pauseMs,
          },
          "the provider could not be polled for calls; it will be retried",
        );
      }
    }
    return nextTime();
  };
}
