import type { AgentRef, Facts, Outcome } from "../../core/call.ts";
import { isObject, type JsonObject, objectAt, secondsAt } from "../../lib/body.ts";
import {
  agentsOf,
  type Dialect,
  eventsFrom,
  outboundSides,
  partyOf,
  type Sides,
  sameNumber,
  sidesOf,
} from "./event.ts";
import {
  customOf,
  directionOf,
  exotelTime,
  isRunning,
  kindOf,
  legAt,
  outcomeOf,
  recordingOf,
  textOf,
  wordOf,
} from "./values.ts";

const ownNames = [
  "CallFrom",
  "CallTo",
  "DialCallStatus",
  "DialWhomNumber",
  "CallType",
  "flow_id",
  "ProcessStatus",
  "Stream",
  "StreamSid",
  "StreamUrl",
];

/** The values of `CallType` after the Connect applet of a flow; `call-attempt` never reached it. */
const outcomeByCallType = new Map<string | undefined, Outcome>([
  ["completed", "completed"],
  ["client-hangup", "cancelled"],
  ["incomplete", "no-answer"],
  ["voicemail", "voicemail"],
]);

/**
 * The Passthru applet of a call flow and the events of a Connect applet: a GET or a form, with the zero date as EndTime
 * while the flow runs.
 */
export const passthru: Dialect = {
  speaks: ({ fields }) => ownNames.some((name) => Object.hasOwn(fields, name)),
  kind: ({ fields }) => kindOf("passthru", wordOf(fields, "CallType")),
  events: (message, callId) => {
    const { fields } = message;
    const event = {
      callId,
      kind: passthru.kind(message),
      times: ["CurrentTime", "EndTime"].map((name) => textOf(fields, name)),
    };
    if (isOver(fields)) return eventsFrom(message, { ...event, phase: "ended", facts: endedFacts(fields) });
    if (wordOf(fields, "EventType") !== "answered")
      return eventsFrom(message, { ...event, phase: "ringing", facts: commonFacts(fields, {}) });
    const answeredAt = exotelTime(textOf(fields, "CurrentTime"));
    const facts = { ...commonFacts(fields, { talked: true }), answeredAt };
    return eventsFrom(message, { ...event, phase: "answered", facts });
  },
};

/**
 * In an incoming call CallFrom is the caller and CallTo the ExoPhone; in an outgoing one CallTo is the number dialled
 * (support article 48283). `OutgoingPhoneNumber` is the ExoPhone that the flow dials from.
 */
function commonFacts(fields: JsonObject, agent: { email?: string; talked?: boolean }): Facts {
  const direction = directionOf(wordOf(fields, "Direction"));
  const { from, to } = endsOf(fields);
  const dialled = textOf(fields, "DialWhomNumber");
  const sides = direction === "outbound" ? outgoing(fields, from, to) : sidesOf(direction, from, to);
  const isFlow = direction === "outbound" && sides.customer === from;
  const line = direction !== "outbound" || isFlow ? to : textOf(fields, "OutgoingPhoneNumber");
  const caller = direction === "outbound" && !isFlow && !dialled ? sides.agent : undefined;
  const stream = streamOf(fields);
  return {
    direction,
    customer: partyOf(sides.customer),
    otherEnd: partyOf(sides.otherEnd),
    line,
    agents: [...agentsOf([dialled, caller], { ...agent, not: [line, sides.customer] }), ...botOf(fields)],
    startedAt: exotelTime(textOf(fields, "StartTime")) ?? exotelTime(textOf(fields, "Created")),
    recording: recordingOf(fields, "RecordingUrl") ?? recordingOf(stream, "RecordingUrl"),
    custom: {
      ...customOf(fields, ["CustomField", "ForwardedFrom", "DialCallDuration"]),
      ...customOf(stream, ["DisconnectedBy", "DetailedStatus", "Error"], "Stream"),
      ...digits(fields),
    },
  };
}

/** AgentStream has only From and To. */
function endsOf(fields: JsonObject): { from?: string; to?: string } {
  const from = textOf(fields, "CallFrom") ?? textOf(fields, "From");
  const to = textOf(fields, "CallTo") ?? textOf(fields, "To");
  return { ...(from && { from }), ...(to && { to }) };
}

