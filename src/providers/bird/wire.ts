import type { CallEvent } from "../../core/call.ts";
import { Rejected } from "../../core/errors.ts";
import { type Delivery, polledMethod } from "../../core/provider.ts";
import { callIdAt, isObject, type JsonObject, jsonBody, textAt } from "../../lib/body.ts";
import { decodeChannels } from "./channels.ts";
import { decodePlatform } from "./platform.ts";
import { decodeRecordings } from "./recording-facts.ts";

const channelsEvents = new Set(["voice.inbound", "voice.outbound"]);
const platformEvents = new Set(["voice_call.initiated", "voice_call.answered", "voice_call.ended"]);

/**
 * Our names for responses of Bird's API, in the envelope of its webhooks. `call`: the payload is the Call of the API.
 * `recordings`: the payload is `{id, recordings}`, the id of the call and the rows of the API.
 */
export const polledEvents = { call: "voice.listed", recordings: "voice.recordings" } as const;
const polledNames = new Set<string>(Object.values(polledEvents));

type BirdMessage = {
  kind: string;
  /** The whole message. */
  body: JsonObject;
  /** Absent for a message that is not about a call. */
  call?: { id: string; from: "channels" | "platform"; facts: JsonObject };
};

export function decode({ kind, body, call }: BirdMessage, receivedAt: string): CallEvent[] {
  if (!call) return [];
  if (kind === polledEvents.recordings) return decodeRecordings(call.id, call.facts, receivedAt);
  if (call.from === "platform")
    return [
      {
        callId: call.id,
        ...decodePlatform(kind, call.facts, textAt(body, "timestamp"), receivedAt),
      },
    ];
  const { parentId, ...rest } = decodeChannels(kind, call.facts, receivedAt);
  const ids = parentId === undefined ? { callId: call.id } : { callId: parentId, sameCallAs: call.id };
  return [{ ...ids, ...rest }];
}

/** Channels name their events in `event`, the new platform in `type`. Throws `Rejected(400)` for a body with neither. */
export function parse(delivery: Delivery): BirdMessage {
  const body = jsonBody(delivery);
  const kind = nameAt(body, "event") ?? nameAt(body, "type");
  if (!kind) throw new Rejected(400, "the body has neither `event` nor `type`: Bird names every event");
  if (channelsEvents.has(kind)) {
    if (isSubscriptionRequest(body)) return { kind: "subscription request", body };
    return { kind, body, call: { ...callIn(body, "payload", "id", kind), from: "channels" } };
  }
  if (delivery.method === polledMethod && polledNames.has(kind))
    return { kind, body, call: { ...callIn(body, "payload", "id", kind), from: "channels" } };
  if (!platformEvents.has(kind)) return { kind: kind.slice(0, 80), body };
  return { kind, body, call: { ...callIn(body, "data", "call_id", kind), from: "platform" } };
}

/** Bird's page shows a subscription request as an "example event"; people send it to test their webhook. */
function isSubscriptionRequest(body: JsonObject): boolean {
  return (
    !Object.hasOwn(body, "payload") &&
    ["signingKey", "eventFilters"].some((name) => Object.hasOwn(body, name))
  );
}

function callIn(
  body: JsonObject,
  member: string,
  idName: string,
  kind: string,
): { id: string; facts: JsonObject } {
  const facts = Object.hasOwn(body, member) ? body[member] : undefined;
  if (!isObject(facts)) throw new Rejected(400, `a ${kind} event without its \`${member}\` object`);
  const id = callIdAt(facts, idName);
  if (!id) throw new Rejected(400, `a ${kind} event without \`${member}.${idName}\``);
  return { id, facts };
}

function nameAt(body: JsonObject, name: string): string | undefined {
  const value = Object.hasOwn(body, name) ? body[name] : undefined;
  return typeof value === "string" ? value.trim() || undefined : undefined;
}
