import type { CallEvent, Facts } from "../../core/call.ts";
import { type JsonObject, numberAt, objectAt, objectsAt, secondsAt } from "../../lib/body.ts";
import type { Dialect } from "./event.ts";
import { statusCallback } from "./status-callback.ts";
import { exotelTime, mostListed, outcomeOf, recordingOf, textOf, wordOf } from "./values.ts";
import type { ExotelMessage } from "./wire.ts";

/** The response of the Calls API, with or without `?details=true`: a StatusCallback in another arrangement. */
export const callDetails: Dialect = {
  speaks: ({ fields }) => Object.hasOwn(fields, "Sid") && !Object.hasOwn(fields, "CallSid"),
  kind: () => "call_details",
  events: (message, callId) =>
    statusCallback
      .events(asCallback(message), callId)
      .flatMap((event) => polledEvents({ ...event, kind: callDetails.kind(message) }, message.fields)),
};

/** Whether a call has ended and may have been answered, but the response lacks its talk time or end. */
export function lacksFigures(fields: JsonObject): boolean {
  const status = wordOf(fields, "Status");
  const over = status === undefined ? hasEnd(fields) : outcomeOf(status) !== undefined;
  if (!over || wasUnanswered(fields)) return false;
  return !hasEnd(fields) || talkOf(fields) === undefined;
}

/** Legs are wrapped as `{"Leg": {"Id": 1, …}}` and counted from 1, with their statuses beside them. */
function asCallback({ fields, receivedAt }: ExotelMessage): ExotelMessage {
  const details = objectAt(fields, "Details");
  const legs = objectsAt(details, "Legs")
    .slice(0, mostListed)
    .map((wrapped) => objectAt(wrapped, "Leg"));
  const leg = (id: number): JsonObject => {
    const found = legs.find((one) => numberAt(one, "Id") === id);
    const status = `Leg${id}Status`;
    return { ...found, ...(Object.hasOwn(details, status) && { Status: details[status] }) };
  };
  const ConversationDuration = isSettled(fields) ? talkOf(fields) : undefined;
  // The bulk response also has the ExoPhone's number under another name.
  const PhoneNumberSid = textOf(fields, "PhoneNumberSid") ?? textOf(fields, "PhoneNumber");
  return { fields: { ...fields, PhoneNumberSid, ConversationDuration, Legs: [leg(1), leg(2)] }, receivedAt };
}

function polledEvents(event: CallEvent, fields: JsonObject): CallEvent[] {
  // During the call, DateUpdated is the time of any last change.
  if (event.phase === "answered") return [{ ...event, facts: without(event.facts, "answeredAt") }];
  if (event.phase !== "ended") return [event];
  if (!isSettled(fields) && !recordingOf(fields, "RecordingUrl"))
    return [{ ...event, facts: { ...without(settled(event.facts, fields), "reason"), outcome: "unknown" } }];
  const { agents, ...facts } = { ...settled(event.facts, fields), ...concluded(event.facts) };
  if (!agents?.some(({ talked }) => talked) || facts.endedAt === undefined)
    return [{ ...event, facts: { ...facts, ...(agents && { agents }) } }];
  // They talked until the end of the call; all other facts are as old as the last change of the record.
  return [
    { ...event, at: facts.endedAt, facts: { agents } },
    { ...event, facts },
  ];
}

/**
 * Facts that the API does not have. Not verified: that the talk lasts to the end of the call (a flow may continue after
 * it), and that the recording is of the talk.
 */
function concluded({ startedAt = "", endedAt, talkSeconds, recording }: Facts): Facts {
  if (!endedAt || !talkSeconds) return {};
  const answeredAt = new Date(Date.parse(endedAt) - talkSeconds * 1000).toISOString();
  return {
    ...(answeredAt >= startedAt && { answeredAt }),
    ...(recording && { recording: { seconds: talkSeconds, ...recording } }),
  };
}

/** Seconds that both sides talked: 0 when the status says that the call was not answered. */
function talkOf(fields: JsonObject): number | undefined {
  const seconds =
    secondsAt(objectAt(fields, "Details"), "ConversationDuration") ??
    secondsAt(fields, "ConversationDuration");
  return seconds ?? (wasUnanswered(fields) ? 0 : undefined);
}

/** For about two minutes after a call its EndTime is a zero date and its talk time 0, which then means nothing. */
function isSettled(fields: JsonObject): boolean {
  return hasEnd(fields) || wasUnanswered(fields) || (talkOf(fields) ?? 0) > 0;
}

/** Without the time of the record's last change, which is not the end. */
function settled(facts: Facts, fields: JsonObject): Facts {
  return hasEnd(fields) ? facts : without(facts, "endedAt");
}

function wasUnanswered(fields: JsonObject): boolean {
  const outcome = outcomeOf(wordOf(fields, "Status"));
  return outcome !== undefined && outcome !== "completed";
}

function hasEnd(fields: JsonObject): boolean {
  return exotelTime(textOf(fields, "EndTime")) !== undefined;
}

function without(facts: Facts, name: keyof Facts): Facts {
  return Object.fromEntries(Object.entries(facts).filter(([key]) => key !== name));
}
