import type { ZodType } from "zod";
import type { Scalar } from "./call.ts";
import type { Contact, ContactKind, ContactRef, Owner } from "./contact.ts";
import type { Account, CrmRecordings, CrmRequest, CrmWebhook, OAuth, TokenSource } from "./crm-app.ts";
import type { CrmError, Fault } from "./errors.ts";

/** The value of one CRM field, in the CRM's own type. A multi-select is one text with semicolons. */
export type FieldValue = Scalar;
export type Fields = Record<string, FieldValue>;

/** `always`: on every update, unless a person changed it. `if-empty`: only into an empty field. `once`: only at creation. */
export type WriteMode = "always" | "if-empty" | "once";

/** One call as the CRM should have it. */
export type CallRecord = {
  /** The external id: saving it twice updates. */
  key: string;
  /** The CRM's id, from an earlier save. */
  activityId?: string;
  /** When it was first sent without an answer that was stored (ms): the CRM may have it. */
  sentAt?: number;
  /** "" empties a field. */
  fields: Fields;
  modes: Readonly<Record<string, WriteMode>>;
  /** For each field, every value that we may have written before; any other value in the CRM is a person's edit. */
  ours: Readonly<Record<string, readonly FieldValue[]>>;
  contact?: ContactRef;
  /** The CRM confirmed the contact in an earlier save, so it is not linked again. */
  linked?: boolean;
  /** A person chose another contact in the console: the one that we linked before is to be unlinked. */
  moved?: true;
  ownerId?: string;
  /** Owns it when the CRM refuses `ownerId`. */
  fallbackOwnerId?: string;
  /** An unknown caller: create this contact first. */
  createContact?: {
    /** The identity of the number, E.164 where possible. */
    number: string;
    /** How the number is dialled, if that differs. */
    phone?: string;
    fields: Fields;
    /** The provider sent the caller's name. */
    named?: true;
  };
  /** Other records of the call, by the CRM's name of their type. */
  associate?: Readonly<Record<string, string>>;
  /** A follow-up for the owner, made once per key. */
  task?: { fields: Fields };
};

/** What became of one record of a batch. */
export type SaveResult = { key: string } & (
  | {
      /** The activity's id. */
      saved: string;
      created: boolean;
      /** What was written now. */
      wrote: Fields;
      /** The fields left alone because a person changed them. */
      kept: string[];
      contact?: ContactRef;
      /** Fields that the CRM stores in another form than it was sent. */
      stored?: Fields;
      /** What the call was logged without, and why. */
      without?: string[];
      /** Its follow-up, whenever it was made. */
      task?: FollowUp;
    }
  /** A person deleted the activity; it stays deleted. */
  | { gone: true }
  /** This record only. `contactGone`: its contact no longer exists; match the call again. */
  | { failed: CrmError; contactGone?: ContactRef }
);

/** A follow-up task that we made. */
export type FollowUp = {
  id: string;
  /** What it was made with, to recognise a person's change. */
  wrote: Fields;
};

/** `open`: as we made it. `touched`: open, but a person changed it. `done`: closed or deleted. */
export type FollowUpStanding = "open" | "touched" | "done";

export type RemovedCall = { key: string; activityId?: string; sentAt?: number };

/** A page of changes to contacts. */
export type ContactChanges = {
  contacts: Contact[];
  removed: ContactRef[];
  /** Where the next page begins. */
  cursor: string;
  more: boolean;
  /** The first page of a complete list: what the list does not have is to be dropped. */
  full?: boolean;
};

/** A field of the CRM, for `switchhook check`. */
export type FieldDescription = {
  name: string;
  type: "string" | "number" | "boolean" | "datetime" | "date" | "picklist";
  writable: boolean;
  /** The values and labels of a picklist. */
  options?: string[];
};

/** The fields that the parts of a mapping may name. */
export type FieldDescriptions = {
  activity: FieldDescription[];
  /** Of a new contact. */
  contact: FieldDescription[];
  /** Of a follow-up task. */
  task: FieldDescription[];
  /** The fields of a contact that `contact.fields.<name>` may read. */
  readable: string[];
};

