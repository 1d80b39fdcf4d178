/**
 * The words of this project.
 *
 * What comes in
 *   delivery      one HTTP request of a provider, stored as its exact bytes
 *   event         what one delivery says about one call: a time, perhaps a phase, some facts
 *   fold          to combine the events of a call, in any order, into one call
 *   call          one conversation (or attempt), folded from all of its events
 *   leg           a provider's call id; several legs may turn out to be one call (a transfer merges them)
 *   poll          to request calls from a provider's API, for what webhooks left out
 *   replay        to decode stored deliveries again, with today's decoders
 *
 * Who is in a call
 *   customer      the outside party, whom we look for in the CRM
 *   line          the company's own number that was called, or called from
 *   agent         a person or AI on the company's side
 *   directory     the setting `agents`: the company's people, and what each provider calls them
 *   identity      the one form of a number by which callers are compared: E.164 where possible
 *
 * What the CRM gets
 *   contact       the customer's record in the CRM (contact, lead or company)
 *   owner         the CRM user that a contact or an activity belongs to
 *   activity      the CRM's record of one call
 *   follow-up     the task for the owner of a missed call
 *   mapping       the JSON file that says which fact goes into which CRM field
 *   ours          the values of a field that we wrote ourselves; any other value is a person's edit
 *
 * What works
 *   installation  one CRM account that installed Switchhook, with its settings
 *   grant         the tokens of an account that was connected by OAuth
 *   tracked call  a call with what is known of its activity
 *   contact index the contacts of a CRM by their numbers, in our store
 *   sync          to bring the contact index up to date with the CRM
 *   lane          the background work of one installation: one worker at a time
 *   claim         the calls that one run of a lane has taken
 *   budget        how many requests a CRM account still takes
 *   archive       our copies of recordings
 *   link          our URL of a recording or transcript, which can be replaced or withdrawn
 */
export type Phase = "ringing" | "answered" | "ended";

export const directions = ["inbound", "outbound", "internal"] as const;
export type Direction = (typeof directions)[number];

/**
 * How a call ended. `completed` = the parties talked; `cancelled` = the caller hung up before an answer;
 * `abandoned` = the caller hung up while waiting in a queue; `unknown` = ended, and no event says how.
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

/** A party of a call. */
export type Party = {
  /** Exactly what the provider sent: E.164, national, `sip:`, an extension, `anonymous`. */
  number?: string;
  name?: string;
};

/** A party on the company's side, as the provider names it. */
export type AgentRef = {
  /** Opaque identifiers of the provider (user, extension, SIP address, number, AI agent id), at least one. */
  ids: string[];
  name?: string;
  email?: string;
  /** Where the provider shows which. */
  kind?: "person" | "ai";
  /** This event says that they were talking with the customer. */
  talked?: boolean;
};

export type Recording = {
  /** The provider's URL or id. It may need credentials or expire, and never reaches a CRM. */
  ref: string;
  seconds?: number;
  expiresAt?: string;
};

export type Transfer = {
  kind: "warm" | "cold" | "unknown";
  /** Who passed the call on. */
  from?: Party;
  to?: Party;
  /** The name of `from`, else the number. */
  by?: string;
};

/** What an event says. Unknown = absent, never null or empty. Times are ISO 8601 in UTC with milliseconds. */
export type Facts = {
  direction?: Direction;
  customer?: Party;
  /**
   * The far end from `customer`, when the message names two ends and does not say which is the customer; without a
   * `direction`, `customer` called `otherEnd`.
   */
  otherEnd?: Party;
  line?: string;
  agents?: AgentRef[];
  startedAt?: string;
  answeredAt?: string;
  endedAt?: string;
  /** The provider's own talk time. */
  talkSeconds?: number;
  ringSeconds?: number;
  outcome?: Outcome;
  /** The outcome if `otherEnd` is the customer. */
  otherOutcome?: Outcome;
  /** The outcome when no event of the call shows an answer, whatever `outcome` says. */
  unlessAnswered?: Outcome;
  /** How an attempt to reach a colleague ended that was not answered. */
  notTaken?: Outcome;
  /** The provider's own word for how the call ended. */
  reason?: string;
  recording?: Recording;
  transcript?: string;
  summary?: string;
  sentiment?: string;
  transfer?: Transfer;
  custom?: Record<string, Scalar>;
};

