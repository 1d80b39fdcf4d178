import type { Call } from "../../core/call.ts";
import { recordingPolicyOf } from "../../core/recording-policy.ts";
import type { ConfiguredProvider, Decoding } from "../../core/runtime.ts";
import type { InstallationSettings } from "../../core/settings.ts";

/** Providers settle their figures about this long after the end of a call (Exotel's pages say two minutes). */
const settledMs = 120_000;
/** What has not come in this time does not come any more. */
export const patienceMs = 86_400_000;

/**
 * When the provider is to be asked what its webhooks left open: how the call ended, for how long they talked, the
 * recording. Undefined when nothing is missing, nobody can be asked, or it is too late.
 */
export function askAt(call: Call, installation: Decoding, now: number): number | undefined {
  const { settings, providers } = installation;
  const configured = Object.hasOwn(providers, call.provider) ? providers[call.provider] : undefined;
  if (!configured || whySkipped(installation, configured) !== undefined) return undefined;
  if (call.phase !== "ended" || !lacksSomething(call, settings)) return undefined;
  const endedMs = Date.parse(call.endedAt ?? call.answeredAt ?? call.startedAt ?? "") || now;
  return endedMs + patienceMs <= now ? undefined : Math.max(now, endedMs + settledMs);
}

/** Why lost webhooks of this provider cannot be asked for; undefined when they can. */
export function whySkipped(
  { settings: { reconcile } }: Pick<Decoding, "settings">,
  { provider, settings }: ConfiguredProvider,
): string | undefined {
  if (!provider.polling) return `${provider.label} has no API that tells of calls`;
  return reconcile ? provider.polling.lacks(settings) : "the installation's setting reconcile is off";
}

function lacksSomething(call: Call, settings: InstallationSettings): boolean {
  const { outcome, talkSeconds, recording, line } = call;
  if (outcome === undefined || outcome === "unknown") return true;
  if (outcome !== "completed") return false;
  return !talkSeconds || (!recording && recordingPolicyOf(settings, line) !== "none");
}

/** When the recording of a call that is over is to be looked for; undefined when there is none, or it is an old one. */
export function audioAt(call: Call, settings: InstallationSettings, now: number): number | undefined {
  if (!call.recording || call.phase !== "ended") return undefined;
  if (!settings.reconcile && recordingPolicyOf(settings, call.line) !== "archive") return undefined;
  const endedMs = Date.parse(call.endedAt ?? "") || now;
  return endedMs + patienceMs <= now ? undefined : now + settings.settleSeconds * 1000;
}
