import type { Call, CallEvent, EventLimits } from "../../core/call.ts";
import type { ContactRef } from "../../core/contact.ts";
import type { FollowUp } from "../../core/crm.ts";
import type { Delivery } from "../../core/provider.ts";
import type {
  CallState,
  Decision,
  FollowUpState,
  TrackedCall,
  TrackedFollowUp,
  WrittenByUs,
} from "../../core/tracked-call.ts";
import type { CallLists } from "./call-lists.ts";

/** A delivery as it is stored. */
export type StoredDelivery = Delivery & {
  id: number;
  digest: number;
  /** The id of an earlier one with the same bytes and URL within 24 h. */
  repeatOf?: number;
  /** It was decoded before and is replayed; the events that it gave then no longer count. */
  again?: boolean;
  /** It gave events when it was decoded before. */
  counted?: true;
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

/** A delivery with its bytes and the keys of its calls. */
export type FoundDelivery = { note: DeliveryNote; delivery: StoredDelivery; calls: string[] };

/** Which deliveries or calls to decode and save again. */
export type ReplayScope = { installation?: string; provider?: string; since?: string; key?: string };

/** An answer that was given to a question of an AI agent. */
export type StoredAnswer = {
  ref: string;
  at: number;
  number?: string;
  reply: unknown;
  why: Record<string, unknown>;
};

/** When the first call is to be logged, and the first follow-up to be closed; absent when none is. */
export type DueTimes = { call?: number; followUp?: number };

/** A call with all of its events. */
export type CallGroup = {
  row: TrackedCall;
  events: CallEvent[];
  /** For each event, the id of its delivery. */
  from: number[];
};

export type Leg = { provider: string; callId: string };

/** How many events the call of a leg has, and how many bytes they take. */
export type CallSize = EventLimits & {
  leg: Leg;
  /** The id of the call's row. */
  call: number;
};

/** The outcome of decoding one delivery. */
export type DecodedDelivery = {
  id: number;
  digest: number;
  kind: string;
  events: number;
  /** Why it could not be decoded. Its bytes stay. */
  fault?: string;
  repeatOf?: number;
  again?: boolean;
};

/** A call as decoding leaves it. */
export type DecodedCall = {
  row?: TrackedCall;
  call: Call;
  state: CallState;
  number?: string;
  reason?: string;
  dueAt?: number;
  /** When to poll its provider for what is missing. */
  pollAt?: number;
  /** When to look for its recording. */
  audioAt?: number;
  /** Both numbers, when one of its messages leaves open which is the customer's. */
  ends?: string[];
  /** Own lines of the company that its events are the first to name. */
  lines?: LearnedLine[];
  events: { event: CallEvent; delivery: number }[];
  /** Rows whose legs now belong to this call. */
  absorbed: TrackedCall[];
};

/** The outcome of delivering one call. Absent members stay as they are. */
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
  /** What the CRM answered to the follow-up that was sent with the call. */
  followUp?: FollowUpAnswer;
  /** One line of the call's history. */
  step: Step;
};

/** A call that is about to be sent. */
export type SentCall = {
  id: number;
  ours: WrittenByUs;
  /** The task that is sent with it. */
  followUp?: WantedFollowUp;
};

export type Step = { at: number; step: string; detail: Record<string, unknown> };

/** The contact that a person chose for a call. */
export type ChosenContact = {
  contact: ContactRef;
  decision: Decision;
  at: number;
  /** The name of that person. */
  by: string;
};

/** Two calls have the same subject when they share the contact or the number. */
export type Subject = { contact?: ContactRef; number?: string };

/** A follow-up that is about to be sent. */
export type WantedFollowUp = Pick<TrackedFollowUp, "since" | "fields"> & Subject;

/** The CRM's answer to a follow-up that was sent with a call. */
export type FollowUpAnswer = { made: FollowUp } | { refused: string };

/** A call in which the customer was reached, `at` that time. */
export type Reached = Subject & { call: number; key: string; at: number };

/** The outcome of closing a task. */
export type FollowUpChange = {
  call: number;
  state: FollowUpState;
  /** When to try again. */
  closeAt?: number;
  attempts: number;
  reason?: string;
  /** A line for the call's history. */
  step?: Step;
};

/** An own line of the company, by its number in E.164. */
export type LearnedLine = {
  number: string;
  /** Calls with a smaller row id are still to be folded again; absent when none is. */
  openBefore?: number;
};
/** How far the calls of a line have been folded again. */
export type LineProgress = LearnedLine & { provider: string };
export type OpenLine = { provider: string; number: string; openBefore: number };

