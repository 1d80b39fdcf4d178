import type { Call } from "./call.ts";
import type { ContactRef } from "./contact.ts";
import type { Fields, FieldValue } from "./crm.ts";

/** What becomes of a call here. */
export const callStates = [
  /** It is not over yet. */
  "open",
  /** It is over, and to be logged. */
  "waiting",
  /** The CRM has its activity. */
  "logged",
  /** It cannot be logged until a person has put something right. */
  "dead",
  /** It is not to be logged. */
  "ignored",
  /** It was a leg of another call. */
  "merged",
  /** A person deleted its activity. */
  "gone",
] as const;
export type CallState = (typeof callStates)[number];

/** The `lookup` of a contact that a person chose in the console: no other number or sync changes it. */
export const chosenByPerson = "a person";

/** Why a call has this contact and this owner, for `explain`. */
export type Decision = {
  number?: string;
  lookup: string;
  reason?: string;
  contact?: ContactRef & { name?: string };
  runnersUp?: (ContactRef & { name?: string })[];
  owner?: { id: string; why: string };
  agent?: string;
};

/** For each field of an activity, the values that may be in the CRM because we wrote them. */
export type WrittenByUs = Record<string, FieldValue[]>;

/** A call with what is known of its activity. Times in milliseconds since 1970. */
export type TrackedCall = {
  id: number;
  call: Call;
  state: CallState;
  /** E.164, when the customer has a number that can be looked up. */
  number?: string;
  reason?: string;
  dueAt?: number;
  attempts: number;
  savedRevision: number;
  contact?: ContactRef;
  ownerId?: string;
  activityId?: string;
  /** When it was first sent without an answer that was stored: the CRM may have it. */
  sentAt?: number;
  ours: WrittenByUs;
  decision?: Decision;
  mergedInto?: number;
  /** The number of the link to its recording that plays; a higher one has replaced those before. */
  link: number;
  createdAt: number;
  updatedAt: number;
};

/** What becomes of a recording here. */
const recordingStates = [
  /** It cannot be played yet, as far as is known. */
  "wanted",
  /** The provider plays it. */
  "there",
  /** A copy is in our archive. */
  "kept",
  /** It did not come within its time. */
  "missing",
  /** The copy's time in the archive is over. */
  "expired",
  /** It was deleted on request. */
  "deleted",
  /** Its bytes are to be removed, and then this row. */
  "erase",
] as const;
export type RecordingState = (typeof recordingStates)[number];

/** The recording of a call. Times in milliseconds since 1970. */
export type TrackedRecording = {
  /** The id of the call's row. */
  call: number;
  installation: string;
  state: RecordingState;
  /** When it was first wanted. */
  since: number;
  /** When something is to be done about it. */
  dueAt?: number;
  attempts: number;
  /** When it could first be played. */
  seenAt?: number;
  /** When the CRM was told that it can be played. */
  toldAt?: number;
  /** Where the copy stands in the archive; `bytes`, `sha256` and `type` are of that copy. */
  place?: string;
  bytes?: number;
  sha256?: string;
  type?: string;
  reason?: string;
};

/** What becomes of a follow-up task. */
export const followUpStates = [
  /** It was sent to the CRM, whose answer is not there yet. */
  "wanted",
  /** It was made. */
  "open",
  /** It was closed, by us or by a person. */
  "closed",
  /** It was to be closed, but a person had changed it, or the CRM refused. */
  "left",
  /** The CRM did not take it. */
  "refused",
] as const;
export type FollowUpState = (typeof followUpStates)[number];

/** The follow-up task of a missed call. Times in milliseconds since 1970. */
export type TrackedFollowUp = {
  /** The id of the call's row. */
  call: number;
  /** The key of the call. */
  key: string;
  installation: string;
  state: FollowUpState;
  /** When the call began. */
  since: number;
  contact?: ContactRef;
  number?: string;
  taskId?: string;
  /** As it is sent; from `open` on as it was written. */
  fields: Fields;
  /** When to close it. */
  closeAt?: number;
  attempts: number;
  /** The key of the call in which the customer was reached. */
  reachedBy?: string;
  reason?: string;
};

/** What becomes of an installation that was made by OAuth. */
const installStates = [
  /** Its calls are logged. */
  "active",
  /** The CRM has taken our access back; its calls wait. */
  "reconnect",
  /** It was uninstalled or disconnected. */
  "removed",
  /** All that is stored of it is being erased. Its account may be connected again, as another installation. */
  "erasing",
] as const;
export type InstallState = (typeof installStates)[number];
