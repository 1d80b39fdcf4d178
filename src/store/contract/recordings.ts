import type { RecordingState, TrackedCall, TrackedRecording } from "../../core/tracked-call.ts";

export type DuePoll = {
  row: TrackedCall;
  /** When polling for this call began. */
  since: number;
  attempts: number;
};

/** Recordings of calls, and the calls that their provider is polled for. */
export type RecordingStore = {
  duePolls(installation: string, provider: string, now: number, limit: number): Promise<DuePoll[]>;
  /** Counts an attempt and polls again at `until`; without a time, no more. */
  postponePolls(calls: readonly number[], until?: number): Promise<void>;
  /** Calls that are not over and have had no news since `quietSince`, after an id. */
  openCalls(
    of: { installation: string; provider: string; quietSince: number },
    after: number,
    limit: number,
  ): Promise<TrackedCall[]>;
  dueRecordings(installation: string, now: number, limit: number): Promise<TrackedRecording[]>;
  nextRecording(installation: string): Promise<number | undefined>;
  /** Those with a copy in the archive, after an id. */
  archivedRecordings(installation: string, after: number, limit: number): Promise<TrackedRecording[]>;
  recording(call: number): Promise<TrackedRecording | undefined>;
  /** `was`: the state that it was read in. False, and nothing is saved, when it has changed since. */
  saveRecording(row: TrackedRecording, was: RecordingState): Promise<boolean>;
  /** On request. Its copy in the archive is to be removed from `now` on. */
  deleteRecording(call: Pick<TrackedRecording, "call" | "installation">, now: number): Promise<void>;
  /**
   * Notes a copy whose recording was deleted or erased while it was made, so that the copy is removed as well. False when
   * the recording is in another state.
   */
  leaveCopy(call: number, place: string, now: number): Promise<boolean>;
  /** Removes the row of a recording, once its copy is removed. */
  forgetRecording(call: number): Promise<void>;
  /** From now on only the link with this number plays; the call becomes due at `now`, so that the CRM gets it. */
  relink(call: number, link: number, now: number): Promise<void>;
};
