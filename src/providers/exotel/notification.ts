import type { Direction, Facts, Outcome, Phase } from "../../core/call.ts";
import { type JsonObject, objectAt, secondsAt } from "../../lib/body.ts";
import { agentsOf, type Dialect, eventsFrom, isSip, partyOf, sidesOf } from "./event.ts";
import {
  customOf,
  directionOf,
  exotelTime,
  isWithoutAgent,
  kindOf,
  outcomeOf,
  recordingOf,
  textOf,
  wordOf,
} from "./values.ts";

type Decoder = (fields: JsonObject, time: string | undefined) => { phase?: Phase; facts: Facts };

const maxCallerFacts = 50;

/** A missed call sends one or both of these events: the vendor's page and its table disagree. */
const missed: Decoder = (fields, time) => ({
  phase: "ended",
  facts: {
    ...sides(fields, missedDirection(fields)),
    endedAt: time,
    outcome: "no-answer",
    reason: textOf(fields, "status"),
    ringSeconds: secondsAt(fields, "ring_time") ?? secondsAt(fields, "ring_duration"),
  },
});

/** The lifecycle events name no party: the fold joins them to the first notification by their call_sid. */
const decoders = new Map<string | undefined, Decoder>([
  ["incoming_call", (fields, time) => begun(fields, "inbound", time)],
  ["outbound_call", (fields, time) => begun(fields, "outbound", time)],
  ["call_ringing", (fields) => ({ phase: "ringing", facts: sides(fields) })],
  ["call_answered", answered],
  ["call_completed", completed],
  ["call_missed", missed],
  ["missed_call", missed],
  [
    "recording_ready",
    (fields) => ({ facts: { recording: recordingOf(fields, "recording_url", "duration") } }),
  ],
]);

/** WebRTC call notifications: `event` and snake_case names. */
export const notification: Dialect = {
  speaks: ({ fields }) => textOf(fields, "event") !== undefined || textOf(fields, "call_sid") !== undefined,
  kind: ({ fields }) => kindOf(textOf(fields, "event") ?? "call_notification"),
  events: (message, callId) => {
    const timestamp = textOf(message.fields, "timestamp");
    const decoded = decoders.get(textOf(message.fields, "event")?.toLowerCase())?.(
      message.fields,
      exotelTime(timestamp),
    );
    if (!decoded) return [];
    return eventsFrom(message, { callId, kind: notification.kind(message), times: [timestamp], ...decoded });
  },
};

function begun(fields: JsonObject, usual: Direction, time: string | undefined): ReturnType<Decoder> {
  return { phase: "ringing", facts: { ...sides(fields, usual), startedAt: time } };
}

function answered(fields: JsonObject, time: string | undefined): ReturnType<Decoder> {
  const { agents, ...facts } = sides(fields);
  const talking = agentsOf([textOf(fields, "answered_by")], { talked: true });
  return {
    phase: "answered",
    facts: { ...facts, agents: [...(agents ?? []), ...talking], answeredAt: time },
  };
}

/** `duration` includes the ringing, so only `talk_time` is talk. `completed` without it: the caller hung up. */
function completed(fields: JsonObject, time: string | undefined): ReturnType<Decoder> {
  const talkSeconds = secondsAt(fields, "talk_time");
  const outcome = outcomeOf(wordOf(fields, "status")) ?? "completed";
  return {
    phase: "ended",
    facts: {
      ...sides(fields),
      endedAt: time,
      talkSeconds,
      outcome: outcome === "completed" && talkSeconds === 0 ? "abandoned" : outcome,
      reason: textOf(fields, "status"),
    },
  };
}

/** `usual`: the direction of this kind of event when it has none of its own. */
function sides(fields: JsonObject, usual?: Direction): Facts {
  const direction = directionOf(wordOf(fields, "direction")) ?? usual;
  const { customer, agent } = sidesOf(direction, textOf(fields, "from"), textOf(fields, "to"));
  const line = textOf(fields, "exophone");
  const callerInfo = objectAt(fields, "caller_info");
  return {
    direction,
    customer: partyOf(customer, direction === "inbound" ? textOf(callerInfo, "name") : undefined),
    line,
    agents: agentsOf([textOf(fields, "user_id"), agent], { not: [line, customer] }),
    custom: customOf(callerInfo, Object.keys(callerInfo).slice(0, maxCallerFacts), "caller_"),
  };
}

/**
 * `missed_call` names the parties but no direction: inbound, unless a SIP user placed the call. `call_missed` names
 * neither.
 */
function missedDirection(fields: JsonObject): Direction | undefined {
  if (textOf(fields, "from") === undefined) return undefined;
  return isSip(textOf(fields, "from")) ? "outbound" : "inbound";
}

const appFieldNames = ["CallState", "FromNumber", "ToNumber", "VirtualNumber", "AppUserID", "CallRecordings"];

/**
 * The older WebRTC notifications in PascalCase (developer.exotel.com/api/receive-inbound-call-notification).
 * `CallStatus` is the state of the user's line: `busy` while it rings, `free` when the call is over. `TotalDuration`
 * includes the ringing and is 0 or empty at first, so it is not a talk time.
 */
export const appNotification: Dialect = {
  speaks: ({ fields }) => appFieldNames.some((name) => Object.hasOwn(fields, name)),
  kind: ({ fields }) => kindOf("app_call", wordOf(fields, "CallState") ?? wordOf(fields, "CallStatus")),
  events: (message, callId) => {
    const { fields } = message;
    const phase = phaseOf(fields);
    const direction = directionOf(wordOf(fields, "Direction"));
    const { customer, agent } = sidesOf(direction, textOf(fields, "FromNumber"), textOf(fields, "ToNumber"));
    const line = textOf(fields, "VirtualNumber");
    const outcome = phase === "ended" ? outcomeAtEnd(fields, direction) : undefined;
    const talked = outcome === "completed";
    const agentIds = [textOf(fields, "AppUserID"), textOf(fields, "DialWhomNumber"), agent];
    return eventsFrom(message, {
      callId,
      kind: appNotification.kind(message),
      times: [textOf(fields, "UpdatedAt"), textOf(fields, "EndTime"), textOf(fields, "CreatedAt")],
      ...(phase && { phase }),
      facts: {
        direction,
        customer: partyOf(customer),
        line,
        agents: agentsOf(agentIds, { ...(talked && { talked }), not: [line, customer] }),
        startedAt: exotelTime(textOf(fields, "StartTime") ?? textOf(fields, "CreatedAt")),
        recording: recordingOf(fields, "CallRecordings"),
        custom: customOf(fields, ["TicketId"]),
        ...(phase === "ended" && {
          endedAt: exotelTime(textOf(fields, "EndTime")),
          outcome,
          reason: textOf(fields, "CallStatus"),
        }),
      },
    });
  },
};

function phaseOf(fields: JsonObject): Phase | undefined {
  const status = wordOf(fields, "CallStatus");
  const over = wordOf(fields, "CallState") === "terminal" || status === "free";
  if (over || (status !== "busy" && outcomeOf(status))) return "ended";
  return status === "busy" ? "ringing" : undefined;
}

function outcomeAtEnd(fields: JsonObject, direction: Direction | undefined): Outcome {
  const status = wordOf(fields, "CallStatus");
  if (direction === "outbound" && isWithoutAgent(status)) return "failed";
  return (status === "busy" ? undefined : outcomeOf(status)) ?? "unknown";
}
