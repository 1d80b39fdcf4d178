import type { ZodType } from "zod";
import type { AudioReply, AudioRequest } from "./audio.ts";
import type { CallEvent, Scalar } from "./call.ts";
import type { Contact, ContactKind, ContactRef, Owner } from "./contact.ts";
import type { CrmWebhook } from "./contact-events.ts";
import type { CrmRecordings } from "./crm-recordings.ts";
import type { BodyCheck, Delivery, DeliveryHead, Proof } from "./delivery.ts";
import type { CrmError } from "./errors.ts";
import type { OAuth, TokenSource } from "./oauth.ts";
import type { Polling } from "./polling.ts";
import type { CrmRequest } from "./requests.ts";
import type { Simulation } from "./simulation.ts";

export type { BodyCheck, Delivery, DeliveryHead, Proof } from "./delivery.ts";
export type { CrmRequest } from "./requests.ts";

/** An AI voice agent's question about a caller who is still hearing the ringing tone. */
export type Question = {
  kind: "call" | "chat";
  /** The provider's id of the call, when it sends one; the same id asked twice gets the same answer. */
  callId?: string;
  from?: string;
  to?: string;
  agentId?: string;
};

/** The answer to a `Question`, before the provider puts it into its own words. */
export type Answer = {
  agentId?: string;
  variables: Record<string, string>;
  metadata: Record<string, Scalar>;
  reject?: boolean;
};

/** `kind`: the provider's name for the event, e.g. `call_ended`, for logs and lists. */
export type Reading = { kind: string; question?: Question };

/**
 * A telephony provider. `S` is the shape of `providers.<id>` in an installation's settings.
 * `read` and `decode` are pure; everything that is odd about the provider ends in its folder.
 */
export type Provider<S = unknown> = {
  id: string;
  /** The name people know it by. */
  label: string;
  settings: ZodType<S>;
  methods: readonly ("GET" | "POST")[];
  /** Request headers that are kept with a delivery (lower case), besides `content-type` and `user-agent`. */
  keepHeaders: readonly string[];
  /** The largest body that it sends, in bytes; 1 MB when absent. */
  bodyBytes?: number;
  /** Before the body is read. Throws `Rejected(401)` unless the head can be its own; what it returns checks a signed body. */
  verify(head: DeliveryHead, settings: S, proof: Proof): BodyCheck | undefined;
  /** Cheap look at a verified request. Throws `Rejected(400)` for a body that cannot be one of this provider's. */
  read(delivery: Delivery): Reading;
  /** The events of a delivery; none when its kind is unknown or says nothing about a call. */
  decode(delivery: Delivery): CallEvent[];
  /** The body that answers a `Question`. */
  reply?(question: Question, answer: Answer): unknown;
  /** How it is asked for calls whose webhooks were lost, or came too early to tell all. */
  polling?: Polling<S>;
  /**
   * Asks for the audio behind a `Recording.ref`. Throws `Rejected` with 502 or 504 when nobody answers.
   * `call`: whose recording it is, for a provider that can be asked for a fresh link. `expired`: its `expiresAt` is past.
   */
  recording?(
    ref: string,
    settings: S,
    request: AudioRequest,
    call?: { callId: string; expired?: boolean },
  ): Promise<AudioReply>;
  simulate: Simulation<S>;
};

/** The value of one CRM field, in the CRM's own type: a list stands for a multi-select. */
export type FieldValue = Scalar;
export type Fields = Record<string, FieldValue>;

/** `always`: on every update, unless a person changed it. `if-empty`: only into an empty field. `once`: only at creation. */
export type WriteMode = "always" | "if-empty" | "once";

/**
 * One call as the CRM should have it. `key` is the external id: saving it twice updates. `fields`: "" empties a field.
 * `ours`: for each field, every value that we may have written before; anything else in the CRM is a person's edit.
 * `activityId`: the CRM's id from an earlier save. `sentAt`: when it was first sent without an answer that we kept
 * (ms): the CRM may have it. `linked`: the CRM confirmed the contact in an earlier save, so it is not linked again.
 * `fallbackOwnerId`: owns it when the CRM refuses `ownerId`. `createContact`: make this contact first (an unknown
 * caller) under its `number`, an identity; `phone`: how that is dialled, if otherwise; `named`: the provider told the
 * caller's name. `associate`: other records of the call, by the CRM's name of their type. `task`: a follow-up for the
 * owner, made once per key.
 */
export type CallRecord = {
  key: string;
  activityId?: string;
  sentAt?: number;
  fields: Fields;
  modes: Readonly<Record<string, WriteMode>>;
  ours: Readonly<Record<string, readonly FieldValue[]>>;
  contact?: ContactRef;
  linked?: boolean;
  ownerId?: string;
  fallbackOwnerId?: string;
  createContact?: { number: string; phone?: string; fields: Fields; named?: true };
  associate?: Readonly<Record<string, string>>;
  task?: { fields: Fields };
};

/**
 * `saved`: the activity's id, what was written now, and the fields left alone because a person changed them.
 * `stored`: fields that the CRM keeps in another writing than it was sent. `gone`: a person deleted the activity; it
 * stays deleted. `without`: what the call was logged without, and why. `task`: its follow-up, whenever it was made; absent when there
 * is none. `failed`: this row only, its neighbours are not touched. `contactGone`: the contact is not there any
 * more; match the call anew.
 */
