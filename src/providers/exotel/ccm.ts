import type { Direction, Facts, Outcome } from "../../core/call.ts";
import { type JsonObject, objectAt, objectsAt, secondsAt } from "../../lib/body.ts";
import { agentsOf, type Dialect, eventsFrom, partyOf } from "./event.ts";
import {
  customOf,
  directionOf,
  exotelTime,
  isWithoutAgent,
  kindOf,
  mostListed,
  outcomeOf,
  recordingOf,
  textOf,
  wordOf,
} from "./values.ts";

/**
 * Status callbacks of Voice v2 (CCM) and v3: `event_details`, and `call_details` with the customer and the agent by
 * name. Exotel's pages show the details as the API returns them (`sid`, `state`, `status`); a user's callbacks have
 * `call_sid`, `call_state` and `call_status`. Both are read. Unverified: which times a callback has.
 */
export const ccm: Dialect = {
  speaks: ({ fields }) => Object.keys(objectAt(fields, "call_details")).length > 0,
  kind: ({ fields }) =>
    kindOf(
      "ccm",
      wordOf(objectAt(fields, "event_details"), "event_type") ?? stateOf(detailsOf(fields)) ?? "call",
    ),
  events: (message, callId) => {
    const details = detailsOf(message.fields);
    const over = isOver(message.fields);
    return eventsFrom(message, {
      callId,
      kind: ccm.kind(message),
      times: ["updated_time", "end_time", "start_time", "created_time"].map((name) => textOf(details, name)),
      phase: over ? "ended" : "ringing",
      facts: over ? endedFacts(details) : commonFacts(details, false),
    });
  },
};

function detailsOf(fields: JsonObject): JsonObject {
  return objectAt(fields, "call_details");
}

function stateOf(details: JsonObject): string | undefined {
  return wordOf(details, "call_state") ?? wordOf(details, "state");
}

function statusOf(details: JsonObject): string | undefined {
  return wordOf(details, "call_status") ?? wordOf(details, "status");
}

/** `answered` does not name the side, so the call rings until it has ended. */
function isOver(fields: JsonObject): boolean {
  const details = detailsOf(fields);
  if (wordOf(objectAt(fields, "event_details"), "event_type") === "answered") return false;
  if (wordOf(objectAt(fields, "event_details"), "event_type") === "terminal") return true;
  return (
    stateOf(details) === "terminal" ||
    (stateOf(details) !== "active" && outcomeOf(statusOf(details)) !== undefined)
  );
}

function endedFacts(details: JsonObject): Facts {
  const talkSeconds = secondsAt(details, "total_talk_time");
  const outcome = endOf(details, talkSeconds);
  return {
    ...commonFacts(details, outcome === "completed"),
    endedAt: exotelTime(textOf(details, "end_time")),
    talkSeconds,
    outcome,
    reason: textOf(details, "call_status") ?? textOf(details, "status"),
  };
}

function endOf(details: JsonObject, talkSeconds: number | undefined): Outcome {
  const [status, direction] = [statusOf(details), directionIn(details)];
  const outcome = outcomeOf(status);
  if (outcome === undefined) return (talkSeconds ?? 0) > 0 ? "completed" : "unknown";
  if (direction === "outbound" && isWithoutAgent(status)) return "failed";
  if (outcome !== "completed" || talkSeconds !== 0) return outcome;
  const ofCustomer = outcomeOf(wordOf(objectAt(details, "customer_details"), "status"));
  return ofCustomer && ofCustomer !== "completed"
    ? ofCustomer
    : direction === "outbound"
      ? "cancelled"
      : "abandoned";
}

function directionIn(details: JsonObject): Direction | undefined {
  return directionOf(wordOf(details, "direction"));
}

function commonFacts(details: JsonObject, talked: boolean): Facts {
  const direction = directionIn(details);
  const customer = objectAt(details, "customer_details");
  const agent = objectAt(details, "assigned_agent_details");
  const number = textOf(customer, "contact_uri") ?? textOf(customer, "number");
  const line = textOf(details, "virtual_number");
  const name = textOf(agent, "user_name") ?? textOf(agent, "name");
  const email = textOf(agent, "user_email") ?? textOf(agent, "email");
  const ids = [textOf(agent, "user_id"), textOf(agent, "contact_uri") ?? textOf(agent, "number")];
  const agents = agentsOf(ids, { ...(email && { email }), talked, not: [line, number] });
  const [recording] = [
    objectAt(details, "recording"),
    ...objectsAt(details, "recordings").slice(0, mostListed),
  ].flatMap((one) => recordingOf(one, "url") ?? recordingOf(one, "recording_url") ?? []);
  const custom = textOf(details, "custom_field", 4_000);
  return {
    direction,
    customer: partyOf(number, textOf(customer, "name")),
    line,
    agents: agents.map((one) => ({ ...one, ...(name && { name }) })),
    startedAt: exotelTime(textOf(details, "start_time")) ?? exotelTime(textOf(details, "created_time")),
    recording,
    custom: {
      ...(custom && { CustomField: custom }),
      ...customOf(details, ["app_id", "app_name"]),
    },
  };
}
