import type { Direction, Facts, Outcome, Phase, Scalar } from "../../core/call.ts";
import { type JsonObject, objectAt, secondsAt } from "../../lib/body.ts";
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
  legStatus,
  outcomeOf,
  recordingOf,
  textOf,
  wordOf,
} from "./values.ts";

/** StatusCallback of the Voice v1 API: `EventType` answered or terminal, and a `Status`. Legs[0] is From, Legs[1] is To. */
export const statusCallback: Dialect = {
  speaks: ({ fields }) => Object.hasOwn(fields, "CallSid"),
  kind: ({ fields }) => kindOf("status", wordOf(fields, "EventType") ?? statusOf(fields) ?? "callback"),
  events: (message, callId) => {
    const progress = progressOf(message.fields);
    if (!progress) return [];
    const times = ["DateUpdated", "EndTime"].map((name) => textOf(message.fields, name));
    return eventsFrom(message, { callId, kind: statusCallback.kind(message), times, ...progress });
  },
};

function progressOf(fields: JsonObject): { phase?: Phase; facts: Facts } | undefined {
  const word = wordOf(fields, "EventType") ?? statusOf(fields);
  if (isOver(fields)) return { phase: "ended", facts: endedFacts(fields) };
  if (word === undefined) return { facts: commonFacts(fields, false) };
  // The call rings until both legs talk: `answered` is sent for each leg, and the From leg is dialled first.
  if (!isRunning(word)) return undefined;
  if (!bothTalk(fields)) return { phase: "ringing", facts: commonFacts(fields, false) };
  const answeredAt = exotelTime(textOf(fields, "DateUpdated"));
  return { phase: "answered", facts: { ...commonFacts(fields, true), answeredAt } };
}

function statusOf(fields: JsonObject): string | undefined {
  return wordOf(fields, "Status") ?? wordOf(objectAt(fields, "Insights"), "DialCallStatus");
}

/** Some calls end with an empty Status and an EndTime (an operator's record of 2026). */
function isOver(fields: JsonObject): boolean {
  const eventType = wordOf(fields, "EventType");
  if (eventType === "answered") return false;
  const status = statusOf(fields);
  if (eventType === "terminal" || outcomeOf(status)) return true;
  return !isRunning(status) && exotelTime(textOf(fields, "EndTime")) !== undefined;
}

/** A To leg that talks in a callback without the From leg counts: From was dialled first. */
function bothTalk(fields: JsonObject): boolean {
  const [from, to] = [legStatus(legAt(fields, 0)), legStatus(legAt(fields, 1))];
  return to === "in-progress" && (from === undefined || from === "in-progress");
}

function endedFacts(fields: JsonObject): Facts {
  const direction = directionOf(wordOf(fields, "Direction"));
  const talkSeconds = settledTalk(fields);
  const outcome = endOf(fields, talkSeconds, direction);
  const otherOutcome = direction === "outbound" ? endOf(fields, talkSeconds, direction, 0) : outcome;
  // Without an EndTime, or with a zero one despite a talk time, the callback's own time is when the call ended.
  const endTime = textOf(fields, "EndTime");
  const isOpen = endTime === undefined || (exotelTime(endTime) === undefined && (talkSeconds ?? 0) > 0);
  const common = commonFacts(fields, outcome === "completed" && (talkSeconds ?? 0) > 0);
  return {
    ...common,
    endedAt: exotelTime(isOpen ? textOf(fields, "DateUpdated") : endTime),
    talkSeconds,
    ringSeconds: secondsAt(objectAt(legAt(fields, 1), "Insights"), "RingingDuration"),
    outcome,
    ...(common.otherEnd && otherOutcome !== outcome && { otherOutcome }),
    reason: statusOf(fields),
    custom: { ...common.custom, ...legCustom(fields, 0), ...legCustom(fields, 1) },
  };
}

/**
 * `completed` with 0 seconds, a zero EndTime and yet a recording is a call whose figures have not settled (533 cases of
 * one operator): 0 is then not a talk time. In a call of one leg the talk is on that leg.
 */
function settledTalk(fields: JsonObject): number | undefined {
  const { customer, hasOne } = legsOf(fields);
  const seconds =
    secondsAt(fields, "ConversationDuration") ?? (hasOne ? secondsAt(customer, "OnCallDuration") : undefined);
  return seconds === 0 && !isSettled(fields) && statusOf(fields) === "completed" ? undefined : seconds;
}

function isSettled(fields: JsonObject): boolean {
  return exotelTime(textOf(fields, "EndTime")) !== undefined || !recordingOf(fields, "RecordingUrl");
}

