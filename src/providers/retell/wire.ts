import type { CallEvent, Facts, Transfer } from "../../core/call.ts";
import { Rejected } from "../../core/errors.ts";
import type { Delivery, Question, Reading } from "../../core/provider.ts";
import {
  callIdAt,
  isObject,
  isoFromMs,
  type JsonObject,
  jsonBody,
  numberAt,
  objectAt,
  textAt,
} from "../../lib/body.ts";
import {
  commonFacts,
  lastingRecordingOf,
  recordingOf,
  summaryOf,
  talkSecondsOf,
  timeAt,
  transcriptOf,
  transferOf,
} from "./facts.ts";
import { isOver, neverConnected, outcomeOf, reasonByStatus } from "./outcome.ts";

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

/** `sentAt`: the event's own time, on newer deployments. */
type SentEvent = { body: JsonObject; sentAt?: string; receivedAt: string };
type EventFacts = Pick<CallEvent, "at" | "phase" | "facts">;

const decoders = new Map<string, (call: JsonObject, sent: SentEvent) => EventFacts | EventFacts[]>([
  ["call_inbound", inbound],
  ["call_started", started],
  ["call_ended", ended],
  ["call_analyzed", analyzed],
  ["transfer_started", transferred],
  ["transfer_bridged", transferred],
  ["transfer_ended", transferred],
  ["transfer_cancelled", transferCancelled],
  [listedEvent, listed],
]);

/**
 * The events of a delivery. The phase is not taken from a webhook's `call_status`: in Retell's own `call_ended` it is
 * `registered`.
 */
export function decode({ event, body, subject, id, sentAt }: RetellMessage, receivedAt: string): CallEvent[] {
  const decoder = decoders.get(event);
  if (!decoder || !subject || !id) return [];
  const sent: SentEvent = { body, receivedAt, ...(sentAt && { sentAt }) };
  return [decoder(subject, sent)].flat().map((facts) => ({ callId: id, kind: event, ...facts }));
}

/** Its agent is the number's own; our answer may choose another one, so none is recorded yet. */
function inbound(call: JsonObject, { sentAt, receivedAt }: SentEvent): EventFacts {
  const number = textAt(call, "from_number");
  const line = textAt(call, "to_number");
  const facts: Facts = {
    direction: "inbound",
    ...(number && { customer: { number } }),
    ...(line && { line }),
    ...(sentAt && { startedAt: sentAt }),
  };
  return { at: sentAt ?? receivedAt, phase: "ringing", facts };
}

/** Retell sends `call_started` once the agent is on the line, never for a call that did not connect. */
function started(call: JsonObject, { sentAt, receivedAt }: SentEvent): EventFacts {
  const startedAt = timeAt(call, "start_timestamp");
  const facts = { ...commonFacts(call, true), ...(startedAt && { answeredAt: startedAt }) };
  return { at: startedAt ?? sentAt ?? receivedAt, phase: "answered", facts };
}

/** The only event of a call that did not connect, often without any time except that of its arrival. */
function ended(call: JsonObject, { sentAt, receivedAt }: SentEvent): EventFacts {
  const startedAt = timeAt(call, "start_timestamp");
  const endedAt = timeAt(call, "end_timestamp") ?? sentAt ?? (startedAt ? undefined : receivedAt);
  return { at: endedAt ?? receivedAt, phase: "ended", facts: endFacts(call, endedAt) };
}

/**
 * Sent after `call_ended`, possibly more than once. The agent talked until the end of the call, whenever it was
 * analysed; all other facts are as recent as the analysis.
 */
function analyzed(call: JsonObject, { sentAt, receivedAt }: SentEvent): EventFacts[] {
  const endedAt = timeAt(call, "end_timestamp");
  const { agents, ...facts } = { ...endFacts(call, endedAt), ...analysisFacts(call) };
  const overAt = afterEnd(endedAt) ?? sentAt ?? receivedAt;
  const at = sentAt ?? overAt;
  if (!agents) return [{ at, phase: "ended", facts }];
  if (at === overAt) return [{ at, phase: "ended", facts: { ...facts, agents } }];
  return [
    { at: overAt, phase: "ended", facts: { agents } },
    { at, phase: "ended", facts },
  ];
}

