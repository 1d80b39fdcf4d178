import type { AgentRef, CallEvent, Facts, Outcome } from "../../core/call.ts";
import {
  isCallId,
  isoFromText,
  type JsonObject,
  numberAt,
  scalarsOf,
  secondsAt,
  textAt,
} from "../../lib/body.ts";
import { outcomeOfWord, plainWord } from "../../lib/words.ts";

type PlatformFacts = Omit<CallEvent, "callId">;

/** The facts of a `voice_call.*` of the new Bird platform; fields as in @messagebird/sdk 0.63. */
export function decodePlatform(
  type: string,
  data: JsonObject,
  timestamp: string | undefined,
  receivedAt: string,
): PlatformFacts {
  const time = isoFromText(timestamp);
  const at = time ?? receivedAt;
  const sessionId = textAt(data, "session_id");
  const isLeg = sessionId !== undefined && isCallId(sessionId) && sessionId !== textAt(data, "call_id");
  // Unverified: that calls with the same session are legs of one conversation.
  const base = { at, kind: type, ...(isLeg && { sameCallAs: sessionId }) };
  if (type === "voice_call.initiated") {
    const common = commonFacts(data, false);
    return { ...base, phase: "ringing", facts: { ...common, ...(time && { startedAt: time }) } };
  }
  if (type === "voice_call.answered") {
    const common = commonFacts(data, true);
    return { ...base, phase: "answered", facts: { ...common, ...(time && { answeredAt: time }) } };
  }
  const end = endFacts(data);
  const facts = { ...commonFacts(data, end.outcome === "completed"), ...(time && { endedAt: time }), ...end };
  return { ...base, phase: "ended", facts };
}

/** Not verified: that `duration_ms` counts from the answer; only an answered call has a talk time. */
function endFacts(data: JsonObject): Facts {
  const status = textAt(data, "status")?.toLowerCase() ?? "";
  const outcome: Outcome =
    plainWord(status) === "answered" ? "completed" : (outcomeOfWord(status) ?? "unknown");
  const ms = numberAt(data, "duration_ms");
  const seconds = secondsAt({ seconds: ms === undefined ? undefined : Math.round(ms / 1000) }, "seconds");
  return {
    outcome,
    ...(status && { reason: status }),
    ...(outcome === "completed" && seconds !== undefined && { talkSeconds: seconds }),
  };
}

/**
 * The number that an outbound leg reached is the customer's, or that of the colleague to whom the session's inbound
 * call was forwarded. It is therefore also listed as an agent; the one that turns out to be the customer is not an agent.
 * Before version 0.20.0 of the SDK the numbers were called `src_number` and `dst_number`.
 */
function commonFacts(data: JsonObject, talked: boolean): Facts {
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
  const reached: AgentRef | undefined =
    direction === "outbound" && to ? { ids: [to], ...(talked && { talked }) } : undefined;
  return {
    direction,
    ...(number && { customer: { number } }),
    ...(line && { line }),
    ...(reached && { agents: [reached] }),
    ...facts,
  };
}
