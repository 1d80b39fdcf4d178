import type { Call, Recording } from "../../core/call.ts";
import type { ContactRef } from "../../core/contact.ts";
import type { CallState, FollowUpState, RecordingState } from "../../core/tracked-call.ts";
import type { DeliveryNote } from "../../store/contract.ts";
import type { FactOrigin } from "./origins.ts";

export type ContactCandidate = ContactRef & { name?: string };

/** `deliveries`: the id of its delivery; none when that was purged. */
export type ExplainedEvent = {
  at: string;
  kind: string;
  phase?: string;
  callId: string;
  sameCallAs?: string;
  /** It comes from polling or is our own conclusion, not from a webhook. */
  asked?: true;
  deliveries: number[];
};

/** A call without the provider's link to its recording, which may be a credential. */
export type ExplainedCall = Omit<Call, "recording"> & {
  recording?: { available: boolean } & Omit<Recording, "ref"> & RecordingTold;
};

/** What became of it. `state`: as in the store. `playableAt`: when it could first be played. `nextLookAt`: when something is to be done about it. `keptUntil`, `bytes`, `sha256`: of our copy. Times are ISO. */
export type RecordingTold = {
  state?: RecordingState;
  reason?: string;
  playableAt?: string;
  nextLookAt?: string;
  keptUntil?: string;
  bytes?: number;
  sha256?: string;
};

/** `reason`: why it was closed, left open or refused. `reachedBy`: the key of the call in which the customer was reached. */
export type FollowUpTold = { state: FollowUpState; taskId?: string; reachedBy?: string; reason?: string };

/** Why a call looks in the CRM as it does, or why it is not there (yet). Times are ISO, UTC. */
export type Explanation = {
  key: string;
  state: CallState;
  /** One sentence: whether the CRM has it, and why not. */
  status: string;
  nextTryAt?: string;
  attempts: number;
  activityId?: string;
  contact: {
    number?: string;
    lookup: string;
    reason?: string;
    chosen?: ContactCandidate;
    runnersUp: ContactCandidate[];
  };
  owner?: { id?: string; name?: string; why: string };
  /** E-mail of the directory's agent who talked last with the customer. */
  agent?: string;
  /** The follow-up task of a missed call. */
  followUp?: FollowUpTold;
  answer?: AnswerGiven;
  /** Other legs that turned out to be this call; `activityId`: one that was made for the leg and is taken back. */
  merged: { key: string; activityId?: string }[];
  mergedInto?: string;
  call: ExplainedCall;
  events: ExplainedEvent[];
  /** Where each fact of the call comes from. */
  facts: FactOrigin[];
  /** Said of a call with as many events as are read. */
  limited?: string;
  deliveries: DeliveryNote[];
  history: { at: string; step: string; detail: Record<string, unknown> }[];
};

/**
 * The answer to an AI agent when the call came in. `foundBy`: how the answer was linked to this call. `limited`: what it
 * left out because a text of the mapping ran into a limit.
 */
export type AnswerGiven = {
  at: string;
  foundBy: "call id" | "number and time";
  agentId?: string;
  reject?: boolean;
  why: string;
  lookup: string;
  variables: Record<string, string>;
  limited?: string[];
};
