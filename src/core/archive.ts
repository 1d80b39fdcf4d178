import type { Readable } from "node:stream";
import type { AudioReply, AudioRequest } from "./audio.ts";

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