/** A call from the API, at any stage. A length of zero has not been counted yet. */
function listed(call: JsonObject, { receivedAt }: SentEvent): EventFacts {
  const startedAt = timeAt(call, "start_timestamp");
  if (!isOver(call)) {
    const goesOn = startedAt !== undefined && textAt(call, "call_status") === "ongoing";
    const facts = { ...commonFacts(call, goesOn), ...(goesOn && { answeredAt: startedAt }) };
    return { at: startedAt ?? receivedAt, phase: goesOn ? "answered" : "ringing", facts };
  }
  const endedAt = timeAt(call, "end_timestamp");
  const { talkSeconds, recording: _, ...facts } = endFacts(call, endedAt);
  const recording = lastingRecordingOf(call, endedAt);
  return {
    at: afterEnd(endedAt) ?? startedAt ?? receivedAt,
    phase: "ended",
    facts: {
      ...facts,
      ...(talkSeconds && { talkSeconds }),
      ...(recording && { recording }),
      ...analysisFacts(call),
    },
  };
}

function afterEnd(endedAt: string | undefined): string | undefined {
  return endedAt && new Date(Date.parse(endedAt) + 1).toISOString();
}

function analysisFacts(call: JsonObject): Facts {
  const summary = summaryOf(call);
  const sentiment = textAt(objectAt(call, "call_analysis"), "user_sentiment");
  return { ...(summary && { summary }), ...(sentiment && { sentiment }) };
}

function endFacts(call: JsonObject, endedAt: string | undefined): Facts {
  const startedAt = timeAt(call, "start_timestamp");
  const reason = textAt(call, "disconnection_reason") ?? reasonByStatus(call);
  const inVoicemail = objectAt(call, "call_analysis")["in_voicemail"] === true;
  const seconds = talkSecondsOf(call);
  const connected = !neverConnected(reason) && (startedAt !== undefined || Boolean(seconds));
  const talked = connected && (Boolean(seconds) || timeAt(call, "end_timestamp") !== undefined);
  const recording = recordingOf(call, endedAt);
  const transcript = transcriptOf(call);
  const transfer = transferAtEnd(call, reason);
  return {
    ...commonFacts(call, connected),
    ...(connected && startedAt && { answeredAt: startedAt }),
    ...(endedAt && { endedAt }),
    ...(connected && seconds !== undefined && { talkSeconds: seconds }),
    outcome: outcomeOf(reason, inVoicemail, talked),
    ...(reason && { reason }),
    ...(recording && { recording }),
    ...(transcript && { transcript }),
    ...(transfer && { transfer }),
  };
}

/** An agent may be configured not to send `transfer_*` events; the end of the call still names the destination. */
function transferAtEnd(call: JsonObject, reason: string | undefined): Transfer | undefined {
  const isTransfer = reason === "call_transfer" || reason === "transfer_bridged";
  const transfer = isTransfer ? transferOf({}, call) : undefined;
  return transfer?.to && transfer;
}

function transferred(call: JsonObject, sent: SentEvent): EventFacts {
  const { at, phase, facts } = transferCancelled(call, sent);
  return { at, phase, facts: { ...facts, transfer: transferOf(sent.body, call) } };
}

/** A cancelled transfer is not a transfer; the event still shows that the call had been answered. */
function transferCancelled(call: JsonObject, { sentAt, receivedAt }: SentEvent): EventFacts {
  const startedAt = timeAt(call, "start_timestamp");
  const facts = { ...commonFacts(call, false), ...(startedAt && { answeredAt: startedAt }) };
  return { at: sentAt ?? receivedAt, phase: "answered", facts };
}
