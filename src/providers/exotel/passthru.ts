import type { Facts, Outcome } from "../../core/call.ts";
import { type JsonObject, objectAt, secondsAt } from "../../lib/body.ts";
import { agentsOf, type Dialect, eventsFrom, partyOf, sidesOf } from "./event.ts";
import { customOf, kindOf, legAt, recordingOf, textOf, wordOf } from "./fields.ts";
import { exotelTime } from "./time.ts";
import { directionOf, outcomeOf } from "./words.ts";

const ownNames = [
  "CallFrom",
  "CallTo",
  "DialCallStatus",
  "DialWhomNumber",
  "CallType",
  "flow_id",
  "ProcessStatus",
];

/** What `CallType` says of a flow that has come past its Connect applet; `call-attempt` never came that far. */
const outcomeByCallType = new Map<string | undefined, Outcome>([
  ["completed", "completed"],
  ["client-hangup", "cancelled"],
  ["incomplete", "no-answer"],
  ["voicemail", "voicemail"],
]);

/** The Passthru applet of a call flow: a GET or a form, with the zero date as EndTime while the flow runs. */
export const passthru: Dialect = {
  speaks: ({ fields }) => ownNames.some((name) => Object.hasOwn(fields, name)),
  kind: ({ fields }) => kindOf("passthru", wordOf(fields, "CallType")),
  events: (message, callId) => {
    const { fields } = message;
    const over = isOver(fields);
    return eventsFrom(message, {
      callId,
      kind: passthru.kind(message),
      times: ["CurrentTime", "EndTime"].map((name) => textOf(fields, name)),
      phase: over ? "ended" : "ringing",
      facts: over ? endedFacts(fields) : commonFacts(fields, {}),
    });
  },
};

/**
 * Of an incoming call CallFrom is the caller and CallTo the ExoPhone; of an outgoing one CallTo is the number dialled
 * (support article 48283). `OutgoingPhoneNumber` is the ExoPhone that the flow dials from.
 */
export function commonFacts(fields: JsonObject, agent: { email?: string; talked?: boolean }): Facts {
  const direction = directionOf(wordOf(fields, "Direction"));
  const sides = sidesOf(direction, textOf(fields, "CallFrom"), textOf(fields, "CallTo"));
  const line = direction === "outbound" ? textOf(fields, "OutgoingPhoneNumber") : textOf(fields, "CallTo");
  const caller = direction === "outbound" ? sides.agent : undefined;
  return {
    direction,
    customer: partyOf(sides.customer),
    line,
    agents: agentsOf([textOf(fields, "DialWhomNumber"), caller], { ...agent, not: [line, sides.customer] }),
    startedAt: exotelTime(textOf(fields, "StartTime")) ?? exotelTime(textOf(fields, "Created")),
    recording: recordingOf(fields, "RecordingUrl"),
    custom: { ...customOf(fields, ["CustomField", "ForwardedFrom", "DialCallDuration"]), ...digits(fields) },
  };
}

function dialStatus(fields: JsonObject): string | undefined {
  return wordOf(fields, "DialCallStatus") ?? wordOf(objectAt(fields, "Insights"), "DialCallStatus");
}

function isOver(fields: JsonObject): boolean {
  if (outcomeByCallType.has(wordOf(fields, "CallType"))) return true;
  if (exotelTime(textOf(fields, "EndTime")) !== undefined) return true;
  return outcomeOf(dialStatus(fields)) !== undefined || outcomeOf(wordOf(fields, "CallStatus")) !== undefined;
}

function endedFacts(fields: JsonObject): Facts {
  const dialled = outcomeOf(dialStatus(fields));
  const talkSeconds = talkOf(fields);
  const callType = wordOf(fields, "CallType");
  const byType = outcomeByCallType.get(callType);
  const told = byType === "voicemail" ? byType : (dialled ?? byType ?? "unknown");
  const outcome = told === "completed" && talkSeconds === 0 ? "abandoned" : told;
  return {
    ...commonFacts(fields, { talked: outcome === "completed" }),
    endedAt: exotelTime(textOf(fields, "EndTime")),
    talkSeconds,
    outcome,
    reason: callType === "completed" ? dialStatus(fields) : (callType ?? dialStatus(fields)),
  };
}

/**
 * The seconds on the dialled agent's leg. `DialCallDuration` only without legs: one vendor page counts its ringing
 * (support article 3000088074), another does not (48283).
 */
function talkOf(fields: JsonObject): number | undefined {
  const agent = textOf(fields, "DialWhomNumber");
  const legs = [legAt(fields, 1), legAt(fields, 0)];
  const leg = legs.find((one) => agent && textOf(one, "Number") === agent);
  const seconds = [leg ?? {}, ...legs].map((one) => secondsAt(one, "OnCallDuration"));
  return seconds.find((value) => value !== undefined) ?? secondsAt(fields, "DialCallDuration");
}

/** What the caller typed comes in double quotes. */
function digits(fields: JsonObject): { digits?: string } {
  const typed = textOf(fields, "digits")
    ?.replace(/^"(.*)"$/, "$1")
    .trim();
  return typed && typed !== "null" ? { digits: typed } : {};
}
