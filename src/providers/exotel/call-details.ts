import { type JsonObject, numberAt, objectAt, objectsAt } from "../../lib/body.ts";
import type { Dialect } from "./event.ts";
import { statusCallback } from "./status-callback.ts";
import type { Message } from "./wire.ts";

/** The answer of the Call details API (`?details=true`): a StatusCallback in another arrangement. */
export const callDetails: Dialect = {
  speaks: ({ fields }) => Object.hasOwn(fields, "Sid") && !Object.hasOwn(fields, "CallSid"),
  kind: () => "call_details",
  events: (message, callId) =>
    statusCallback
      .events(asCallback(message), callId)
      .map((event) => ({ ...event, kind: callDetails.kind(message) })),
};

/** Legs come wrapped as `{"Leg": {"Id": 1, …}}` and counted from 1; their statuses stand beside them. */
function asCallback({ fields, receivedAt }: Message): Message {
  const details = objectAt(fields, "Details");
  const legs = objectsAt(details, "Legs").map((wrapped) => objectAt(wrapped, "Leg"));
  const leg = (id: number): JsonObject => ({
    ...legs.find((found) => numberAt(found, "Id") === id),
    Status: details[`Leg${id}Status`],
  });
  const ConversationDuration = details["ConversationDuration"];
  return { fields: { ...fields, ConversationDuration, Legs: [leg(1), leg(2)] }, receivedAt };
}
