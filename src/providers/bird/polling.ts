import type { FoldedCall } from "../../core/call.ts";
import type { Delivery, PollContext, Polling, Span } from "../../core/provider.ts";
import { isCallId, isoFromText, type JsonObject, textAt } from "../../lib/body.ts";
import { polledDelivery } from "../../lib/provider-api.ts";
import { type BirdApi, birdApi, isApiId, lacks, workspacePath } from "./api.ts";
import type { BirdSettings } from "./settings.ts";
import { polledEvents, recordingsThere } from "./wire.ts";

/** The API allows up to 1,000 calls and 99 recordings a page (docs.bird.com, 2026). */
const callsPerPage = 500;
const recordingsPerPage = 99;
const dayMs = 86_400_000;
const uuid = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/**
 * Polls Bird's channels voice. A workspace may send 50 requests a second (docs.bird.com, 2026). The new platform's
 * calls (`vcl_…`) have no log that we know of. Not verified: how far back the log reaches.
 */
export const polling: Polling<BirdSettings> = {
  lacks,
  historyDays: 90,
  calls,
  callsAtOnce: 10,
  async callsAgain(settings, known, context) {
    const api = birdApi(settings, context.signal);
    const deliveries: Delivery[] = [];
    for (const call of known) deliveries.push(...(await pollAgain(api, call, settings, context)));
    return deliveries;
  },
};

/**
 * A day at a time, in case the log is ordered newest first. Not verified: its order, and whether `startAt` and `endAt`
 * apply to `createdAt`, to the millisecond and inclusive; so whole seconds are requested, and every call is checked.
 */
async function* calls(settings: BirdSettings, span: Span, context: PollContext): AsyncGenerator<Delivery[]> {
  const api = birdApi(settings, context.signal);
  const since = Date.parse(span.since);
  const until = Date.parse(span.until);
  const seen = new Set<string>();
  for (let from = since; from < until; from += dayMs) {
    const query = {
      startAt: toSecond(from, Math.floor),
      endAt: toSecond(Math.min(from + dayMs, until), Math.ceil),
    };
    for await (const rows of api.pages("channels/calls", query, callsPerPage)) {
      const fresh = rows.filter((row) => isCallOf(row, since, until) && isNew(row, seen));
      if (fresh.length > 0) yield fresh.map((row) => callDelivery(row, settings, context));
    }
  }
}

function toSecond(ms: number, round: (seconds: number) => number): string {
  return new Date(round(ms / 1000) * 1000).toISOString();
}

function isCallOf(row: JsonObject, since: number, until: number): boolean {
  if (idOf(row) === undefined) return false;
  const madeAt = isoFromText(textAt(row, "createdAt"));
  return madeAt === undefined || (Date.parse(madeAt) >= since && Date.parse(madeAt) < until);
}

function isNew(row: JsonObject, seen: Set<string>): boolean {
  const { size } = seen;
  return seen.add(idOf(row) ?? "").size > size;
}

/** In the decoder's format, so that it refuses no row of a page. */
function idOf({ id }: JsonObject): string | undefined {
  const text = typeof id === "string" ? id.trim() : "";
  return text !== "" && isCallId(text) ? text : undefined;
}

async function pollAgain(
  api: BirdApi,
  call: FoldedCall,
  settings: BirdSettings,
  context: PollContext,
): Promise<Delivery[]> {
  const id = call.callId;
  if (!isApiId(id) || id.startsWith("vcl_")) return [];
  const row = (await callOfChannel(api, call)) ?? (await callOfLog(api, call));
  if (!row) return [];
  const delivery = callDelivery(row, settings, context);
  if (!wasAnswered(row, call)) return [delivery];
  const recordings: JsonObject[] = [];
  for await (const rows of api.pages("recordings", { sourceId: id }, recordingsPerPage))
    recordings.push(...rows.filter((recording) => isRecordingOf(recording, id)).map(withoutLinks));
  if (recordingsThere(recordings).length === 0) return [delivery];
  const payload = { id, recordings };
  return [
    delivery,
    deliveryOf({ event: polledEvents.recordings, payload, path: "recordings" }, settings, context),
  ];
}

async function callOfChannel(api: BirdApi, { callId, custom }: FoldedCall): Promise<JsonObject | undefined> {
  const channelId = custom?.["channelId"];
  if (typeof channelId !== "string" || !isApiId(channelId)) return undefined;
  const row = await api.one(`channels/${channelId}/calls/${callId}`);
  return row && idOf(row) === callId ? row : undefined;
}

/**
 * For a call whose channel is unknown or deleted. The log refuses an id that is not a UUID, such as that of a simulated
 * call.
 */
async function callOfLog(api: BirdApi, call: FoldedCall): Promise<JsonObject | undefined> {
  const at = Date.parse(call.startedAt ?? call.answeredAt ?? call.endedAt ?? "");
  if (Number.isNaN(at) || !uuid.test(call.callId)) return undefined;
  const around = { startAt: toSecond(at - dayMs, Math.floor), endAt: toSecond(at + dayMs, Math.ceil) };
  for await (const rows of api.pages("channels/calls", { id: call.callId, ...around }, callsPerPage)) {
    const found = rows.find((row) => idOf(row) === call.callId);
    if (found) return found;
  }
  return undefined;
}

function wasAnswered(row: JsonObject, call: FoldedCall): boolean {
  const status = textAt(row, "status")?.toLowerCase() ?? "";
  return (
    ["ongoing", "completed"].includes(status) ||
    (isoFromText(textAt(row, "answeredAt")) ?? call.answeredAt) !== undefined
  );
}

/** Whether a row belongs to this call: a list that ignored our filter must not give it the recording of another. */
function isRecordingOf(row: JsonObject, callId: string): boolean {
  const source = textAt(row, "sourceId") ?? textAt(row, "callId");
  return source === undefined || source === callId;
}

/** Without the links, which are secrets and differ each time. */
function withoutLinks({ url, roomInfoUrl, ...row }: JsonObject): JsonObject {
  return row;
}

/** The same path for every kind of request: the same response is then stored once. */
function callDelivery(row: JsonObject, settings: BirdSettings, context: PollContext): Delivery {
  return deliveryOf({ event: polledEvents.call, payload: row, path: "channels/calls" }, settings, context);
}

function deliveryOf(
  { event, payload, path }: { event: string; payload: JsonObject; path: string },
  settings: BirdSettings,
  context: PollContext,
): Delivery {
  const url = `${workspacePath(settings)}/${path}`;
  return polledDelivery("bird", url, { service: "channels", event, payload }, context);
}
