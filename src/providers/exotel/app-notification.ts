import type { Direction, Outcome, Phase } from "../../core/call.ts";
import type { JsonObject } from "../../lib/body.ts";
import { agentsOf, type Dialect, eventsFrom, partyOf, sidesOf } from "./event.ts";
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

const ownNames = ["CallState", "FromNumber", "ToNumber", "VirtualNumber", "AppUserID", "CallRecordings"];

/**
 * The older WebRTC notifications in PascalCase (developer.exotel.com/api/receive-inbound-call-notification).
 * `CallStatus` is the state of the user's line: `busy` while it rings, `free` when the call is over. `TotalDuration`
 * includes the ringing and is 0 or empty at first, so it is not a talk time.
 */
export const appNotification: Dialect = {
  speaks: ({ fields }) => ownNames.some((name) => Object.hasOwn(fields, name)),
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
