import { ProviderError } from "../core/errors.ts";
import { maskAll } from "../core/mask.ts";
import type { ConfiguredProvider } from "../core/runtime.ts";
import type { Flow, Installation } from "../flow/installation.ts";
import { reconcile } from "../flow/lost-webhooks/reconcile.ts";

/** Between two looks at all calls, and between two at those that lack something. */
const everyMs = 15 * 60_000;
const lackingMs = 60_000;
/**
 * A list may leave out calls that go on, and tells by when they began: so now and then it is asked for longer than a call can
 * last (4 hours at Exotel).
 */
const deepEveryMs = 3_600_000;
const deepLookBackMs = 5 * 3_600_000;
/** While webhooks wait to be decoded nobody knows what is missing. */
const afterDecodingMs = 1_000;

/** The work of the lane that asks providers. `appended`: something came in that is to be decoded. */
export function reconcileLane(flow: Flow, installation: Installation, appended: () => void) {
  const { settings, providers } = installation;
  const nextLook = new Map<string, number>();
  const nextDeepLook = new Map<string, number>();
  const pausedUntil = new Map<string, number>();

  const ask = async (configured: ConfiguredProvider, signal: AbortSignal): Promise<void> => {
    const { id } = configured.provider;
    const looksAtAll = flow.now() >= (nextLook.get(id) ?? 0);
    const isDeep = looksAtAll && flow.now() >= (nextDeepLook.get(id) ?? 0);
    const { missed, mended, closed } = await reconcile(flow, installation, configured, {
      signal,
      onlyLacking: !looksAtAll,
      ...(isDeep && { lookBackMs: deepLookBackMs }),
    });
    if (looksAtAll) nextLook.set(id, flow.now() + everyMs);
    if (isDeep) nextDeepLook.set(id, flow.now() + deepEveryMs);
    if (missed + mended + closed === 0) return;
    appended();
    flow.log.info(
      { installation: settings.name, provider: id, missed, mended, closed },
      "asking the provider told what webhooks had not",
    );
  };

  let lastTurn = 0;
  /** A clock that was ahead has left times that would be waited for as long as it was. */
  const forgetIfSetBack = (): void => {
    if (flow.now() < lastTurn) for (const times of [nextLook, nextDeepLook, pausedUntil]) times.clear();
    lastTurn = flow.now();
  };

  return async (signal: AbortSignal): Promise<number> => {
    forgetIfSetBack();
    if ((await flow.store.newDeliveries(settings.name, 1)).length > 0) return flow.now() + afterDecodingMs;
    for (const configured of Object.values(providers)) {
      const { id } = configured.provider;
      if (signal.aborted || flow.now() < (pausedUntil.get(id) ?? 0)) continue;
      try {
        await ask(configured, signal);
      } catch (error) {
        if (signal.aborted) break;
        if (!(error instanceof ProviderError)) throw error;
        const pauseMs = error.afterMs ?? (error.retry === "later" ? lackingMs : everyMs);
        pausedUntil.set(id, flow.now() + pauseMs);
        flow.log.warn(
          {
            installation: settings.name,
            provider: id,
            reason: maskAll(error.message),
            againInMs: pauseMs,
          },
          "the provider could not be asked for calls; it is tried again",
        );
      }
    }
    return flow.now() + lackingMs;
  };
}
