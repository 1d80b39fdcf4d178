/**
 * The words of this project.
 *
 * delivery      one HTTP request of a provider, kept as its exact bytes
 * event         what one delivery says about one call: a time, perhaps a phase, some facts
 * call          one conversation (or attempt), folded from all of its events
 * leg           a provider's call id; several legs may turn out to be one call (a transfer merges them)
 * customer      the outside party, whom we look for in the CRM
 * line          the company's own number that was called, or called from
 * agent         a person or AI on the company's side
 * contact       the customer's record in the CRM (contact, lead or company)
 * owner         the CRM user that a contact or an activity belongs to
 * activity      the CRM's record of one call
 * installation  one CRM account that installed Switchhook, with its settings
 * lane          the background work of one installation: one worker at a time
 * mapping       the JSON file that says which fact goes into which CRM field
 */
export type Phase = "ringing" | "answered" | "ended";

export type Direction = "inbound" | "outbound" | "internal";

/**
 * How a call ended. `completed` = somebody talked; `cancelled` = the caller hung up before an answer;
 * `abandoned` = the caller hung up while waiting in a queue; `unknown` = ended, and nobody said how.
 */
export const outcomes = [
  "completed",
  "voicemail",
  "no-answer",
  "busy",
  "rejected",
  "cancelled",
  "abandoned",
  "failed",
  "unknown",
] as const;
export type Outcome = (typeof outcomes)[number];

export type Scalar = string | number | boolean;

/** Somebody on the line. `number` is exactly what the provider sent: E.164, national, `sip:`, an extension, `anonymous`. */
export type Party = { number?: string; name?: string };

/**
 * Somebody on the company's side, by whatever the provider calls them.
 * `ids`: opaque provider identifiers (user, extension, SIP address, number, AI agent id), at least one.
 * `kind`: a person or an AI agent, where the provider shows which.
 * `talked`: this event says that they were talking with the customer.
 */
export type AgentRef = {
  ids: string[];
  name?: string;
  email?: string;
  kind?: "person" | "ai";
  talked?: boolean;
};

/** `ref`: the provider's URL or id of the recording. It may need credentials or expire, and never reaches a CRM. */
export type Recording = { ref: string; seconds?: number; expiresAt?: string };

/** `from`: who passed the call on; `by` is that person's name, else number. */
export type Transfer = { kind: "warm" | "cold" | "unknown"; from?: Party; to?: Party; by?: string };

/**
 * What an event says. Unknown = absent, never null or empty. Times are ISO 8601 in UTC with milliseconds.
 * `talkSeconds`: the provider's own talk time. `reason`: the provider's own word for how the call ended.
 * `otherEnd`: the far end from `customer`, when the message names two ends and does not say which is the customer;
 * without a `direction`, `customer` called `otherEnd`. `otherOutcome`: the outcome if `otherEnd` is the customer.
 * `unlessAnswered`: the outcome when nothing in the call shows that somebody answered, whatever `outcome` says.
 * `notTaken`: how a leg ended that was to reach a colleague, and that nobody took.
 */
export type Facts = {
  direction?: Direction;
  customer?: Party;
  otherEnd?: Party;
  line?: string;
  agents?: AgentRef[];
  startedAt?: string;
  answeredAt?: string;
  endedAt?: string;
  talkSeconds?: number;
  ringSeconds?: number;
  outcome?: Outcome;
  otherOutcome?: Outcome;
  unlessAnswered?: Outcome;
  notTaken?: Outcome;
  reason?: string;
  recording?: Recording;
  transcript?: string;
  summary?: string;
  sentiment?: string;
  transfer?: Transfer;
  custom?: Record<string, Scalar>;
};

/**
 * `callId`: the leg this event is about. `sameCallAs`: another leg that is this same call from now on; `callId` survives.
 * `at`: the event's own time (ISO, UTC, ms); the time of receipt when the provider sends none.
 * `fills`: it was not told by itself (we asked, or concluded it), so it only fills what the others leave open.
 */
export type CallEvent = {
  callId: string;
  sameCallAs?: string;
  at: string;
  kind: string;
  fills?: true;
  phase?: Phase;
  facts: Facts;
};

/** An agent in a folded call. `talkedAt`: the last time an event showed them talking with the customer. */
export type Agent = Omit<AgentRef, "talked"> & { talkedAt?: string };

/**
 * A call as its events tell it. `callId`: the surviving leg. `legs`: all legs, sorted.
 * `otherEnd`: still there when nothing decided which end is the customer.
 */
export type FoldedCall = Omit<Facts, "agents" | "otherOutcome" | "unlessAnswered" | "notTaken"> & {
  callId: string;
  legs: string[];
  phase: Phase;
  agents: Agent[];
};

/** A folded call in its place. `revision` grows whenever the folded facts change. */
export type Call = FoldedCall & { key: string; installation: string; provider: string; revision: number };

/** The key of a call, also the external id of its activity: at most 200 characters, stable for ever. */
export function callKey(installation: string, provider: string, callId: string): string {
  return `${installation}:${provider}:${callId}`;
}

/** Longest provider call id that we accept; the longest known is 80 (a host name and a unique id). */
export const maxCallIdLength = 128;

/** Whether a call rang at the company and nobody there took it. */
export function isMissed(call: Pick<FoldedCall, "direction" | "outcome" | "phase">): boolean {
  if (call.direction !== "inbound" || call.phase !== "ended") return false;
  return call.outcome !== undefined && call.outcome !== "completed" && call.outcome !== "unknown";
}
