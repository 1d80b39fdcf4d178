import { Rejected } from "../../core/errors.ts";
import type { Delivery, Question, Reading } from "../../core/provider.ts";
import {
  callIdAt,
  isObject,
  isoFromMs,
  type JsonObject,
  jsonBody,
  numberAt,
  textAt,
} from "../../lib/body.ts";

/**
 * The event in which a call from Retell's API is stored, in the shape of its webhooks: `{"event": "call_listed",
 * "call": {…}}`. Retell has no such event.
 */
export const listedEvent = "call_listed";

/** For each known event, the member that holds its subject, and the name of the subject's id. */
const shapes = new Map([
  ["call_inbound", { member: "call_inbound", id: "call_id", idRequired: false }],
  ["chat_inbound", { member: "chat_inbound", id: "chat_id", idRequired: false }],
  ...[
    listedEvent,
    "call_started",
    "call_ended",
    "call_analyzed",
    "transcript_updated",
    "transfer_started",
    "transfer_bridged",
    "transfer_cancelled",
    "transfer_ended",
  ].map((event) => [event, { member: "call", id: "call_id", idRequired: true }] as const),
]);

/** A body of Retell. */
export type RetellMessage = {
  event: string;
  body: JsonObject;
  /** The call or chat; absent for unknown events. */
  subject?: JsonObject;
  id?: string;
  /** From `event_timestamp`, which older deployments do not send. */
  sentAt?: string;
};

/** Throws `Rejected(400)` for a body that Retell cannot have sent. */
export function parse(delivery: Delivery): RetellMessage {
  const body = jsonBody(delivery);
  const event = typeof body["event"] === "string" ? body["event"].trim() : "";
  if (!event) throw new Rejected(400, "the body has no `event`: Retell names every event");
  const shape = shapes.get(event);
  if (!shape) return { event: event.slice(0, 80), body };
  const subject = Object.hasOwn(body, shape.member) ? body[shape.member] : undefined;
  if (!isObject(subject)) throw new Rejected(400, `a ${event} event without its \`${shape.member}\` object`);
  const id = callIdAt(subject, shape.id);
  if (!id && shape.idRequired) throw new Rejected(400, `a ${event} event without \`call.${shape.id}\``);
  const sentAt = isoFromMs(numberAt(body, "event_timestamp"));
  return { event, body, subject, ...(id && { id }), ...(sentAt && { sentAt }) };
}

export function read({ event, subject, id }: RetellMessage): Reading {
  if (!subject || (event !== "call_inbound" && event !== "chat_inbound")) return { kind: event };
  const from = textAt(subject, "from_number");
  const to = textAt(subject, "to_number");
  const agentId = textAt(subject, "agent_id");
  const question: Question = {
    kind: event === "call_inbound" ? "call" : "chat",
    ...(id && { callId: id }),
    ...(from && { from }),
    ...(to && { to }),
    ...(agentId && { agentId }),
  };
  return { kind: event, question };
}
