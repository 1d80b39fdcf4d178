import type { Call } from "../../core/call.ts";
import { recordingPolicyOf } from "../../core/recording.ts";
import type { ConfiguredProvider, Decoding } from "../../core/runtime.ts";
import type { InstallationSettings } from "../../core/settings.ts";
import type { CallState, TrackedCall } from "../../core/tracked-call.ts";

/** Providers complete their figures about this long after the end of a call (two minutes, by Exotel's documents). */
const settledMs = 120_000;
/** After this time nothing more is expected of a call. */
export const patienceMs = 86_400_000;

/**
 * When to poll the provider for what its webhooks left open: the outcome, the talk time, the recording. Undefined when
 * nothing is missing, the provider cannot be polled, or it is too late.
 */
export function pollAt(call: Call, installation: Decoding, now: number): number | undefined {
  const { settings, providers } = installation;
  const configured = Object.hasOwn(providers, call.provider) ? providers[call.provider] : undefined;
  if (!configured || whySkipped(installation, configured) !== undefined) return undefined;
  if (call.phase !== "ended" || !lacksSomething(call, settings)) return undefined;
  const endedMs = Date.parse(call.endedAt ?? call.answeredAt ?? call.startedAt ?? "") || now;
  return endedMs + patienceMs <= now ? undefined : Math.max(now, endedMs + settledMs);
}

/** Why this provider is not polled for lost webhooks; undefined when it is. */
export function whySkipped(
  { settings: { reconcile } }: Pick<Decoding, "settings">,
  { provider, settings }: ConfiguredProvider,
): string | undefined {
  if (!provider.polling) return `${provider.label} has no API that lists calls`;
  return reconcile ? provider.polling.lacks(settings) : "the installation's setting reconcile is off";
}

function lacksSomething(call: Call, settings: InstallationSettings): boolean {
  const { outcome, talkSeconds, recording, line } = call;
  if (outcome === undefined || outcome === "unknown") return true;
  if (outcome !== "completed") return false;
  return !talkSeconds || (!recording && recordingPolicyOf(settings, line) !== "none");
}

/** When to look for the recording of an ended call; undefined when there is none, or the call is old. */
export function audioAt(call: Call, settings: InstallationSettings, now: number): number | undefined {
  if (!call.recording || call.phase !== "ended") return undefined;
  if (!settings.reconcile && recordingPolicyOf(settings, call.line) !== "archive") return undefined;
  const endedMs = Date.parse(call.endedAt ?? "") || now;
  return endedMs + patienceMs <= now ? undefined : now + settings.settleSeconds * 1000;
}

/**
 * A call is due once it has ended, after a pause for late facts, and again when it changes after it was saved. A waiting
 * call keeps its time.
 */
export function dueness(
  call: Call,
  row: TrackedCall | undefined,
  settings: InstallationSettings,
  now: number,
): { state: CallState; dueAt?: number; reason?: string } {
  const asBefore = {
    ...(row?.dueAt !== undefined && { dueAt: row.dueAt }),
    ...(row?.reason && { reason: row.reason }),
  };
  if (row?.state === "gone") return { state: "gone", ...asBefore };
  if (call.direction === "internal" && !settings.logInternalCalls && !row?.activityId) {
    return { state: "ignored", reason: "an internal call; set logInternalCalls to log these" };
  }
  if (call.phase !== "ended") return { state: row?.state ?? "open", ...asBefore };
  const settled = now + settings.settleSeconds * 1000;
  if (row === undefined || row.state === "open" || row.state === "ignored")
    return { state: "waiting", dueAt: settled };
  if (call.revision === row.call.revision) return { state: row.state, ...asBefore };
  return { state: row.state === "dead" ? "waiting" : row.state, dueAt: row.dueAt ?? settled };
}
