import type { Facts } from "../../core/call.ts";
import type { JsonObject } from "../../lib/body.ts";
import { type Dialect, eventsFrom, partyOf } from "./event.ts";
import { commonFacts, endedFacts, endsOf, passthru } from "./passthru.ts";
import { kindOf, textOf, wordOf } from "./values.ts";

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
