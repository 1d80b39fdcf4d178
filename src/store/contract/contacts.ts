import type { ContactRef } from "../core/contact.ts";

/** A contact with the numbers that it is found by: those the CRM has, and those the index has for it. */
export type NumberedContact = { ref: ContactRef; phones: string[]; indexed: string[] };
/** A call with its customer's number as the provider sent it, and the identity that it is found by. */
export type NumberedCall = { id: number; raw?: string; number?: string };

/** `was`: the row is changed only while it still has this. */
export type ContactNumbers = { ref: ContactRef; was: readonly string[]; numbers: readonly string[] };
export type CallNumber = { id: number; was?: string; number?: string };

/** What the rules for the identity of a number are applied with, when they have changed. */
export type NumberingStore = {
  /** The version of the rules that an installation's rows were written with; undefined before the first time. */
  numbering(installation: string): Promise<string | undefined>;
  saveNumbering(installation: string, version: string): Promise<void>;
  numberedContacts(
    installation: string,
    after: ContactRef | undefined,
    limit: number,
  ): Promise<NumberedContact[]>;
  numberedCalls(installation: string, after: number, limit: number): Promise<NumberedCall[]>;
  /** Unmatched calls of these numbers since `matchSince` become due at `now`. Returns how many. */
  renumberContacts(
    installation: string,
    contacts: readonly ContactNumbers[],
    options: { now: number; matchSince: number },
  ): Promise<number>;
  /** The numbers that questions of AI agents are kept under, in order, after one of them. */
  answerNumbers(installation: string, after: string, limit: number): Promise<string[]>;
  renumberAnswers(installation: string, answers: readonly { was: string; number: string }[]): Promise<void>;
  /** The same, for calls whose number the index knows now. */
  renumberCalls(
    installation: string,
    calls: readonly CallNumber[],
    options: { now: number; matchSince: number },
  ): Promise<number>;
};
