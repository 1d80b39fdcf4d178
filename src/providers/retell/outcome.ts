import type { Outcome } from "../../core/call.ts";
import { type JsonObject, textAt } from "../../lib/body.ts";
import { outcomeOfWord, plainWord } from "../../lib/words.ts";
import { timeAt } from "./facts.ts";

/**
 * Outcomes by Retell's `disconnection_reason`. The list grows with every SDK release, so an unlisted word is not an
 * error.
 */
const outcomes = new Map<string, Outcome>([
  ["user_hangup", "completed"],
  ["agent_hangup", "completed"],
  ["call_transfer", "completed"],
  ["transfer_bridged", "completed"],
  ["transfer_cancelled", "completed"],
  ["call_take_over", "completed"],
  ["manual_stopped", "completed"],
  ["inactivity", "completed"],
  ["max_duration_reached", "completed"],
  ["ivr_reached", "completed"],
  ["voicemail_reached", "voicemail"],
  ["dial_busy", "busy"],
  ["dial_no_answer", "no-answer"],
  ["dial_no_pickup", "no-answer"],
  ["not_connected", "no-answer"],
  ["user_declined", "rejected"],
  ["invalid_destination", "failed"],
  ["sip_routing_error", "failed"],
  ["no_valid_payment", "failed"],
  ["concurrency_limit_reached", "failed"],
  ["no_concurrency_fallback", "failed"],
  ["scam_detected", "failed"],
  ["marked_as_spam", "failed"],
  ["registered_call_timeout", "failed"],
]);

const failure = /^(error|telephony|dial)_/;

/** Reasons without a conversation, regardless of the times. */
const unconnected = new Set([
  "user_declined",
  "invalid_destination",
  "sip_routing_error",
  "no_valid_payment",
  "concurrency_limit_reached",
  "no_concurrency_fallback",
  "marked_as_spam",
  "registered_call_timeout",
  "error_user_not_joined",
  "not_connected",
  "no_answer",
]);

/** How a call ended. `talked`: its times show a conversation, which decides when the reason does not. */
export function outcomeOf(reason: string | undefined, inVoicemail: boolean, talked: boolean): Outcome {
  if (inVoicemail) return "voicemail";
  const word = plainWord(reason)?.replaceAll("-", "_") ?? "";
  const known = outcomes.get(word) ?? outcomeOfWord(word);
  if (known) return known;
  if (failure.test(word)) return "failed";
  return talked ? "completed" : "unknown";
}

/**
 * Without a reason, two statuses explain why there was no conversation. The others say nothing about a call that has
 * ended.
 */
export function reasonByStatus(call: JsonObject): string | undefined {
  const status = plainWord(textAt(call, "call_status"));
  return status === "not-connected" ? "not_connected" : status === "error" ? "error" : undefined;
}

/** The statuses of an ended call; the others also occur after the end. */
const terminal = new Set(["ended", "not_connected", "error"]);

/** Whether a call from the API has ended. In Retell's own sample of an ended call the status is `registered`. */
export function isOver(call: JsonObject): boolean {
  if (textAt(call, "disconnection_reason") !== undefined || timeAt(call, "end_timestamp") !== undefined)
    return true;
  return terminal.has(textAt(call, "call_status") ?? "");
}

export function neverConnected(reason: string | undefined): boolean {
  return reason !== undefined && (unconnected.has(reason) || /^(dial|telephony)_/.test(reason));
}
