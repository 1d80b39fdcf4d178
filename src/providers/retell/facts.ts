import type { AgentRef, Facts, Recording, Scalar, Transfer } from "../../core/call.ts";
import { isoFromMs, type JsonObject, numberAt, objectAt, scalarsOf, textAt } from "../../lib/body.ts";
import { plainWord } from "../../lib/words.ts";

const dayMs = 86_400_000;
const weekMs = 604_800_000;
/** A day of talk, in characters. A longer text is not a transcript. */
const longestTranscript = 2_000_000;
const longestSummary = 200_000;
/** The best first: agents that do not store personal data only have the scrubbed ones. */
const recordingNames = [
  "recording_url",
  "scrubbed_recording_url",
  "recording_multi_channel_url",
  "scrubbed_recording_multi_channel_url",
];

/** The facts that any event of a call may have. `talked`: whether this event shows that the agent was on the line. */
export function commonFacts(call: JsonObject, talked: boolean): Facts {
  const agents = agentsOf(call, talked);
  const startedAt = timeAt(call, "start_timestamp");
  const custom = customOf(call);
  return {
    ...partiesOf(call),
    ...(agents && { agents }),
    ...(startedAt && { startedAt }),
    ...(custom && { custom }),
  };
}

export function timeAt(call: JsonObject, name: string): string | undefined {
  return isoFromMs(numberAt(call, name));
}

/**
 * The direction and the two parties. Web calls have neither numbers nor direction. Calls dialled to a SIP address
 * (registered calls) and some `call_analyzed` have numbers only: an agent takes and makes calls, so either may be the
 * customer's. The direction of an outbound call was set by the party that registered it, so its ends stay open as well.
 */
function partiesOf(call: JsonObject): Facts {
  const direction = plainWord(textAt(call, "direction"));
  const from = textAt(call, "from_number");
  const to = textAt(call, "to_number");
  if (direction !== "inbound" && direction !== "outbound") {
    if (!from || !to) return {};
    return { customer: { number: from }, otherEnd: { number: to } };
  }
  if (direction === "inbound")
    return { direction, ...(from && { customer: { number: from } }), ...(to && { line: to }) };
  return {
    direction,
    ...(to && { customer: { number: to } }),
    ...(to && from && { otherEnd: { number: from } }),
    ...(from && { line: from }),
  };
}

/** Retell's `duration_ms` in whole seconds. */
export function talkSecondsOf(call: JsonObject): number | undefined {
  const ms = numberAt(call, "duration_ms");
  return ms !== undefined && ms >= 0 && ms <= weekMs ? Math.round(ms / 1000) : undefined;
}

/** The best link to a call's recording. */
export function recordingLinkOf(call: JsonObject): string | undefined {
  return recordingNames.flatMap((name) => textAt(call, name) ?? [])[0];
}

/** Signed links are valid for 24 hours. */
export function recordingOf(call: JsonObject, endedAt: string | undefined): Recording | undefined {
  const ref = recordingLinkOf(call);
  if (!ref) return undefined;
  if (call["opt_in_signed_url"] !== true || !endedAt) return { ref };
  return { ref, expiresAt: new Date(Date.parse(endedAt) + dayMs).toISOString() };
}

/**
 * The recording of a call from the API. A signed link has another signature in each response, which is not a change. It
 * is returned without the signature and as expired, so that playing it requests a fresh link.
 */
export function lastingRecordingOf(call: JsonObject, endedAt: string | undefined): Recording | undefined {
  const recording = recordingOf(call, endedAt);
  const signed = call["opt_in_signed_url"] === true || /[?&](X-Amz-)?Signature=/i.test(recording?.ref ?? "");
  if (!recording || !signed) return recording;
  const [ref = ""] = recording.ref.split("?", 1);
  return { ref, ...(endedAt && { expiresAt: endedAt }) };
}

export function summaryOf(call: JsonObject): string | undefined {
  return textAt(objectAt(call, "call_analysis"), "call_summary", longestSummary);
}

export function transcriptOf(call: JsonObject): string | undefined {
  return textAt(call, "transcript", longestTranscript);
}

/** Not verified: whether `transfer_*` have these members beside the call or in it, and whether as text or as an object. */
export function transferOf(body: JsonObject, call: JsonObject): Transfer {
  const option = textOrMember(body, call, "transfer_option", "type") ?? "";
  const number = textOrMember(body, call, "transfer_destination", "number");
  const kind = option.includes("warm") ? "warm" : option.includes("cold") ? "cold" : "unknown";
  return { kind, ...(number && { to: { number } }) };
}

function textOrMember(body: JsonObject, call: JsonObject, name: string, member: string): string | undefined {
  for (const place of [body, call]) {
    const text = textAt(place, name) ?? textAt(objectAt(place, name), member);
    if (text) return text;
  }
  return undefined;
}

function agentsOf(call: JsonObject, talked: boolean): AgentRef[] | undefined {
  const id = textAt(call, "agent_id");
  const name = textAt(call, "agent_name");
  return id ? [{ ids: [id], ...(name && { name }), kind: "ai", ...(talked && { talked }) }] : undefined;
}

function customOf(call: JsonObject): Record<string, Scalar> | undefined {
  const analysis = objectAt(call, "call_analysis");
  const cents = numberAt(objectAt(call, "call_cost"), "combined_cost");
  const custom = {
    ...scalarsOf(objectAt(call, "metadata"), "metadata_"),
    ...scalarsOf(objectAt(call, "retell_llm_dynamic_variables"), "variable_"),
    ...scalarsOf(objectAt(call, "collected_dynamic_variables"), "collected_"),
    ...scalarsOf(objectAt(call, "custom_sip_headers"), "sip_"),
    ...scalarsOf(objectAt(analysis, "custom_analysis_data"), "analysis_"),
    ...scalarsOf(pick(call, ["agent_id", "agent_name", "transfer_destination"])),
    ...scalarsOf(pick(analysis, ["call_successful", "in_voicemail"])),
    ...(cents !== undefined && { cost_cents: cents }),
  };
  return Object.keys(custom).length > 0 ? custom : undefined;
}

function pick(object: JsonObject, names: readonly string[]): JsonObject {
  return Object.fromEntries(Object.entries(object).filter(([name]) => names.includes(name)));
}