/** A CRM account. The first two methods are required. Throws `CrmError`; `saveCalls` reports each row's own failure. */
export type Connector = {
  /**
   * The contacts with each of these E.164 numbers, verified locally; an unknown number is absent.
   * `urgent`: a caller waits for the answer, so it goes before all other work.
   */
  findContacts(
    numbers: readonly string[],
    signal?: AbortSignal,
    urgent?: boolean,
  ): Promise<Map<string, Contact[]>>;
  /** Saves at most `batchSize` records; one result per record, found by its key. */
  saveCalls(records: readonly CallRecord[], signal?: AbortSignal): Promise<SaveResult[]>;
  batchSize: number;
  /** How many batches may be under way at once; one when absent. */
  parallel?: number;
  /** Fields that take only a link to a public https address, for `switchhook check`. */
  webLinks?: readonly string[];
  /** How many numbers one request looks up; all of them when absent. */
  lookupSize?: number;
  /** Removes activities of legs that became part of another call. One without `activityId` was sent at `sentAt` (ms) and may exist. */
  removeCalls?(activities: readonly RemovedCall[]): Promise<void>;
  /** The state of these tasks of ours, by id. */
  tasks?(tasks: readonly FollowUp[], signal?: AbortSignal): Promise<Map<string, FollowUpStanding>>;
  /** Closes those of these tasks that are open and unchanged; what became of each, by id. */
  closeTasks?(
    tasks: readonly FollowUp[],
    signal?: AbortSignal,
  ): Promise<Map<string, "closed" | "touched" | "done" | CrmError>>;
  changedContacts?(cursor: string | undefined, signal?: AbortSignal): Promise<ContactChanges>;
  /** These contacts as they are now. `gone`: deleted, or under another id. */
  contactsById?(
    ids: readonly string[],
    signal?: AbortSignal,
  ): Promise<{ contacts: Contact[]; gone: ContactRef[] }>;
  /** Calls back when contacts may have changed; returns how to stop. */
  watch?(changed: () => void): () => void;
  /** The recording of this saved call can be played now, so the CRM may fetch it. Only for calls with a link to it. */
  recordingReady?(activityId: string, signal?: AbortSignal): Promise<void>;
  owners?(): Promise<Owner[]>;
  fields?(): Promise<FieldDescriptions>;
  prepare?(): Promise<void>;
  /** What is wrong with its records, for `switchhook check`; calls are logged all the same. */
  faults?(): Promise<Fault[]>;
  close?(): Promise<void>;
};

/** A kind of CRM. `S` is the shape of an installation's `crm` settings, `type` included. */
export type ConnectorKind<S = unknown> = {
  id: string;
  label: string;
  settings: ZodType<S>;
  /** The kinds of contact that this CRM has, in the default order of preference. */
  contactKinds: readonly ContactKind[];
  /** Types of other records that a mapping may `associate` a call with; none when absent. */
  associates?: readonly string[];
  connect(settings: S, context: ConnectContext): Connector;
  /** Loads the client library, which takes longer than a webhook may wait. */
  load?(): Promise<unknown>;
  oauth?: OAuth;
  webhook?: CrmWebhook;
  recordings?: CrmRecordings;
  /** Where people see a record of an account that was connected by OAuth; undefined when the account names no address. */
  recordUrl?(account: Account, record: ContactRef): string | undefined;
  /** The settings of an installation that was made by OAuth: no credentials. */
  installed?: ZodType<S>;
};

/** What a connector gets from its installation. */
export type ConnectContext = {
  installation: string;
  /** For numbers that the CRM stores in national form. */
  region: string;
  /** The contact fields that the mapping in use reads (`contact.fields.<name>`). */
  contactFields: () => readonly string[];
  now: () => number;
  /** No earlier connector of this account has sent a request since; now, when absent. */
  quietSince?: number;
  /**
   * The part of the account's limits that this process may use, from 0 to 1: other instances may use the account, too.
   * `isTold`: of a limit for which the CRM's answers tell what all instances have used.
   */
  share?: (isTold: boolean) => number;
  warn: (message: string) => void;
  onRequest?: (request: CrmRequest) => void;
  /** Of an installation that was made by OAuth; otherwise the settings have the credentials. */
  tokens?: TokenSource;
  /** The scopes that the account grants now. Absent or empty: unknown, so every request may be tried. */
  scopes?: () => readonly string[];
};

/**
 * The fields of a record. Fields with the mode `always` that we filled before and that have no value now are "", which
 * empties them; fields that were never filled are left out.
 */
export function withEmptied({ fields, modes, ours }: Pick<CallRecord, "fields" | "modes" | "ours">): Fields {
  const emptied = Object.entries(modes).filter(
    ([name, mode]) =>
      mode === "always" && !Object.hasOwn(fields, name) && own(ours, name)?.some((value) => value !== ""),
  );
  return { ...fields, ...Object.fromEntries(emptied.map(([name]) => [name, ""])) };
}

/**
 * Which fields of an activity may be overwritten, and which stay because a person changed them.
 * `current`: the activity's fields as the CRM has them; undefined for a new one, which gets everything.
 * `form`: the form in which two values of a field are compared, where a CRM stores another form than it was sent.
 */
export function fieldsToWrite(
  record: Pick<CallRecord, "fields" | "modes" | "ours">,
  current: Readonly<Record<string, FieldValue | null | undefined>> | undefined,
  form: (name: string, value: FieldValue) => FieldValue = (_, value) => value,
): { write: Fields; kept: string[] } {
  if (!current) return { write: { ...record.fields }, kept: [] };
  const write: [string, FieldValue][] = [];
  const kept: string[] = [];
  for (const [name, wanted] of Object.entries(record.fields)) {
    const mode = own(record.modes, name) ?? "always";
    // CRMs return numbers and booleans as text, and an empty field as "", null or not at all.
    const inForm = (value: FieldValue | null | undefined) =>
      value === undefined || value === null || value === "" ? "" : String(form(name, value));
    const now = inForm(own(current, name));
    if (mode === "once" || now === inForm(wanted)) continue;
    const before = (own(record.ours, name) ?? []).map(inForm);
    const untouched = before.length > 0 ? before.includes(now) : now === "";
    if (!untouched) kept.push(name);
    else if (mode === "always" || now === "") write.push([name, wanted]);
  }
  return { write: Object.fromEntries(write), kept };
}

/** Only own members: a field may be called `constructor`. */
function own<T>(members: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(members, name) ? members[name] : undefined;
}
