import type { Call, CallEvent } from "../core/call.ts";
import type { EventLimits } from "../core/call-limits.ts";
import type { Contact, ContactRef, Owner } from "../core/contact.ts";
import type { Delivery } from "../core/delivery.ts";
import type { CallState, Decision, TrackedCall, WrittenByUs } from "../core/tracked-call.ts";
import type { FollowUpAnswer, FollowUpStore, WantedFollowUp } from "./contract-follow-ups.ts";
import type { InstallStore } from "./contract-installs.ts";
import type { LearnedLine, LineProgress, LineStore } from "./contract-lines.ts";
import type { NumberingStore } from "./contract-numbering.ts";
import type { RecordingStore } from "./contract-recordings.ts";

export type { StoredInstall } from "./contract-installs.ts";

/**
 * A delivery on disk. `repeatOf`: the id of an earlier one with the same bytes and URL within 24 h.
 * `again`: it was decoded before and is replayed; the events it gave then no longer count. `counted`: it gave some.
 */
export type StoredDelivery = Delivery & {
  id: number;
  digest: number;
  repeatOf?: number;
  again?: boolean;
  counted?: true;
};

/** A call with all of its events. `from`: for each event, the id of its delivery. */
export type CallGroup = { row: TrackedCall; events: CallEvent[]; from: number[] };

export type Leg = { provider: string; callId: string };

/** How many events the call of a leg has, and how many bytes of them. `call`: the id of its row. */
export type CallSize = EventLimits & { leg: Leg; call: number };

/** The outcome of decoding one delivery. `fault`: why it could not be decoded; the bytes stay. */
export type DecodedDelivery = {
  id: number;
  digest: number;
  kind: string;
  events: number;
  fault?: string;
  repeatOf?: number;
  again?: boolean;
};

/**
 * A call as decoding leaves it. `absorbed`: rows whose legs now belong to this call. `askAt`: when its provider is to be asked
 * what it has not told. `audioAt`: when its recording is to be looked for. `ends`: both numbers, when a message of it leaves open
 * which is the customer's. `lines`: own lines of the company that its events were the first to tell of.
 */
export type DecodedCall = {
  row?: TrackedCall;
  call: Call;
  state: CallState;
  number?: string;
  reason?: string;
  dueAt?: number;
  askAt?: number;
  audioAt?: number;
  ends?: string[];
  lines?: LearnedLine[];
  events: { event: CallEvent; delivery: number }[];
  absorbed: TrackedCall[];
};

/** What a lane found out about one call while delivering it. Absent members stay as they are. */
export type DeliveredCall = {
  id: number;
  key: string;
  installation: string;
  revision: number;
  /** Of the row, as it was sent. */
  link?: number;
  state: CallState;
  reason?: string;
  dueAt?: number;
  attempts: number;
  contact?: ContactRef;
  ownerId?: string;
  activityId?: string;
  ours?: WrittenByUs;
  decision?: Decision;
  /** What the CRM said of the follow-up that was sent with the call. */
  followUp?: FollowUpAnswer;
  /** One line of the call's history. */
  step: Step;
};

/** A call that is about to be sent. `followUp`: the task that goes with it. */
export type SentCall = { id: number; ours: WrittenByUs; followUp?: WantedFollowUp };

export type Step = { at: number; step: string; detail: Record<string, unknown> };

export type StoredAnswer = {
  ref: string;
  at: number;
  number?: string;
  reply: unknown;
  why: Record<string, unknown>;
};

export type CallFilter = {
  installation?: string;
  provider?: string;
  state?: CallState;
  number?: string;
  /** ISO; calls first heard of at or after, and before. */
  since?: string;
  until?: string;
  before?: number;
  limit: number;
};

export type DeliveryNote = {
  id: number;
  installation: string;
  provider: string;
  receivedAt: string;
  method: string;
  url: string;
  kind?: string;
  state: "new" | "decoded" | "fault";
  fault?: string;
  events: number;
  repeats: number;
};

/** Which deliveries or calls to decode and save once more. */
export type ReplayScope = { installation?: string; provider?: string; since?: string; key?: string };

/** `missing`: how many. They came after `since`, absent when nothing earlier is known, and until `until` (ms). */
export type Loss = { noticedAt: number; missing: number; since?: number; until: number };

/** `what`: a table and its column. `furthest`: the furthest time of them (ms). */
export type PulledBack = { what: string; count: number; furthest: number };

type SyncState = { cursor?: string; generation: number; finishedAt?: number };

type OtherParts = RecordingStore & InstallStore & NumberingStore & FollowUpStore & LineStore;

