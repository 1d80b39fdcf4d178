import { type Dialect, eventsFrom } from "./event.ts";
import { kindOf, textOf, wordOf } from "./fields.ts";
import { commonFacts, passthru } from "./passthru.ts";

/**
 * The Connect applet's pop-up, sent once for every agent whose phone rings. Its `Status` is the state of that agent's
 * line and never an outcome: `Dial` with `busy` is the ringing phone, `Terminal` with `free` the end.
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
    const facts = commonFacts(fields, { ...(email && { email }) });
    return eventsFrom(message, {
      callId,
      kind: popup.kind(message),
      times: [textOf(fields, "CurrentTime"), textOf(fields, "Created")],
      phase: over ? "ended" : "ringing",
      facts: over ? { ...facts, outcome: "unknown" } : facts,
    });
  },
};