/**
 * An outgoing call that entered a flow rang the customer first, with the ExoPhone in CallTo. A flow that dials from a
 * line of its own may be the other way round: "CallTo is the number dialled" (support article 48283).
 */
function outgoing(fields: JsonObject, from: string | undefined, to: string | undefined): Sides {
  const line = textOf(fields, "OutgoingPhoneNumber");
  const dialled = textOf(fields, "DialWhomNumber");
  const isThird = dialled !== undefined && !sameNumber(dialled, from) && !sameNumber(dialled, to);
  return outboundSides(from, to, line, isThird || line === undefined ? "from" : "to");
}

function dialStatus(fields: JsonObject): string | undefined {
  return wordOf(fields, "DialCallStatus") ?? wordOf(objectAt(fields, "Insights"), "DialCallStatus");
}

/** Events of a Connect applet or a stream that never end a call. */
const begins = new Set(["dial", "ringing", "answered", "stream-start", "stream-started"]);

/** An unfinished flow is also `incomplete`: CallStatus then says that the call goes on. */
function isOver(fields: JsonObject): boolean {
  const eventType = wordOf(fields, "EventType");
  if (eventType !== undefined && begins.has(eventType)) return false;
  if (eventType === "terminal" || outcomeOf(eventType) || exotelTime(textOf(fields, "EndTime")) !== undefined)
    return true;
  if (outcomeOf(dialStatus(fields)) ?? streamOutcome(fields)) return true;
  const [callType, callStatus] = [wordOf(fields, "CallType"), wordOf(fields, "CallStatus")];
  if (callType === "incomplete" && isRunning(callStatus)) return false;
  return outcomeByCallType.has(callType) || outcomeOf(callStatus) !== undefined;
}

function endedFacts(fields: JsonObject, agent: { email?: string } = {}): Facts {
  const dialled = outcomeOf(dialStatus(fields));
  const streamed = streamOutcome(fields);
  const talkSeconds = talkOf(fields);
  const callType = wordOf(fields, "CallType");
  const byType =
    outcomeByCallType.get(callType) ??
    outcomeOf(wordOf(fields, "CallStatus")) ??
    outcomeOf(wordOf(fields, "EventType"));
  const [reported = "unknown"] = [
    byType === "voicemail" ? byType : undefined,
    dialled === "completed" ? dialled : streamed,
    dialled,
    byType,
  ].filter((outcome) => outcome !== undefined);
  const outcome = reported === "completed" && talkSeconds === 0 ? "abandoned" : reported;
  const word = streamed === undefined || dialled ? dialStatus(fields) : wordOf(streamOf(fields), "Status");
  const hasOwnWord = callType === "completed" || callType === "call-attempt";
  return {
    ...commonFacts(fields, { ...agent, talked: outcome === "completed" && (dialled ?? outcome) === outcome }),
    endedAt: exotelTime(textOf(fields, "EndTime")),
    talkSeconds,
    outcome,
    reason: hasOwnWord ? word : (callType ?? word),
  };
}

/**
 * The seconds on the dialled agent's leg. `DialCallDuration` only without legs: according to one vendor page it
 * includes the ringing (support article 3000088074), according to another it does not (48283).
 */
function talkOf(fields: JsonObject): number | undefined {
  const agent = textOf(fields, "DialWhomNumber");
  const legs = [legAt(fields, 1), legAt(fields, 0)];
  const leg = legs.find((one) => agent && textOf(one, "Number") === agent);
  const seconds = [leg ?? {}, ...legs].map((one) => secondsAt(one, "OnCallDuration"));
  const onLeg = seconds.find((value) => value !== undefined);
  if (onLeg !== undefined) return onLeg;
  const [dialled, streamed] = [
    secondsAt(fields, "DialCallDuration"),
    secondsAt(streamOf(fields), "Duration"),
  ];
  return dialled || (streamed ?? dialled);
}

/** The caller's input is quoted. */
function digits(fields: JsonObject): { digits?: string } {
  const typed = textOf(fields, "digits")
    ?.replace(/^"(.*)"$/, "$1")
    .trim();
  return typed && typed !== "null" ? { digits: typed } : {};
}

/** Longer than any of Exotel's own, in characters and in members. */
const longestJson = 10_000;
const mostMembers = 100;
const names = ["Status", "Duration", "RecordingUrl", "DisconnectedBy", "DetailedStatus", "Error"];

