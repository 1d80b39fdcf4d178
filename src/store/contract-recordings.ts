import type { CallRow } from "../core/tracked-call.ts";

/**
 * `wanted`: not there yet, as far as we know. `there`: the provider plays it. `kept`: it is in our archive. `missing`:
 * it did not come within its time. `expired`: its time in the archive is over. `deleted`: somebody asked for that.
 * `erase`: its bytes have to go, and then this row.
 */
const recordingStates = ["wanted", "there", "kept", "missing", "expired", "deleted", "erase"] as const;
export type RecordingState = (typeof recordingStates)[number];

/**
 * What became of the recording of a call. Times in milliseconds since 1970. `since`: when it was first wanted. `dueAt`: when there is
 * something to do about it. `seenAt`: when it could first be played. `toldAt`: when the CRM was told so. `place`,
 * `bytes`, `sha256`, `type`: of what is in the archive.
 */
export type RecordingRow = {
  call: number;
  installation: string;
  state: RecordingState;
  since: number;
  dueAt?: number;
  attempts: number;
  seenAt?: number;
  toldAt?: number;
  place?: string;
  bytes?: number;
  sha256?: string;
  type?: string;
  reason?: string;
};

/** A call that its provider is to be asked about again. `since`: when that was first wanted. */
type DuePoll = { row: CallRow; since: number; attempts: number };

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
  ): Promise<CallRow[]>;
  dueRecordings(installation: string, now: number, limit: number): Promise<RecordingRow[]>;
  nextRecording(installation: string): Promise<number | undefined>;
  /** Those in the archive, after an id: what an account that leaves has there. */
  keptRecordings(installation: string, after: number, limit: number): Promise<RecordingRow[]>;
  recording(call: number): Promise<RecordingRow | undefined>;
  /** `was`: the state that it was read in. False, and nothing is saved, when it is in another one by now. */
  saveRecording(row: RecordingRow, was: RecordingState): Promise<boolean>;
  /** On request; what of it is in the archive is to be removed from `now` on. */
  deleteRecording(call: Pick<RecordingRow, "call" | "installation">, now: number): Promise<void>;
  /** A copy that came when its recording was to be erased or deleted already: that goes for it, too. False when it was done already. */
  leaveCopy(call: number, place: string, now: number): Promise<boolean>;
  /** An erased call: nothing of its recording stays. */
  forgetRecording(call: number): Promise<void>;
  /** From now on only the link with this number plays; the call becomes due at `now`, so that the CRM gets it. */
  relink(call: number, link: number, now: number): Promise<void>;
};
