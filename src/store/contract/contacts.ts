import type { Contact, ContactKind, ContactRef, Owner } from "../../core/contact.ts";

/** When contacts are indexed: calls without a contact since `matchSince` that have their numbers become due at `now`. */
export type PutOptions = { now: number; matchSince: number };

/** A contact under the identities of its numbers. */
export type IndexedContact = { contact: Contact; numbers: readonly string[] };

export type SyncState = { cursor?: string; generation: number; finishedAt?: number };

/** A contact with the numbers that it is found by: those the CRM has, and those the index has for it. */
export type NumberedContact = { ref: ContactRef; phones: string[]; indexed: string[] };
/** A call with its customer's number as the provider sent it, and the identity that it is found by. */
export type NumberedCall = { id: number; raw?: string; number?: string };

export type ContactNumbers = {
  ref: ContactRef;
  /** The row is changed only while it still has these. */
  was: readonly string[];
  numbers: readonly string[];
};
export type CallNumber = {
  id: number;
  /** The row is changed only while it still has this one. */
  was?: string;
  number?: string;
};

/** What a CRM reported about contacts: ids to read again, and contacts that are gone. */
export type ReportedChanges = { changed: readonly string[]; removed: readonly ContactRef[] };

/** A reported change that is to be applied to the index. */
export type DueContactChange = {
  id: string;
  /** The kind of a contact that is gone; absent when it is to be read again. */
  removed?: ContactKind;
  /** Higher each time that the same change is reported. */
  version: number;
};

/** The index of the CRM's contacts by number. */
export type ContactStore = {
  contactsByNumber(installation: string, numbers: readonly string[]): Promise<Map<string, Contact[]>>;
  contact(installation: string, ref: ContactRef): Promise<Contact | undefined>;
  /** Contacts whose name has this text, whatever its case; at most `limit`. */
  contactsNamed(installation: string, text: string, limit: number): Promise<Contact[]>;
  countContacts(installation: string): Promise<number>;
  /** Adds or replaces contacts, as of the current generation. Returns how many calls became due. */
  putContacts(
    installation: string,
    contacts: readonly IndexedContact[],
    options: PutOptions,
  ): Promise<number>;
  removeContacts(installation: string, refs: readonly ContactRef[]): Promise<void>;
  /** Removes the contacts that a complete listing did not show. */
  dropContactsBefore(installation: string, generation: number): Promise<number>;
  /**
   * Erases these people: contacts, the calls that are theirs or came from a number that no other contact has, what was
   * received about them, answers. `spared`: E.164 numbers that are the company's own. Deliveries that mention them are
   * erased first, in steps; the rest is one transaction, so an erasure that failed can be repeated.
   */
  erase(
    installation: string,
    refs: readonly ContactRef[],
    options: { now: number; spared: readonly string[] },
  ): Promise<void>;

  /** Stores what a CRM reported, once for each contact, until it is applied. */
  addContactChanges(installation: string, reported: ReportedChanges, now: number): Promise<void>;
  /** Those that have waited longest. */
  dueContactChanges(installation: string, now: number, limit: number): Promise<DueContactChange[]>;
  /** Those that were applied; one that was reported again meanwhile stays. */
  deleteContactChanges(installation: string, changes: readonly DueContactChange[]): Promise<void>;
  postponeContactChanges(installation: string, until: number): Promise<void>;

  putOwners(installation: string, owners: readonly Owner[]): Promise<void>;
  owners(installation: string): Promise<Owner[]>;
  syncState(installation: string): Promise<SyncState>;
  /** The generation never decreases. */
  saveSyncState(installation: string, state: SyncState): Promise<void>;

  /** The version of the rules that an installation's numbers were read by; undefined before the first time. */
  numbering(installation: string): Promise<string | undefined>;
  saveNumbering(installation: string, version: string): Promise<void>;
  numberedContacts(
    installation: string,
    after: ContactRef | undefined,
    limit: number,
  ): Promise<NumberedContact[]>;
  numberedCalls(installation: string, after: number, limit: number): Promise<NumberedCall[]>;
  /** Returns how many calls became due. */
  renumberContacts(
    installation: string,
    contacts: readonly ContactNumbers[],
    options: PutOptions,
  ): Promise<number>;
  /** Returns how many of the calls became due, because the index has their number. */
  renumberCalls(installation: string, calls: readonly CallNumber[], options: PutOptions): Promise<number>;
  /** The numbers of answers, in order, after one of them. */
  answerNumbers(installation: string, after: string, limit: number): Promise<string[]>;
  renumberAnswers(installation: string, answers: readonly { was: string; number: string }[]): Promise<void>;
};
