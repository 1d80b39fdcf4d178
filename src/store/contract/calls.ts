import type { ContactRef } from "../core/contact.ts";
import type { Fields, FollowUp } from "../core/contracts.ts";

/**
 * `wanted`: sent to the CRM, whose answer is not there yet. `open`: made. `closed`: closed, by us or by a person.
 * `left`: to be closed, but a person had changed it, or the CRM refused. `refused`: the CRM did not take it.
 */
const followUpStates = ["wanted", "open", "closed", "left", "refused"] as const;
export type FollowUpState = (typeof followUpStates)[number];

/**
 * The follow-up task of a missed call. Times in milliseconds since 1970. `key`: of the call. `since`: when the call
 * began. `fields`: as it is sent, from `open` on as it was written. `closeAt`: when to close it. `reachedBy`: the key of
 * the call in which the customer was reached.
 */
export type FollowUpRow = {
  call: number;
  key: string;
  installation: string;
  state: FollowUpState;
  since: number;
  contact?: ContactRef;
  number?: string;
  taskId?: string;
  fields: Fields;
  closeAt?: number;
  attempts: number;
  reachedBy?: string;
  reason?: string;
};

/** Whose call it is: two calls are of one subject when they have the contact or the number in common. */
export type Subject = { contact?: ContactRef; number?: string };

/** A follow-up that is about to be sent. */
export type WantedFollowUp = Pick<FollowUpRow, "since" | "fields"> & Subject;

/** What the CRM's answer to a call says of its follow-up. */
export type FollowUpAnswer = { made: FollowUp } | { refused: string };

/** A call in which the customer was reached, `at` that time. */
export type Reached = Subject & { call: number; key: string; at: number };

/** What became of a task that was to be closed. A `closeAt` of its own means: try again then. */
export type FollowUpChange = {
  call: number;
  state: FollowUpState;
  closeAt?: number;
  attempts: number;
  reason?: string;
  /** A line for the call's history. */
  step?: { at: number; step: string; detail: Record<string, unknown> };
};

export type FollowUpStore = {
  /** The follow-up of a call. */
  followUp(call: number): Promise<FollowUpRow | undefined>;
  /** Those that are wanted or open, of one of these subjects. */
  openFollowUps(installation: string, subjects: readonly Subject[]): Promise<FollowUpRow[]>;
  hasOpenFollowUps(installation: string): Promise<boolean>;
  /** Latest calls of a subject, however they ended, first heard of at or after `since`; the latest first. */
  completedCalls(installation: string, subject: Subject, since: number): Promise<CompletedCall[]>;
  /** From `now` on these calls' follow-ups are to be closed: their own, their legs' and earlier ones of their subjects. */
  markReached(installation: string, calls: readonly Reached[], now: number): Promise<void>;
  dueFollowUps(installation: string, now: number, limit: number): Promise<FollowUpRow[]>;
  changeFollowUps(changes: readonly FollowUpChange[]): Promise<void>;
};

type CompletedCall = { key: string; body: string };