/** The durable state. Every method is one transaction; all of it or nothing. Throws `StoreError`. */
export type Store = OtherParts & {
  /** Resolves once the bytes are on disk. Many at once share one commit. */
  append(delivery: Delivery): Promise<void>;

  /** The oldest that are not decoded: at most `limit`, and fewer when their bodies are large. */
  newDeliveries(installation: string, limit: number): Promise<StoredDelivery[]>;
  /** The calls of these legs, and those that have events of these deliveries. */
  groupsOf(installation: string, legs: readonly Leg[], deliveries?: readonly number[]): Promise<CallGroup[]>;
  /** The calls of these legs, without the events of these deliveries. A leg of no call is left out. */
  sizesOf(installation: string, legs: readonly Leg[], without: readonly number[]): Promise<CallSize[]>;
  saveDecoded(
    installation: string,
    deliveries: readonly DecodedDelivery[],
    calls: readonly DecodedCall[],
    line?: LineProgress,
  ): Promise<void>;

  dueCalls(installation: string, now: number, limit: number): Promise<TrackedCall[]>;
  nextDue(installation: string): Promise<number | undefined>;
  /** Write-ahead: from now on these values may be in the CRM because of us; `at` stays until an answer is kept. */
  saveSending(calls: readonly SentCall[], at: number): Promise<void>;
  saveDelivered(calls: readonly DeliveredCall[]): Promise<void>;

  contactsByNumber(installation: string, numbers: readonly string[]): Promise<Map<string, Contact[]>>;
  contact(installation: string, ref: ContactRef): Promise<Contact | undefined>;
  /**
   * Adds or replaces contacts under the identities of their numbers, as of the generation that runs; unmatched calls of those
   * numbers since `matchSince` become due at `now`. Returns how many.
   */
  putContacts(
    installation: string,
    contacts: readonly { contact: Contact; numbers: readonly string[] }[],
    options: { now: number; matchSince: number },
  ): Promise<number>;
  removeContacts(installation: string, refs: readonly ContactRef[]): Promise<void>;
  /**
   * Leaves no trace of these people: contacts, the calls that are theirs or came from a number that nobody else has,
   * all that was received about them, answers. `spared`: E.164 numbers that are the company's own. What names them is
   * erased from deliveries first, a stretch at a time; the rest is one transaction, so an erasure that failed can be repeated.
   */
  erase(
    installation: string,
    refs: readonly ContactRef[],
    options: { now: number; spared: readonly string[] },
  ): Promise<void>;
  /** Removes the contacts that a complete listing did not show. */
  dropContactsBefore(installation: string, generation: number): Promise<number>;
  countContacts(installation: string): Promise<number>;
  putOwners(installation: string, owners: readonly Owner[]): Promise<void>;
  owners(installation: string): Promise<Owner[]>;
  syncState(installation: string): Promise<SyncState>;
  /** The generation never goes back. */
  saveSyncState(installation: string, state: SyncState): Promise<void>;

  answer(installation: string, provider: string, ref: string): Promise<StoredAnswer | undefined>;
  saveAnswer(installation: string, provider: string, answer: StoredAnswer): Promise<void>;
  answersNear(installation: string, number: string, from: number, to: number): Promise<StoredAnswer[]>;

  call(key: string): Promise<CallGroup | undefined>;
  /** A call by the id of its row. */
  callById(id: number): Promise<TrackedCall | undefined>;
  calls(filter: CallFilter): Promise<TrackedCall[]>;
  history(callId: number): Promise<Step[]>;
  deliveriesOf(callId: number): Promise<DeliveryNote[]>;
  /** Deliveries that gave no event: unknown kinds and faults, newest first. */
  unusedDeliveries(limit: number, installation?: string): Promise<DeliveryNote[]>;
  /** Puts a call back to be logged now. False when there is no such call. */
  retry(key: string, now: number): Promise<boolean>;
  /** Calls of an installation that wait for a later time are due now: what they waited for has come. */
  hurry(installation: string, now: number): Promise<void>;
  /** Raw deliveries in a scope, oldest first, after an id. */
  deliveriesIn(scope: ReplayScope, after: number, limit: number): Promise<StoredDelivery[]>;
  /** Marks deliveries as new, so that the lane decodes them again, and their calls as due. */
  replay(ids: readonly number[], now: number): Promise<void>;
  counts(): Promise<{ installation: string; state: CallState; calls: number }[]>;
  /** Deletes what is older than its time: digests after a day, deliveries and history at `before`. */
  purge(now: number, before: number): Promise<number>;
  /** A random secret of 32 bytes, made on first use; the same name gives the same bytes ever after. */
  secret(name: string): Promise<Uint8Array>;
  /** Deliveries that were set aside are decoded once more, unless decoders of this version did it. Returns how many. */
  tryAgain(version: string): Promise<number>;
  /** Throws `StoreError` when webhooks cannot be stored just now, and once damage was found. */
  ready(): Promise<void>;
  /** Times further off than the longest pause, which a clock that was ahead has left, are now. */
  pullBack(now: number): Promise<PulledBack[]>;
  /** Webhooks that were acknowledged and are missing, oldest first, as far as it was noticed after `since`. */
  losses(since: number): Promise<Loss[]>;
  /** Looks at every page of the store, in a thread of its own; damage that is found is remembered by `ready`. Returns what is damaged. */
  damage(): Promise<string[]>;
  close(): Promise<void>;
};