/** Webhooks, and the calls that they tell of. */
export type CallStore = CallLists & {
  /** Resolves once the bytes are on disk. Many at once share one commit. */
  append(delivery: Delivery): Promise<void>;
  /** The oldest that are not decoded: at most `limit`, and fewer when their bodies reach `turnBytes`. */
  newDeliveries(installation: string, limit: number): Promise<StoredDelivery[]>;
  deliveriesOf(callId: number): Promise<DeliveryNote[]>;
  delivery(id: number): Promise<FoundDelivery | undefined>;
  /** Deliveries that gave no event: unknown kinds and faults, newest first. */
  unusedDeliveries(limit: number, installation?: string): Promise<DeliveryNote[]>;
  /** Raw deliveries in a scope, oldest first, after an id. */
  deliveriesIn(scope: ReplayScope, after: number, limit: number): Promise<StoredDelivery[]>;
  /** Marks deliveries as new, so that the lane decodes them again, and their calls as due. */
  replay(ids: readonly number[], now: number): Promise<void>;
  /** Marks deliveries with a fault as new, unless decoders of this version have tried them. Returns how many. */
  tryAgain(version: string): Promise<number>;

  answer(installation: string, provider: string, ref: string): Promise<StoredAnswer | undefined>;
  /**
   * The first answer to a question counts, unless it was given before `outdatedBefore`. Returns the one that counts;
   * undefined when none is stored, because it is about a person who was erased.
   */
  saveAnswer(
    installation: string,
    provider: string,
    answer: StoredAnswer & { outdatedBefore?: number },
  ): Promise<StoredAnswer | undefined>;
  answersNear(installation: string, number: string, from: number, to: number): Promise<StoredAnswer[]>;

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
  /** Due calls, those that wait longest first. One that changes meanwhile may be left out until the next time. */
  dueCalls(installation: string, now: number, limit: number): Promise<TrackedCall[]>;
  nextDue(installation: string): Promise<number | undefined>;
  dueTimes(installation: string): Promise<DueTimes>;
  /** Write-ahead: from now on these values may be in the CRM because of us; `at` stays until an answer is saved. */
  saveSending(installation: string, calls: readonly SentCall[], at: number): Promise<void>;
  saveDelivered(calls: readonly DeliveredCall[]): Promise<void>;

  call(key: string): Promise<CallGroup | undefined>;
  /** A call by the id of its row. */
  callById(id: number): Promise<TrackedCall | undefined>;
  history(callId: number): Promise<Step[]>;
  counts(): Promise<{ installation: string; state: CallState; calls: number }[]>;
  /** Makes a call due now. False when there is no such call. */
  retry(key: string, now: number): Promise<boolean>;
  /** A person's choice; it stays, whatever number or contacts come later. False for a part of another call. */
  chooseContact(id: number, chosen: ChosenContact): Promise<boolean>;
  /** Makes all calls of an installation that are due later due now. */
  hurry(installation: string, now: number): Promise<void>;

  followUp(call: number): Promise<TrackedFollowUp | undefined>;
  /** Those that are wanted or open, of one of these subjects. */
  openFollowUps(installation: string, subjects: readonly Subject[]): Promise<TrackedFollowUp[]>;
  hasOpenFollowUps(installation: string): Promise<boolean>;
  /** Latest calls of a subject, however they ended, first heard of at or after `since`; the latest first. */
  completedCalls(
    installation: string,
    subject: Subject,
    since: number,
  ): Promise<{ key: string; body: string }[]>;
  /** From `now` on these calls' follow-ups are to be closed: their own, their legs' and earlier ones of their subjects. */
  markReached(installation: string, calls: readonly Reached[], now: number): Promise<void>;
  dueFollowUps(installation: string, now: number, limit: number): Promise<TrackedFollowUp[]>;
  changeFollowUps(changes: readonly FollowUpChange[]): Promise<void>;

  /** The company's own lines, as providers name them. */
  lines(installation: string, provider: string): Promise<string[]>;
  /**
   * The newest calls that have this number at an end, while their messages do not say which end is the customer;
   * `before`: only rows with a smaller id. `openBefore`: there may be more, before that id.
   */
  callsBetween(
    installation: string,
    provider: string,
    number: string,
    before?: number,
  ): Promise<{ callIds: string[]; openBefore?: number }>;
  /** A line whose earlier calls have not all been folded again since it became known. */
  openLine(installation: string): Promise<OpenLine | undefined>;
};
