import type { Call } from "../core/call.ts";
import type { InstallationSettings } from "../core/settings.ts";
import type { CallRow, CallState } from "../store/contract.ts";

/**
 * A call is due once it is over, after a pause in which late facts may ride along, and again whenever it changed after
 * it was saved. A call that waits already keeps its place.
 */
export function dueness(
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
