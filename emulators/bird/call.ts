import { createHash } from "node:crypto";
import type { SimulatedCall } from "../../src/core/provider.ts";
import { simulate } from "../../src/providers/bird/simulate.ts";
import { type PlacedOptions, usualRecordingDelay } from "../provider.ts";

export type Row = {
  channelId?: unknown;
  direction?: unknown;
  originator?: unknown;
  receiver?: unknown;
  [more: string]: unknown;
};

/** A call that the API knows. Both are told as they are at a time (ms). */
export type PlacedCall = {
  id: string;
  channelId: string;
  madeAt: number;
  /** undefined while nobody has called yet. */
  callAt(now: number): Row | undefined;
  /** undefined while there is none. `url` is added by whoever signs links. */
  recordingAt(now: number): Row | undefined;
  recordingId: string;
  seconds: number;
};

const zeroDate = "0001-01-01T00:00:00Z";

/** Written with the words of the webhooks' payload: Bird documents one Call for both. */
export function placeCall(call: SimulatedCall, options: PlacedOptions = {}): PlacedCall {
  const { recordingAfterSeconds = usualRecordingDelay } = options;
  const madeAt = Date.parse(call.startedAt);
  const states = simulate.script(call).map(({ afterSeconds, body }) => {
    const row: Row = { ...payloadOf(body), scheduledFor: zeroDate, tags: [] };
    return { at: madeAt + afterSeconds * 1000, row };
  });
  const { channelId, direction, originator, receiver } = states[0]?.row ?? {};
  const answeredAt = madeAt + call.ringSeconds * 1000;
  const endedAt = answeredAt + call.talkSeconds * 1000;
  const recordingId = uuidOf(`recording of ${call.id}`);
  return {
    id: call.id,
    channelId: String(channelId),
    madeAt,
    callAt: (now) => states.findLast(({ at }) => at <= now)?.row,
    recordingAt(now) {
      if (call.outcome !== "completed" || recordingAfterSeconds === null || now < answeredAt)
        return undefined;
      const readyAt = endedAt + recordingAfterSeconds * 1000;
      const isReady = now >= readyAt;
      return {
        id: recordingId,
        source: "call",
        sourceId: call.id,
        channelId,
        // unverified: the words for a recording that is being made, apart from `accepted`.
        status: isReady ? "available" : "accepted",
        direction,
        originator,
        receiver,
        origin: "create-call",
        duration: isReady ? call.talkSeconds : 0,
        stereo: false,
        format: "wav",
        transcription: false,
        createdAt: iso(answeredAt),
        updatedAt: iso(isReady ? readyAt : answeredAt),
        startedAt: iso(answeredAt),
        endedAt: isReady ? iso(endedAt) : zeroDate,
      };
    },
    recordingId,
    seconds: call.talkSeconds,
  };
}

function payloadOf(body: Uint8Array): Row {
  return (JSON.parse(Buffer.from(body).toString("utf8")) as { payload: Row }).payload;
}

function uuidOf(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return hex.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