export type SaveResult = { key: string } & (
  | {
      saved: string;
      created: boolean;
      wrote: Fields;
      kept: string[];
      contact?: ContactRef;
      stored?: Fields;
      without?: string[];
      task?: FollowUp;
    }
  | { gone: true }
  | { failed: CrmError; contactGone?: ContactRef }
);

/** A follow-up task of ours. `wrote`: what it was made with, by which a person's change is seen. */
export type FollowUp = { id: string; wrote: Fields };

/** `open`: as we made it. `touched`: open, but a person changed it. `done`: closed, or not there any more. */
export type FollowUpStanding = "open" | "touched" | "done";

export type RemovedCall = { key: string; activityId?: string; sentAt?: number };

/** A page of changes to contacts. `cursor`: give it back to go on. `full`: this starts a complete list (forget what is not in it). */
export type ContactChanges = {
  contacts: Contact[];
  removed: ContactRef[];
  cursor: string;
  more: boolean;
  full?: boolean;
};

/** A field of the CRM, for `switchhook check`. `options`: what a picklist takes, by value or by label. */
export type FieldDescription = {
  name: string;
  type: "string" | "number" | "boolean" | "datetime" | "date" | "picklist";
  writable: boolean;
  options?: string[];
};

/** What the parts of a mapping may name: the fields of an activity, of a new contact, of a follow-up task, and those a contact can be read by. */
export type FieldDescriptions = {
  activity: FieldDescription[];
  contact: FieldDescription[];
  task: FieldDescription[];
  readable: string[];
};

/** A CRM account. The first two methods are required. Throws `CrmError`; `saveCalls` reports each row's own failure. */
export type Connector = {
  /**
   * The contacts with each of these E.164 numbers, verified locally; a number nobody has is absent.
   * `urgent`: a caller waits for the answer, so it goes before all other work.
   */
  findContacts(
    numbers: readonly string[],
    signal?: AbortSignal,
    urgent?: boolean,
  ): Promise<Map<string, Contact[]>>;
  /** Saves a batch, at most `batchSize`; one result per record, found by its key. */
  saveCalls(records: readonly CallRecord[], signal?: AbortSignal): Promise<SaveResult[]>;
  batchSize: number;
  /** How many batches may be under way at once; one when absent. */
  parallel?: number;
  /**
   * Fields that take only a link to a public https address, for `switchhook check`. Absent: people read the CRM where
   * Switchhook runs.
   */
  webLinks?: readonly string[];
  /** How many numbers one request looks up; all of them when absent. */
  lookupSize?: number;
  /**
   * Takes back activities of legs that turned out to belong to another call. One without `activityId` was sent at
   * `sentAt` (ms) and may be there.
   */
  removeCalls?(activities: readonly RemovedCall[]): Promise<void>;
  /** How these tasks of ours stand now, by id. */
  tasks?(tasks: readonly FollowUp[], signal?: AbortSignal): Promise<Map<string, FollowUpStanding>>;
  /** Closes those of these tasks that are open and unchanged; what became of each, by id. */
  closeTasks?(
    tasks: readonly FollowUp[],
    signal?: AbortSignal,
  ): Promise<Map<string, "closed" | "touched" | "done" | CrmError>>;
  changedContacts?(cursor: string | undefined, signal?: AbortSignal): Promise<ContactChanges>;
  /** These contacts as they are now. `gone`: not there, or under another id. */
  contactsById?(
    ids: readonly string[],
    signal?: AbortSignal,
  ): Promise<{ contacts: Contact[]; gone: ContactRef[] }>;
  /** Calls back when contacts may have changed; returns how to stop. */
  watch?(changed: () => void): () => void;
  /** The recording of this saved call can be played now: the CRM may fetch it. Only called for calls with a link to it. */
  recordingReady?(activityId: string, signal?: AbortSignal): Promise<void>;
  owners?(): Promise<Owner[]>;
  fields?(): Promise<FieldDescriptions>;
  prepare?(): Promise<void>;
  close?(): Promise<void>;
};

/** A kind of CRM. `S` is the shape of an installation's `crm` settings, `type` included. */
export type ConnectorKind<S = unknown> = {
  id: string;
  label: string;
  settings: ZodType<S>;
  /** Kinds of contact this CRM has, in the default order of preference. */
  contactKinds: readonly ContactKind[];
  /** Types of other records that a mapping may `associate` a call with; none when absent. */
  associates?: readonly string[];
  connect(settings: S, context: ConnectContext): Connector;
  /** How the CRM is installed by OAuth, when it can be. */
  oauth?: OAuth;
  /** How it tells our app of contacts, when it does. */
  webhook?: CrmWebhook;
  /** How its own player asks our app for recordings, when it does. */
  recordings?: CrmRecordings;
  /** The settings of an installation that was made by OAuth: no credentials. */
  installed?: ZodType<S>;
};

/**
 * What a connector gets from its installation. `region`: for numbers that the CRM stores in national form.
 * `contactFields`: the contact fields that the mapping asks for just now (`contact.fields.<name>`).
 */
export type ConnectContext = {
  installation: string;
  region: string;
  contactFields: () => readonly string[];
  now: () => number;
  warn: (message: string) => void;
  onRequest?: (request: CrmRequest) => void;
  /** Of an installation that was made by OAuth; otherwise the settings say how to sign in. */
  tokens?: TokenSource;
  /** What the account grants just now. Absent or empty: nobody said, so anything may be tried. */
  scopes?: () => readonly string[];
};
