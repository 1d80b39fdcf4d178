import type { Readable } from "node:stream";
import type { FoldedCall } from "./call.ts";
import { identityOf } from "./phone.ts";
import type { InstallationSettings, RecordingPolicy } from "./settings.ts";

/** Audio to archive. */
export type AudioToKeep = {
  /** Unique to the call, such as "acme/2026/11/k3x9". */
  name: string;
  type: string;
  /** Is read to its end, or destroyed. */
  body: Readable;
  /** More is refused. */
  maxBytes: number;
};

export type ArchivedAudio = {
  /** For `open` and `remove`. */
  place: string;
  bytes: number;
  /** 64 hex digits. */
  sha256: string;
  /** The content type that it is served with. */
  type: string;
};

/** Copies of recordings, independent of their provider. All methods throw `ArchiveError`. */
export type Archive = {
  /** Where the copies are, for people. */
  name: string;
  /**
   * Stores audio durably, in constant memory, or leaves nothing behind. The same name replaces the earlier copy, perhaps
   * at another place.
   */
  keep(audio: AudioToKeep, signal?: AbortSignal): Promise<ArchivedAudio>;
  /** Answers like a provider for its recording: 200, 206 for one range, 416, 404. */
  open(place: string, request: AudioRequest): Promise<AudioReply>;
  /** Does nothing when the copy is already removed. */
  remove(place: string): Promise<void>;
  /** Throws when nothing can be stored at the moment. */
  ready(): Promise<void>;
  close?(): Promise<void>;
};

/** A listener's request. `headers`: `range` and `if-range`, if present. */
export type AudioRequest = { headers: Readonly<Record<string, string>>; signal: AbortSignal };

/** The answer for a recording, of any status. `headers`: lower-case names. `body`: must be read or destroyed. */
export type AudioReply = { status: number; headers: Readonly<Record<string, string>>; body: Readable };

const page = /^(text\/html|application\/(\w+\+)?(json|xml)|text\/xml)\b/i;

/** Whether it is a web page or an error text instead of audio. Storage services label audio with any other type. */
export function isPage({ headers }: Pick<AudioReply, "headers">): boolean {
  return page.test(headers["content-type"] ?? "");
}

/** Whether it is audio, whole or in part. */
export function isAudio(reply: AudioReply): boolean {
  return (reply.status === 200 || reply.status === 206) && !isPage(reply);
}

type Settings = Pick<InstallationSettings, "recording" | "recordingLines" | "region">;

/**
 * The policy for the recording of a call on this line. Where lines differ and the line of a call is unknown, the strictest
 * of their policies applies: unknown consent is no consent.
 */
export function recordingPolicyOf(settings: Settings, line: string | undefined): RecordingPolicy {
  const { recording, recordingLines, region } = settings;
  const others = Object.values(recordingLines);
  if (others.length === 0) return recording;
  const number = identityOf(line, region) ?? line;
  if (number !== undefined)
    return Object.hasOwn(recordingLines, number) ? (recordingLines[number] ?? recording) : recording;
  if (others.includes("none")) return "none";
  return others.includes("link") ? "link" : recording;
}

/** The call as it may be stored: without its recording where the policy is `none`. */
export function withoutUnwanted<C extends FoldedCall>(settings: Settings, call: C): C {
  if (!call.recording || recordingPolicyOf(settings, call.line) !== "none") return call;
  const { recording: _, ...rest } = call;
  return rest as C;
}
