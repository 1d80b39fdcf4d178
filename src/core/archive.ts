import type { Readable } from "node:stream";
import type { AudioReply, AudioRequest } from "./audio.ts";

/** `name`: a call's own, such as "acme/2026/11/k3x9". `body`: read to its end, or destroyed. More than `maxBytes` is refused. */
export type AudioToKeep = { name: string; type: string; body: Readable; maxBytes: number };

/** `place`: what `open` and `remove` want. `sha256`: 64 hex digits. `type`: the one that it is served with. */
export type ArchivedAudio = { place: string; bytes: number; sha256: string; type: string };

/** Where recordings are kept for longer than their provider keeps them. All of it throws `ArchiveError`. */
export type Archive = {
  /** Where that is, for people. */
  name: string;
  /**
   * Keeps audio durably, in constant memory, or leaves nothing behind. The same name again replaces what was there,
   * and its place may be another one then.
   */
  keep(audio: AudioToKeep, signal?: AbortSignal): Promise<ArchivedAudio>;
  /** As a provider answers for its recording: 200, 206 for one range, 416, 404. */
  open(place: string, request: AudioRequest): Promise<AudioReply>;
  /** Something that is gone already is fine. */
  remove(place: string): Promise<void>;
  /** Throws when nothing can be kept just now. */
  ready(): Promise<void>;
  close?(): Promise<void>;
};
