import type { ContactRef } from "../core/contact.ts";
import type { FollowUp } from "../core/contracts.ts";
import type { FollowUpState, TrackedFollowUp } from "../core/tracked-call.ts";

/** Whose call it is: two calls are of one subject when they have the contact or the number in common. */
export type Subject = { contact?: ContactRef; number?: string };

/** A follow-up that is about to be sent. */
export type WantedFollowUp = Pick<TrackedFollowUp, "since" | "fields"> & Subject;

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
  followUp(call: number): Promise<TrackedFollowUp | undefined>;
  /** Those that are wanted or open, of one of these subjects. */
  openFollowUps(installation: string, subjects: readonly Subject[]): Promise<TrackedFollowUp[]>;
  hasOpenFollowUps(installation: string): Promise<boolean>;
  /** Latest calls of a subject, however they ended, first heard of at or after `since`; the latest first. */
  completedCalls(installation: string, subject: Subject, since: number): Promise<CompletedCall[]>;
  /** From `now` on these calls' follow-ups are to be closed: their own, their legs' and earlier ones of their subjects. */
  markReached(installation: string, calls: readonly Reached[], now: number): Promise<void>;
  dueFollowUps(installation: string, now: number, limit: number): Promise<TrackedFollowUp[]>;
  changeFollowUps(changes: readonly FollowUpChange[]): Promise<void>;
};

type CompletedCall = { key: string; body: string };
