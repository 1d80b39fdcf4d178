import type { Call } from "../core/call.ts";
import type { InstallationSettings } from "../core/settings.ts";
import type { Decoding } from "./installation.ts";
import { recordingPolicyOf } from "./recording-policy.ts";

/** Providers settle their figures about this long after the end of a call (Exotel's pages say two minutes). */
const settledMs = 120_000;
/** What has not come in this time does not come any more. */
export const patienceMs = 86_400_000;

/**
 * When the provider is to be asked what its webhooks left open: how the call ended, for how long they talked, the
 * recording. Undefined when nothing is missing, nobody can be asked, or it is too late.
 */
export function askAt(call: Call, { settings, providers }: Decoding, now: number): number | undefined {
  if (!settings.reconcile) return undefined;
  const configured = Object.hasOwn(providers, call.provider) ? providers[call.provider] : undefined;
  const polling = configured?.provider.polling;
  if (!configured || !polling || polling.lacks(configured.settings) !== undefined) return undefined;
  if (call.phase !== "ended" || !lacksSomething(call, settings)) return undefined;
  const endedMs = Date.parse(call.endedAt ?? call.answeredAt ?? call.startedAt ?? "") || now;
  return endedMs + patienceMs <= now ? undefined : Math.max(now, endedMs + settledMs);
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
