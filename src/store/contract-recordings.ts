import type { RecordingState, TrackedCall, TrackedRecording } from "../core/tracked-call.ts";

/** A call that its provider is to be asked about again. `since`: when that was first wanted. */
type DuePoll = { row: TrackedCall; since: number; attempts: number };

/** What is known of recordings, and what providers still have to tell. */
export type RecordingStore = {
  dueAsks(installation: string, provider: string, now: number, limit: number): Promise<DuePoll[]>;
  /** Puts these off until then; without a time they are given up. */
  putOffAsks(calls: readonly number[], until?: number): Promise<void>;
  /** Calls that are not over, and of which nothing was heard since `quietSince`, after an id. */
  openCalls(
    of: { installation: string; provider: string; quietSince: number },
    after: number,
    limit: number,
  ): Promise<TrackedCall[]>;
  dueRecordings(installation: string, now: number, limit: number): Promise<TrackedRecording[]>;
  nextRecording(installation: string): Promise<number | undefined>;
  /** Those in the archive, after an id: what an account that leaves has there. */
  keptRecordings(installation: string, after: number, limit: number): Promise<TrackedRecording[]>;
  recording(call: number): Promise<TrackedRecording | undefined>;
  /** `was`: the state that it was read in. False, and nothing is saved, when it is in another one by now. */
  saveRecording(row: TrackedRecording, was: RecordingState): Promise<boolean>;
  /** On request; what of it is in the archive is to be removed from `now` on. */
  deleteRecording(call: Pick<TrackedRecording, "call" | "installation">, now: number): Promise<void>;
  /** A copy that came when its recording was to be erased or deleted already: that goes for it, too. False when it was done already. */
  leaveCopy(call: number, place: string, now: number): Promise<boolean>;
  /** An erased call: nothing of its recording stays. */
  forgetRecording(call: number): Promise<void>;
  /** From now on only the link with this number plays; the call becomes due at `now`, so that the CRM gets it. */
  relink(call: number, link: number, now: number): Promise<void>;
};
