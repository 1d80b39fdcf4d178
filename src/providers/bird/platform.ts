import type { CallEvent, Facts, Outcome } from "../../core/call.ts";
import { isoFromText, type JsonObject, numberAt, scalarsOf, secondsAt, textAt } from "../../lib/body.ts";

type Said = Omit<CallEvent, "callId">;

const outcomes = new Map<string, Outcome>([
  ["answered", "completed"],
  ["no_answer", "no-answer"],
  ["failed", "failed"],
  ["rejected", "rejected"],
]);

/** What a `voice_call.*` of the new Bird platform says; fields as in @messagebird/sdk 0.63. */
export function decodePlatform(
  type: string,
  data: JsonObject,
  timestamp: string | undefined,
  receivedAt: string,
): Said {
  const time = isoFromText(timestamp);
  const at = time ?? receivedAt;
  const common = commonFacts(data);
  if (type === "voice_call.initiated") {
    return { at, kind: type, phase: "ringing", facts: { ...common, ...(time && { startedAt: time }) } };
  }
  if (type === "voice_call.answered") {
    return { at, kind: type, phase: "answered", facts: { ...common, ...(time && { answeredAt: time }) } };
  }
  return {
    at,
    kind: type,
    phase: "ended",
    facts: { ...common, ...(time && { endedAt: time }), ...endFacts(data) },
  };
}

/** Not verified: that `duration_ms` counts from the answer; only an answered call has a talk time. */
function endFacts(data: JsonObject): Facts {
  const status = textAt(data, "status")?.toLowerCase() ?? "";
  const outcome = outcomes.get(status) ?? "unknown";
  const ms = numberAt(data, "duration_ms");
  const seconds = secondsAt({ seconds: ms === undefined ? undefined : Math.round(ms / 1000) }, "seconds");
  return {
    outcome,
    ...(status && { reason: status }),
    ...(outcome === "completed" && seconds !== undefined && { talkSeconds: seconds }),
  };
}

/** Before version 0.20.0 of the SDK the numbers were called `src_number` and `dst_number`. */
function commonFacts(data: JsonObject): Facts {
  const direction = textAt(data, "direction");
  const from = textAt(data, "from") ?? textAt(data, "src_number");
  const to = textAt(data, "to") ?? textAt(data, "dst_number");
  const custom = scalarsOf({
    session_id: textAt(data, "session_id"),
    workspace_id: textAt(data, "workspace_id"),
    sip_response_code: numberAt(data, "sip_response_code"),
    billable_ms: numberAt(data, "billable_ms"),
  });
  const facts: Facts = Object.keys(custom).length > 0 ? { custom } : {};
  if (direction !== "inbound" && direction !== "outbound") return facts;
  const [number, line] = direction === "inbound" ? [from, to] : [to, from];
  return { direction, ...(number && { customer: { number } }), ...(line && { line }), ...facts };
}
