import type { AgentRef, CallEvent, Facts, Outcome, Party, Phase, Scalar } from "../../core/call.ts";
import {
  isoFromText,
  type JsonObject,
  numberAt,
  objectAt,
  scalarsOf,
  secondsAt,
  textAt,
} from "../../lib/body.ts";

/**
 * Bird's channels voice. Not verified: no voice delivery has been published, so the fields of `payload` are
 * those of the Call in Bird's API (docs.bird.com, 2026), and everything in it may be missing.
 */
const statuses = new Map<string, { phase: Phase; time: string; outcome?: Outcome }>([
  ["accepted", { phase: "ringing", time: "createdAt" }],
  ["starting", { phase: "ringing", time: "createdAt" }],
  ["ringing", { phase: "ringing", time: "ringingAt" }],
  ["ongoing", { phase: "answered", time: "answeredAt" }],
  ["completed", { phase: "ended", time: "endedAt", outcome: "completed" }],
  ["no-answer", { phase: "ended", time: "endedAt", outcome: "no-answer" }],
  ["busy", { phase: "ended", time: "endedAt", outcome: "busy" }],
  ["failed", { phase: "ended", time: "endedAt", outcome: "failed" }],
  ["cancelled", { phase: "ended", time: "endedAt", outcome: "cancelled" }],
  ["canceled", { phase: "ended", time: "endedAt", outcome: "cancelled" }],
]);

/** One end of a call. `agent`: it is a user or a SIP phone, so somebody of the company. */
type Side = { party: Party; agent?: AgentRef; contactId?: string };

/** What a `voice.inbound`, a `voice.outbound` or a call of the API says; `event` is its name. */
export function decodeChannels(
  event: string,
  payload: JsonObject,
  receivedAt: string,
): Omit<CallEvent, "callId"> {
  const name = textAt(payload, "status")?.toLowerCase() ?? "";
  const status = statuses.get(name);
  const at = timeAt(payload, "updatedAt") ?? (status && timeAt(payload, status.time)) ?? receivedAt;
  const facts = { ...peopleOf(event, payload, status?.phase), ...progressOf(payload, status?.outcome) };
  return {
    at,
    kind: name ? `${event} ${name}`.slice(0, 80) : event,
    ...(status && { phase: status.phase }),
    facts,
  };
}

/** Unset times come as the zero date 0001-01-01, and unset texts empty: both are absent here. */
function progressOf(payload: JsonObject, outcome: Outcome | undefined): Facts {
  const startedAt = timeAt(payload, "createdAt");
  const answeredAt = timeAt(payload, "answeredAt");
  const endedAt = timeAt(payload, "endedAt");
  // 0 is what Bird says before it has counted; a call of no length shows by its times.
  const talkSeconds = (outcome === "completed" && secondsAt(payload, "duration")) || undefined;
  const ringSeconds = ringSecondsOf(payload, answeredAt ?? (outcome === "completed" ? undefined : endedAt));
  const reason = outcome && textAt(payload, "reason");
  return {
    ...(startedAt && { startedAt }),
    ...(answeredAt && { answeredAt }),
    ...(endedAt && { endedAt }),
    ...(talkSeconds !== undefined && { talkSeconds }),
    ...(ringSeconds !== undefined && { ringSeconds }),
    ...(outcome && { outcome }),
    ...(reason && { reason }),
  };
}

function ringSecondsOf(payload: JsonObject, until: string | undefined): number | undefined {
  const since = timeAt(payload, "ringingAt");
  if (!since || !until || until < since) return undefined;
  return Math.round((Date.parse(until) - Date.parse(since)) / 1000);
}

function peopleOf(event: string, payload: JsonObject, phase: Phase | undefined): Facts {
  const direction = directionOf(event, payload);
  const outward = direction === "outbound";
  const from = sideOf(payload, "from", "originator");
  const to = sideOf(payload, "to", "receiver");
  const [customer, ours] = outward ? [to, from] : [from, to];
  const talked = timeAt(payload, "answeredAt") !== undefined || phase === "answered";
  const custom = customOf(payload, direction && customer.contactId);
  if (!direction) return custom ? { custom } : {};
  return {
    direction,
    ...((customer.party.number || customer.party.name) && { customer: customer.party }),
    ...(ours.party.number && !ours.party.number.startsWith("sip:") && { line: ours.party.number }),
    ...(ours.agent && { agents: [{ ...ours.agent, ...(talked && { talked }) }] }),
    ...(custom && { custom }),
  };
}

/** The name of a webhook says it as well; an answer of the API has no such name. */
function directionOf(event: string, payload: JsonObject): "inbound" | "outbound" | undefined {
  const direction = textAt(payload, "direction")?.toLowerCase();
  if (direction === "incoming" || direction === "inbound") return "inbound";
  if (direction === "outgoing" || direction === "outbound") return "outbound";
  if (event === "voice.outbound") return "outbound";
  return event === "voice.inbound" ? "inbound" : undefined;
}

/** `from` and `to` are texts in the API's schema; objects are read the same way, in case the webhook differs. */
function sideOf(payload: JsonObject, plain: string, detailed: string): Side {
  const side = objectAt(payload, detailed);
  const contact = objectAt(side, "contact");
  const line = objectAt(side, "number");
  const contactId = textAt(contact, "id");
  const number =
    textAt(payload, plain) ?? numberIn(objectAt(payload, plain)) ?? numberIn(line) ?? textAt(side, "number");
  const address =
    number ??
    (textAt(contact, "identifierKey") === "phonenumber" ? textAt(contact, "identifierValue") : undefined);
  const agent = agentOf(side, address);
  return { party: partyOf(line, address), ...(agent && { agent }), ...(contactId && { contactId }) };
}

function partyOf(line: JsonObject, number: string | undefined): Party {
  if (line["anonymous"] === true) return { number: "anonymous" };
  const name = textAt(line, "callerIdName");
  return { ...(number && { number }), ...(name && { name }) };
}

function numberIn(object: JsonObject): string | undefined {
  return textAt(object, "number") ?? textAt(object, "identity") ?? textAt(object, "identifierValue");
}

/** Not verified: how Bird names the user or SIP phone that takes a call. */
function agentOf(side: JsonObject, address: string | undefined): AgentRef | undefined {
  const user = objectAt(side, "user");
  const type = textAt(objectAt(side, "number"), "type")?.toLowerCase();
  const ours = type === "sip" || type === "user" || address?.toLowerCase().startsWith("sip:");
  const ids = [textAt(user, "id"), ours ? address : undefined].filter((id) => id !== undefined);
  const name = textAt(user, "displayName") ?? textAt(user, "name");
  return ids.length > 0 ? { ids, ...(name && { name }) } : undefined;
}

function customOf(payload: JsonObject, contactId: string | undefined): Record<string, Scalar> | undefined {
  const parentId =
    textAt(payload, "parentId") ?? textAt(payload, "parentCallId") ?? textAt(payload, "originCallId");
  const cause = numberAt(payload, "hangupCauseCode");
  const custom = scalarsOf({
    channelId: textAt(payload, "channelId"),
    parentId,
    contactId,
    hangupCauseCode: cause === 0 ? undefined : cause,
    hangupSource: textAt(payload, "hangupSource"),
    hangupSipCode: textAt(payload, "hangupSipCode"),
  });
  return Object.keys(custom).length > 0 ? custom : undefined;
}

function timeAt(payload: JsonObject, name: string): string | undefined {
  return isoFromText(textAt(payload, name));
}
