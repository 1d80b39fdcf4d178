import type { SimulatedCall, SimulatedRequest, Simulation } from "../../core/provider.ts";
import type { BirdSettings } from "./settings.ts";
import { channelsSignature, headerNames, platformSignature } from "./signature.ts";

/** Bird's value for a time that is not set. */
const zeroDate = "0001-01-01T00:00:00Z";

export const simulate: Simulation<BirdSettings> = {
  script(call) {
    const first =
      call.direction === "outbound" ? [status(call, "accepted", 0), status(call, "starting", 0)] : [];
    const opening = first.length > 0 ? first : [status(call, "starting", 0)];
    if (call.outcome === "busy") return [...opening, status(call, "busy", call.ringSeconds)];
    const ringing = [...opening, status(call, "ringing", Math.min(1, call.ringSeconds))];
    if (call.outcome === "no-answer") return [...ringing, status(call, "no-answer", call.ringSeconds)];
    const end = call.ringSeconds + call.talkSeconds;
    return [...ringing, status(call, "ongoing", call.ringSeconds), status(call, "completed", end)];
  },
  sign(request, settings, { now, url }) {
    const whole = request.query ? `${url}?${request.query}` : url;
    return { ...request, headers: { ...request.headers, ...proofOf(request.body, settings, now, whole) } };
  },
};

/** Signed like channels, or like the new platform for an installation that has only that secret. */
function proofOf(body: Uint8Array, settings: BirdSettings, now: number, url: string): Record<string, string> {
  const seconds = Math.floor(now / 1000);
  const [key] = settings.signingKey ?? [];
  const [secret] = settings.platformSecret ?? [];
  if (key) {
    return {
      [headerNames.timestamp]: String(seconds),
      [headerNames.signature]: channelsSignature(body, key, String(seconds), url).toString("base64"),
    };
  }
  const id = `msg_${now}`;
  return {
    [headerNames.platformId]: id,
    [headerNames.platformTimestamp]: String(seconds),
    [headerNames.platformSignature]: platformSignature(body, secret ?? "", id, seconds),
  };
}

function status(call: SimulatedCall, name: string, afterSeconds: number): SimulatedRequest {
  const inbound = call.direction === "inbound";
  const rang = name !== "accepted" && name !== "starting" && call.outcome !== "busy";
  const answered = name === "ongoing" || name === "completed";
  const over = ["completed", "no-answer", "busy"].includes(name);
  const customer = { number: pstn(call.customer) };
  const ours = { number: pstn(call.line), user: { id: call.agent } };
  const payload = {
    id: call.id,
    channelId: "b827924e-9789-4c2f-a4d5-b352175354f6",
    parentId: "",
    from: inbound ? call.customer : call.line,
    to: inbound ? call.line : call.customer,
    originator: inbound ? customer : ours,
    receiver: inbound ? ours : customer,
    direction: inbound ? "incoming" : "outgoing",
    status: name,
    reason: "",
    type: "pstn",
    duration: name === "completed" ? call.talkSeconds : 0,
    hangupCauseCode: over ? hangupCauses[call.outcome] : 0,
    createdAt: timeAfter(call, 0),
    updatedAt: timeAfter(call, afterSeconds),
    ringingAt: rang ? timeAfter(call, Math.min(1, call.ringSeconds)) : zeroDate,
    answeredAt: answered ? timeAfter(call, call.ringSeconds) : zeroDate,
    endedAt: over ? timeAfter(call, afterSeconds) : zeroDate,
  };
  const event = inbound ? "voice.inbound" : "voice.outbound";
  return {
    afterSeconds,
    method: "POST",
    query: "",
    headers: { "content-type": "application/json" },
    body: Buffer.from(JSON.stringify({ service: "channels", event, payload })),
  };
}

/** ITU-T Q.850: normal clearing, no answer, user busy. */
const hangupCauses = { completed: 16, "no-answer": 19, busy: 17 } as const;

function pstn(number: string) {
  return { type: "pstn", number, anonymous: false, identity: number };
}

function timeAfter(call: SimulatedCall, seconds: number): string {
  return new Date(Date.parse(call.startedAt) + seconds * 1000).toISOString();
}
