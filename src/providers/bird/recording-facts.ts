import type { CallEvent, Recording } from "../../core/call.ts";
import { isoFromText, type JsonObject, objectsAt, secondsAt, textAt } from "../../lib/body.ts";
import { isApiId } from "./api.ts";

/** More recordings than one call has. */
const mostRecordings = 1_000;

type FoundRecording = { recording: Recording; seconds: number; at: string };

/** The fact of `voice.recordings`: the one recording of the call that is played. None while there is none. */
export function decodeRecordings(callId: string, payload: JsonObject, receivedAt: string): CallEvent[] {
  const [best, ...others] = recordingsThere(objectsAt(payload, "recordings"));
  if (!best) return [];
  // The time of the latest change, so that a better, earlier recording does not sort first.
  const at = others.reduce((latest, other) => (other.at > latest ? other.at : latest), best.at);
  return [{ callId, at: at || receivedAt, kind: "voice.recordings", facts: { recording: best.recording } }];
}

/**
 * The recordings of a call that can be fetched: the longest first, then the newest. Not verified: how several
 * recordings of one call relate; whether `duration` is in seconds, like that of a call.
 */
export function recordingsThere(recordings: readonly JsonObject[]): FoundRecording[] {
  const found = recordings.slice(0, mostRecordings).flatMap((row) => {
    const id = textAt(row, "id");
    const isThere = textAt(row, "status")?.toLowerCase() === "available";
    if (!isThere || !isApiId(id)) return [];
    const seconds = secondsOf(row);
    const recording = { ref: refOf(id, textAt(row, "format")), ...(seconds > 0 && { seconds }) };
    return [{ recording, seconds, at: timeAt(row, "updatedAt") ?? timeAt(row, "createdAt") ?? "" }];
  });
  return found.sort(
    (a, b) =>
      b.seconds - a.seconds || b.at.localeCompare(a.at) || a.recording.ref.localeCompare(b.recording.ref),
  );
}

/** The id of the recording in one of our `Recording.ref`; undefined for any other ref. */
export function recordingIdOf(ref: string): string | undefined {
  return /^bird:recording:([\w-]{1,128})(?:\.(?:wav|mp3))?$/.exec(ref)?.[1];
}

/** A ref of our own, since Bird's links are valid for 600 s only. The ending is for players, and not part of the id. */
function refOf(id: string, format: string | undefined): string {
  const [ending] = /(wav|mp3)$/.exec(format?.toLowerCase() ?? "") ?? [];
  return `bird:recording:${id}${ending ? `.${ending}` : ""}`;
}

/** 0 when unknown: real recordings that can be fetched have had a `duration` of 0 and no end (2023). */
function secondsOf(row: JsonObject): number {
  const duration = secondsAt(row, "duration");
  if (duration) return duration;
  const [from, to] = [timeAt(row, "startedAt"), timeAt(row, "endedAt")];
  return from && to && from < to ? Math.round((Date.parse(to) - Date.parse(from)) / 1000) : 0;
}

function timeAt(row: JsonObject, name: string): string | undefined {
  return isoFromText(textAt(row, name));
}