function endOf(
  fields: JsonObject,
  talkSeconds: number | undefined,
  direction: Direction | undefined,
  customersLeg?: 0,
): Outcome {
  const outcome = outcomeOf(statusOf(fields));
  if (outcome === undefined) return (talkSeconds ?? 0) > 0 ? "completed" : "unknown";
  if (outcome !== "completed") return outcome;
  // Only an outbound call has the customer on a dialled leg; an agent's machine is not a voicemail.
  if (direction === "outbound" && isMachine(answeredBy(fields, customersLeg))) return "voicemail";
  const { second, hasOne } = legsOf(fields);
  if ((talkSeconds ?? 0) > 0 || (secondsAt(second ?? {}, "OnCallDuration") ?? 0) > 0) return "completed";
  if (talkSeconds === undefined && (hasOne || !second)) return "completed";
  const ofLeg = outcomeOf(legStatus(second ?? {}));
  // A missing talk time is not 0, so a completed leg was a conversation.
  if (talkSeconds === undefined && (ofLeg === "completed" || !isSettled(fields))) return ofLeg ?? "completed";
  if (ofLeg !== undefined && ofLeg !== "completed" && ofLeg !== "cancelled") return ofLeg;
  return direction === "outbound" ? "cancelled" : "abandoned";
}

/** Who answered the customer's leg. */
function answeredBy(fields: JsonObject, customersLeg?: 0): string | undefined {
  const leg = customersLeg === 0 ? legAt(fields, 0) : legsOf(fields).customer;
  return textOf(leg, "AnsweredBy") ?? textOf(fields, "AnsweredBy");
}

function isMachine(answered: string | undefined): boolean {
  return outcomeOf(answered?.toLowerCase()) === "voicemail";
}

/** An inbound call's To is the agent's leg, not the ExoPhone; `PhoneNumberSid` is the ExoPhone's number, not an id. */
function commonFacts(fields: JsonObject, talked: boolean): Facts {
  const direction = directionOf(wordOf(fields, "Direction"));
  const { customer, agent, otherEnd } = partiesOf(fields, direction);
  const line = textOf(fields, "PhoneNumberSid");
  const machine = answeredBy(fields);
  return {
    direction,
    customer: partyOf(customer),
    otherEnd: partyOf(otherEnd),
    line,
    agents: agentsOf([agent], { talked, not: [line, customer] }),
    startedAt: exotelTime(textOf(fields, "StartTime")) ?? exotelTime(textOf(fields, "DateCreated")),
    recording: recordingOf(fields, "RecordingUrl"),
    custom: { ...customOf(fields, ["CustomField"]), ...(machine && { AnsweredBy: machine }) },
  };
}

/**
 * Without `To` an outgoing call has the customer in `From` when it had no second leg: a flow or a bot talked with them.
 */
function partiesOf(fields: JsonObject, direction: Direction | undefined): Sides {
  const [from, to] = [textOf(fields, "From"), textOf(fields, "To")];
  if (direction !== "outbound") return sidesOf(direction, from, to);
  if (to === undefined && !(isOver(fields) && legsOf(fields).hasOne)) return {};
  return outboundSides(from, to, textOf(fields, "PhoneNumberSid"), "to");
}

/** The result of each leg, under the names of the Call details API: `Leg1Status` is the From leg. */
function legCustom(fields: JsonObject, place: number): Record<string, Scalar> {
  const leg = legAt(fields, place);
  const named = { ...leg, Status: legStatus(leg) };
  return customOf(named, ["Status", "DisconnectedBy", "CauseCode"], `Leg${place + 1}`);
}

/** The legs of a call: the first is From's. */
type Legs = {
  /** Absent when the message does not mention it; one without a status was not attempted. */
  second?: JsonObject;
  /** The leg of the customer in an outgoing call. */
  customer: JsonObject;
  hasOne: boolean;
};

/**
 * A flow, a campaign and a voicebot call the customer only: one leg, and `To` is the ExoPhone or absent. With another
 * number in `To` the second leg was merely not sent.
 */
function legsOf(fields: JsonObject): Legs {
  const [first, second] = [legAt(fields, 0), legAt(fields, 1)];
  const isTold = Object.hasOwn(second, "Status") || Object.hasOwn(second, "OnCallDuration");
  const [to, line] = [textOf(fields, "To"), textOf(fields, "PhoneNumberSid")];
  const hasNoSecond = to === undefined || sameNumber(to, line);
  const hasOne =
    directionOf(wordOf(fields, "Direction")) === "outbound" &&
    hasNoSecond &&
    Object.keys(first).length > 0 &&
    textOf(second, "Status") === undefined &&
    (textOf(second, "OnCallDuration") ?? "0") === "0";
  if (hasOne) return { customer: first, hasOne };
  return { customer: second, hasOne, ...(isTold && { second }) };
}
