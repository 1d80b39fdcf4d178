import type { Call } from "./call.ts";
import type { ContactRef } from "./contact.ts";
import type { FieldValue } from "./contracts.ts";

/**
 * `open`: not over yet. `waiting`: over, to be logged. `logged`: the CRM has it. `dead`: somebody has to mend something.
 * `ignored`: not to be logged. `merged`: a leg that turned out to belong to another call. `gone`: a person deleted the activity.
 */
const callStates = ["open", "waiting", "logged", "dead", "ignored", "merged", "gone"] as const;
export type CallState = (typeof callStates)[number];

/** Why this contact and this owner: kept with the call for `explain`. */
export type Decision = {
  number?: string;
  lookup: string;
  reason?: string;
  contact?: ContactRef & { name?: string };
  runnersUp?: (ContactRef & { name?: string })[];
  owner?: { id: string; why: string };
  agent?: string;
};

/** For each field of an activity, the values that may be there because we wrote them. */
export type Ours = Record<string, FieldValue[]>;

/** A call with what we know about its activity. Times in milliseconds since 1970. */
export type CallRow = {
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
  /** When it was first sent without an answer that was kept: the CRM may have it. */
  sentAt?: number;
  ours: Ours;
  decision?: Decision;
  mergedInto?: number;
  /** The number of the link to its recording that plays; a higher one has replaced those before. */
  link: number;
  createdAt: number;
  updatedAt: number;
};