export type CallEvent = {
  /** The leg that this event is about. */
  callId: string;
  /** Another leg that is this same call from now on; `callId` survives. */
  sameCallAs?: string;
  /** The event's own time (ISO 8601, UTC, ms); the time of receipt when the provider sends none. */
  at: string;
  kind: string;
  /** It comes from polling or is our own conclusion, so it only fills what webhooks leave open. */
  fills?: true;
  phase?: Phase;
  facts: Facts;
};

/** An agent in a folded call. */
export type Agent = Omit<AgentRef, "talked"> & {
  /** The last time an event showed them talking with the customer. */
  talkedAt?: string;
};

/** A call by all of its events. It has an `otherEnd` when no event decided which end is the customer. */
export type FoldedCall = Omit<Facts, "agents" | "otherOutcome" | "unlessAnswered" | "notTaken"> & {
  /** The surviving leg. */
  callId: string;
  /** All legs, sorted. */
  legs: string[];
  phase: Phase;
  agents: Agent[];
};

/** A folded call of an installation. */
export type Call = FoldedCall & {
  key: string;
  installation: string;
  provider: string;
  /** Grows whenever the folded facts change. */
  revision: number;
};

/** The key of a call, also the external id of its activity: at most 200 characters; it never changes. */
export function callKey(installation: string, provider: string, callId: string): string {
  return `${installation}:${provider}:${callId}`;
}

/** The longest call id of a provider that is accepted; the longest known one has 80 characters (a host name and a unique id). */
export const maxCallIdLength = 128;

/** Whether a call to the company ended without an answer. */
export function isMissed(call: Pick<FoldedCall, "direction" | "outcome" | "phase">): boolean {
  if (call.direction !== "inbound" || call.phase !== "ended") return false;
  return call.outcome !== undefined && call.outcome !== "completed" && call.outcome !== "unknown";
}

/** The most events of a call, and the most bytes of them as JSON. */
export type EventLimits = { events: number; bytes: number };

const megabyte = 1_048_576;

export const eventLimits: EventLimits = { events: 2_000, bytes: 12 * megabyte };

/** Extra room for events that end a call, so that a call that is full of other events still ends. */
export const endLimits: EventLimits = { events: 2_100, bytes: 16 * megabyte };

export const overLimits =
  `this call has its most events (${eventLimits.events.toLocaleString("en")}, or ${eventLimits.bytes / megabyte} MB of them): ` +
  "what comes later is stored as it was received, and not decoded";

/**
 * Bytes of webhooks that are decoded in one turn, which takes some 10 ms. The one that exceeds them is decoded as well, so
 * that a large one gets its turn.
 */
export const turnBytes = 1_048_576;

/** A caller who hangs up on an AI agent within this time did not talk to it. */
export const shortAiSeconds = 10;

/** The agent who talked last, or else was called first. */
export function mainAgent(agents: readonly Agent[]): Agent | undefined {
  let main = agents[0];
  for (const agent of agents)
    if (agent.talkedAt !== undefined && (main?.talkedAt === undefined || agent.talkedAt > main.talkedAt))
      main = agent;
  return main;
}

type ReachedFacts = Partial<
  Pick<FoldedCall, "agents" | "direction" | "outcome" | "phase" | "talkSeconds" | "transfer">
>;

/** Whether only an AI agent talked, and too briefly to count as a conversation. */
export function isShortAiCall({ agents, talkSeconds, transfer }: ReachedFacts): boolean {
  const isShort = typeof talkSeconds === "number" && talkSeconds >= 0 && talkSeconds < shortAiSeconds;
  if (!isShort || transfer || !Array.isArray(agents)) return false;
  const talkers = agents.filter((agent) => agent?.talkedAt);
  const present = talkers.length > 0 ? talkers : agents;
  return present.length > 0 && present.every((agent) => agent?.kind === "ai");
}

/** Whether the company and the customer talked. */
export function wasReached(call: ReachedFacts): boolean {
  const isOutside = call.direction === "inbound" || call.direction === "outbound";
  return isOutside && call.phase === "ended" && call.outcome === "completed" && !isShortAiCall(call);
}

/** When a call began, in milliseconds since 1970; undefined when no event says so. */
export function beganAt(
  call: Partial<Pick<FoldedCall, "startedAt" | "answeredAt" | "endedAt">>,
): number | undefined {
  const time = call.startedAt ?? call.answeredAt ?? call.endedAt;
  const ms = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isNaN(ms) ? undefined : ms;
}
