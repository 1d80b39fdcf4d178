import type { Direction, Outcome } from "../../core/call.ts";
import type { CallState, TrackedCall } from "../../core/tracked-call.ts";

export type CallFilter = {
  installation?: string;
  provider?: string;
  state?: CallState;
  number?: string;
  /** ISO; calls first heard of at or after. */
  since?: string;
  /** ISO; calls first heard of before. */
  until?: string;
  before?: number;
  limit: number;
};

/** What a list of calls is searched by. */
export type CallSearch = CallFilter & {
  direction?: Direction;
  outcome?: Outcome;
  /** E-mail address or identifier of the agent who talked last, or else was called first. */
  agent?: string;
  /** As the provider names it. */
  line?: string;
  /** Ids of contacts; any of them. */
  contacts?: readonly string[];
  /** Whether it has a contact. */
  matched?: boolean;
  recording?: boolean;
};

/** A page of a list. `next`: what is older may have others; a page may have fewer calls than its limit, or none. */
export type FoundCalls = { calls: TrackedCall[]; next?: number };

/** Lists of calls, for people. */
export type CallLists = {
  calls(filter: CallFilter): Promise<TrackedCall[]>;
  /** The latest calls, at most `limit`. Takes a bounded time, however many are stored and few match. */
  findCalls(search: CallSearch): Promise<FoundCalls>;
  /** The keys of the calls that have this id at one of these providers. */
  callsOfLeg(callId: string, providers: readonly string[]): Promise<string[]>;
};
