import type { AgentRef, CallEvent, Facts, Outcome, Recording } from "../../core/call.ts";
import { Rejected } from "../../core/errors.ts";
import { type Delivery, polledMethod } from "../../core/provider.ts";
import {
  callIdAt,
  isCallId,
  isObject,
  isoFromText,
  type JsonObject,
  jsonBody,
  numberAt,
  objectsAt,
  scalarsOf,
  secondsAt,
  textAt,
} from "../../lib/body.ts";
import { outcomeOfWord, plainWord } from "../../lib/words.ts";
import { isApiId } from "./api.ts";
import { decodeChannels } from "./channels.ts";

const channelsEvents = new Set(["voice.inbound", "voice.outbound"]);
const platformEvents = new Set(["voice_call.initiated", "voice_call.answered", "voice_call.ended"]);

/**
 * Our names for responses of Bird's API, in the envelope of its webhooks. `call`: the payload is the Call of the API.
 * `recordings`: the payload is `{id, recordings}`, the id of the call and the rows of the API.
 */
export const polledEvents = { call: "voice.listed", recordings: "voice.recordings" } as const;
const polledNames = new Set<string>(Object.values(polledEvents));

type BirdMessage = {
  kind: string;
  /** The whole message. */
  body: JsonObject;
  /** Absent for a message that is not about a call. */
  call?: { id: string; from: "channels" | "platform"; facts: JsonObject };
};

export function decode({ kind, body, call }: BirdMessage, receivedAt: string): CallEvent[] {
  if (!call) return [];
  if (kind === polledEvents.recordings) return decodeRecordings(call.id, call.facts, receivedAt);
  if (call.from === "platform")
    return [
      {
        callId: call.id,
        ...decodePlatform(kind, call.facts, textAt(body, "timestamp"), receivedAt),
      },
    ];
  const { parentId, ...rest } = decodeChannels(kind, call.facts, receivedAt);
  const ids = parentId === undefined ? { callId: call.id } : { callId: parentId, sameCallAs: call.id };
  return [{ ...ids, ...rest }];
}

/** Channels name their events in `event`, the new platform in `type`. Throws `Rejected(400)` for a body with neither. */
export function parse(delivery: Delivery): BirdMessage {
  const body = jsonBody(delivery);
  const kind = nameAt(body, "event") ?? nameAt(body, "type");
  if (!kind) throw new Rejected(400, "the body has neither `event` nor `type`: Bird names every event");
  if (channelsEvents.has(kind)) {
    if (isSubscriptionRequest(body)) return { kind: "subscription request", body };
    return { kind, body, call: { ...callIn(body, "payload", "id", kind), from: "channels" } };
  }
  if (delivery.method === polledMethod && polledNames.has(kind))
    return { kind, body, call: { ...callIn(body, "payload", "id", kind), from: "channels" } };
  if (!platformEvents.has(kind)) return { kind: kind.slice(0, 80), body };
  return { kind, body, call: { ...callIn(body, "data", "call_id", kind), from: "platform" } };
}

/** Bird's page shows a subscription request as an "example event"; people send it to test their webhook. */
function isSubscriptionRequest(body: JsonObject): boolean {
  return (
    !Object.hasOwn(body, "payload") &&
    ["signingKey", "eventFilters"].some((name) => Object.hasOwn(body, name))
  );
}

function callIn(
  body: JsonObject,
  member: string,
  idName: string,
  kind: string,
): { id: string; facts: JsonObject } {
  const facts = Object.hasOwn(body, member) ? body[member] : undefined;
  if (!isObject(facts)) throw new Rejected(400, `a ${kind} event without its \`${member}\` object`);
  const id = callIdAt(facts, idName);
  if (!id) throw new Rejected(400, `a ${kind} event without \`${member}.${idName}\``);
  return { id, facts };
}

function nameAt(body: JsonObject, name: string): string | undefined {
  const value = Object.hasOwn(body, name) ? body[name] : undefined;
  return typeof value === "string" ? value.trim() || undefined : undefined;
}

type PlatformFacts = Omit<CallEvent, "callId">;

/** The facts of a `voice_call.*` of the new Bird platform; fields as in @messagebird/sdk 0.63. */
function decodePlatform(
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

/** More recordings than one call has. */
const mostRecordings = 1_000;

type FoundRecording = { recording: Recording; seconds: number; at: string };

/** The fact of `voice.recordings`: the one recording of the call that is played. None while there is none. */
function decodeRecordings(callId: string, payload: JsonObject, receivedAt: string): CallEvent[] {
  const [best, ...others] = recordingsThere(objectsAt(payload, "recordings"));
  if (!best) return [];
  // The time of the latest change, so that a better, earlier recording does not sort first.
  const at = others.reduce((latest, other) => (other.at > latest ? other.at : latest), best.at);
  return [{ callId, at: at || receivedAt, kind: "voice.recordings", facts: { recording: best.recording } }];
}

/**
 * The recordings of a call that can be fetched: the longest first, then the newest. Not verified: how several
 * recordings of one call relate; whether `duration` is in seconds, like that of a call.
 */
export function recordingsThere(recordings: readonly JsonObject[]): FoundRecording[] {
  const found = recordings.slice(0, mostRecordings).flatMap((row) => {
    const id = textAt(row, "id");
    const isThere = textAt(row, "status")?.toLowerCase() === "available";
    if (!isThere || !isApiId(id)) return [];
    const seconds = secondsOf(row);
    const recording = { ref: refOf(id, textAt(row, "format")), ...(seconds > 0 && { seconds }) };
    return [{ recording, seconds, at: timeAt(row, "updatedAt") ?? timeAt(row, "createdAt") ?? "" }];
  });
  return found.sort(
    (a, b) =>
      b.seconds - a.seconds || b.at.localeCompare(a.at) || a.recording.ref.localeCompare(b.recording.ref),
  );
}

/** The id of the recording in one of our `Recording.ref`; undefined for any other ref. */
export function recordingIdOf(ref: string): string | undefined {
  return /^bird:recording:([\w-]{1,128})(?:\.(?:wav|mp3))?$/.exec(ref)?.[1];
}

/** A ref of our own, since Bird's links are valid for 600 s only. The ending is for players, and not part of the id. */
function refOf(id: string, format: string | undefined): string {
  const [ending] = /(wav|mp3)$/.exec(format?.toLowerCase() ?? "") ?? [];
  return `bird:recording:${id}${ending ? `.${ending}` : ""}`;
}

/** 0 when unknown: real recordings that can be fetched have had a `duration` of 0 and no end (2023). */
function secondsOf(row: JsonObject): number {
  const duration = secondsAt(row, "duration");
  if (duration) return duration;
  const [from, to] = [timeAt(row, "startedAt"), timeAt(row, "endedAt")];
  return from && to && from < to ? Math.round((Date.parse(to) - Date.parse(from)) / 1000) : 0;
}

function timeAt(row: JsonObject, name: string): string | undefined {
  return isoFromText(textAt(row, name));
}