/**
 * The stream facts of a Passthru after a Voicebot or Stream applet: `Stream[Status]` and the like, or one JSON text in
 * `Stream` (support article 3000132269). Users' code also reads `recording_url` and the like.
 */
function streamOf(fields: JsonObject): JsonObject {
  const members = Object.entries(untidyStream(fields)).slice(0, mostMembers);
  return Object.fromEntries(
    names.flatMap((name) => {
      const found = members.find(([key]) => key.toLowerCase().replaceAll("_", "") === name.toLowerCase());
      return found ? [[name, found[1]]] : [];
    }),
  );
}

function untidyStream(fields: JsonObject): JsonObject {
  const text = Object.hasOwn(fields, "Stream") ? fields["Stream"] : undefined;
  if (typeof text !== "string") return objectAt(fields, "Stream");
  if (text.length > longestJson) return {};
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

/** A caller who hangs up makes the stream `cancelled`; with a duration, they talked with the bot. */
function streamOutcome(fields: JsonObject): Outcome | undefined {
  const stream = streamOf(fields);
  const outcome = outcomeOf(wordOf(stream, "Status"));
  // `Streaming_call_throttled`: more concurrent streams than the account may have.
  const hasFailed =
    textOf(stream, "Error") ??
    (/throttled|failed/i.test(textOf(stream, "DetailedStatus") ?? "") || undefined);
  if (outcome === undefined) return hasFailed === undefined ? undefined : "failed";
  const talked = (secondsAt(stream, "Duration") ?? 0) > 0;
  return outcome === "cancelled" && talked ? "completed" : outcome;
}

/** The bot of the stream, identified by its flow, so that the directory can name its owner. */
function botOf(fields: JsonObject): AgentRef[] {
  const isTold = ["Stream", "StreamSid", "StreamUrl"].some((name) => Object.hasOwn(fields, name));
  if (!isTold) return [];
  const talked = streamOutcome(fields) === "completed" && secondsAt(streamOf(fields), "Duration") !== 0;
  const id = textOf(fields, "flow_id") ?? "voicebot";
  return [{ ids: [id], name: "Voicebot", kind: "ai", ...(talked && { talked }) }];
}

/**
 * The Connect applet's pop-up, sent once for each agent whose phone rings. Its `Status` is the state of that agent's
 * line and never an outcome: `Dial` with `busy` is a ringing phone, `Terminal` with `free` the end of the dialling. The
 * result is in `DialCallStatus`, the legs and the recording, where they are sent.
 */
export const popup: Dialect = {
  speaks: (message) => {
    const { fields } = message;
    const [eventType, status] = [wordOf(fields, "EventType"), wordOf(fields, "Status")];
    if (eventType === "dial" || status === "free") return true;
    if (Object.hasOwn(fields, "CallType") || Object.hasOwn(fields, "DialCallStatus")) return false;
    return Object.hasOwn(fields, "AgentEmail") || (passthru.speaks(message) && status === "busy");
  },
  kind: ({ fields }) => kindOf("popup", wordOf(fields, "EventType") ?? wordOf(fields, "Status")),
  events: (message, callId) => {
    const { fields } = message;
    const email = textOf(fields, "AgentEmail");
    const over = wordOf(fields, "Status") === "free" || wordOf(fields, "EventType") === "terminal";
    const agent = { ...(email && { email }) };
    return eventsFrom(message, {
      callId,
      kind: popup.kind(message),
      times: [textOf(fields, "CurrentTime"), textOf(fields, "Created")],
      phase: over ? "ended" : "ringing",
      facts: asSeenByCaller(over ? endedFacts(fields, agent) : commonFacts(fields, agent), fields),
    });
  },
};

/**
 * The direction of a pop-up is that of the dialled leg, `outbound-dial` for incoming calls too, while CallFrom is the
 * calling party and CallTo the ExoPhone of the flow (support article 3000106308). So it shows the ends and not the
 * direction.
 */
function asSeenByCaller(dialled: Facts, fields: JsonObject): Facts {
  if (dialled.direction !== "outbound") return dialled;
  const { direction: _, otherEnd: __, ...facts } = dialled;
  const { from, to } = endsOf(fields);
  return { ...facts, customer: partyOf(from), line: to };
}
