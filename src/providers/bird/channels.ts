import type { AgentRef, CallEvent, Facts, Outcome, Party, Phase, Scalar } from "../../core/call.ts";
import {
  isCallId,
  isoFromText,
  type JsonObject,
  numberAt,
  objectAt,
  scalarsOf,
  secondsAt,
  textAt,
} from "../../lib/body.ts";
import { outcomeOfWord, plainWord } from "../../lib/words.ts";

/**
 * Bird's channels voice. Not verified: no voice delivery has been published, so the fields of `payload` are
 * those of the Call in Bird's API (docs.bird.com, 2026), and everything in it may be missing.
 */
const statuses = new Map<string, Status>([
  ["accepted", { phase: "ringing", time: "createdAt" }],
  ["starting", { phase: "ringing", time: "createdAt" }],
  ["ringing", { phase: "ringing", time: "ringingAt" }],
  ["ongoing", { phase: "answered", time: "answeredAt" }],
  ["queued", { phase: "ringing", time: "createdAt" }],
  ["in-progress", { phase: "answered", time: "answeredAt" }],
]);
type Status = { phase: Phase; time: string; outcome?: Outcome };

/** One end of a call. `agent`: it is a user or a SIP phone, so on the company's side. */
type Side = { party: Party; agent?: AgentRef; contactId?: string };

/** The facts of a `voice.inbound`, a `voice.outbound` or a call from the API; `event` is its name. */
export function decodeChannels(
  event: string,
  payload: JsonObject,
  receivedAt: string,
): Omit<CallEvent, "callId"> & { parentId?: string } {
  const name = textAt(payload, "status")?.toLowerCase() ?? "";
  const status = statusOf(plainWord(name) ?? "", payload);
  const at = timeAt(payload, "updatedAt") ?? (status && timeAt(payload, status.time)) ?? receivedAt;
  const kind = name ? `${event} ${name}`.slice(0, 80) : event;
  const parentId = parentIdOf(payload);
  if (parentId !== undefined)
    return { at, kind, parentId, ...legOf(payload, status, peopleOf(event, payload, status?.phase)) };
  const progress = progressOf(payload, status?.outcome);
  const facts = { ...peopleOf(event, payload, status?.phase), ...progress };
  return { at, kind, ...(status && { phase: status.phase }), facts };
}

/**
 * `ended` and words that Bird does not list end the call when `endedAt` is set; the times show whether there was a
 * conversation.
 */
function statusOf(name: string, payload: JsonObject): Status | undefined {
  const known = statuses.get(name);
  if (known) return known;
  const outcome = outcomeOfWord(name);
  if (outcome) return { phase: "ended", time: "endedAt", outcome };
  if (name === "" || timeAt(payload, "endedAt") === undefined) return undefined;
  const answered = timeAt(payload, "answeredAt") !== undefined;
  return { phase: "ended", time: "endedAt", outcome: answered ? "completed" : "unknown" };
}

/**
 * A call that Bird made on behalf of another one (forwarding, transferCall) is a leg of that one, and the person it
 * reached is an agent. Its end is not the end of the other call, which may continue with the next colleague.
 * Unverified: that webhooks carry the `parentId` of the API.
 */
function legOf(
  payload: JsonObject,
  status: Status | undefined,
  { direction, customer, agents = [], custom }: Facts,
): { phase?: Phase; facts: Facts } {
  const answeredAt = timeAt(payload, "answeredAt");
  const talked = answeredAt !== undefined || status?.phase === "answered";
  const number = customer?.number;
  const colleague: AgentRef[] = number ? [{ ids: [number], ...(talked && { talked }) }] : [];
  const people = direction === "outbound" ? colleague : agents;
  return {
    phase: talked ? "answered" : "ringing",
    facts: {
      ...(direction && { direction }),
      ...(people.length > 0 && { agents: people }),
      ...(answeredAt && { answeredAt }),
      ...(talked && status?.outcome === "completed" && { outcome: status.outcome }),
      ...(!talked && status?.outcome && status.outcome !== "completed" && { notTaken: status.outcome }),
      ...(custom && { custom }),
    },
  };
}

/** Unset times are sent as the zero date 0001-01-01, and unset texts as empty: both are absent here. */
function progressOf(payload: JsonObject, outcome: Outcome | undefined): Facts {
  const startedAt = timeAt(payload, "createdAt");
  const answeredAt = timeAt(payload, "answeredAt");
  const endedAt = timeAt(payload, "endedAt");
  // Bird sends 0 before it has counted; the times show whether a call had no length.
  const talkSeconds = (outcome === "completed" && secondsAt(payload, "duration")) || undefined;
  const ringSeconds = ringSecondsOf(payload, answeredAt ?? (outcome === "completed" ? undefined : endedAt));
  const reason =
    outcome && (textAt(payload, "reason") ?? (outcome === "unknown" ? textAt(payload, "status") : undefined));
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

/** The name of a webhook also contains the direction; a response of the API has no such name. */
function directionOf(event: string, payload: JsonObject): "inbound" | "outbound" | undefined {
  const direction = textAt(payload, "direction")?.toLowerCase();
  if (direction === "incoming" || direction === "inbound") return "inbound";
  if (direction === "outgoing" || direction === "outbound") return "outbound";
  if (event === "voice.outbound") return "outbound";
  return event === "voice.inbound" ? "inbound" : undefined;
}

/** `from` and `to` are texts in the API's schema; objects are accepted, in case the webhook differs. */
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

/** Not verified: how Bird identifies the user or SIP phone that answers a call. */
function agentOf(side: JsonObject, address: string | undefined): AgentRef | undefined {
  const user = objectAt(side, "user");
  const type = textAt(objectAt(side, "number"), "type")?.toLowerCase();
  const ours = type === "sip" || type === "user" || address?.toLowerCase().startsWith("sip:");
  const ids = [textAt(user, "id"), ours ? address : undefined].filter((id) => id !== undefined);
  const name = textAt(user, "displayName") ?? textAt(user, "name");
  return ids.length > 0 ? { ids, ...(name && { name }) } : undefined;
}

function customOf(payload: JsonObject, contactId: string | undefined): Record<string, Scalar> | undefined {
  const cause = numberAt(payload, "hangupCauseCode");
  const custom = scalarsOf({
    channelId: textAt(payload, "channelId"),
    parentId: parentIdOf(payload),
    contactId,
    hangupCauseCode: cause === 0 ? undefined : cause,
    hangupSource: textAt(payload, "hangupSource"),
    hangupSipCode: textAt(payload, "hangupSipCode"),
  });
  return Object.keys(custom).length > 0 ? custom : undefined;
}

function parentIdOf(payload: JsonObject): string | undefined {
  const names = ["parentId", "parentCallId", "originCallId"];
  const id = names.map((name) => payload[name]).find((value) => typeof value === "string" && value.trim());
  return typeof id === "string" && isCallId(id) && id !== textAt(payload, "id") ? id : undefined;
}

function timeAt(payload: JsonObject, name: string): string | undefined {
  return isoFromText(textAt(payload, name));
}
