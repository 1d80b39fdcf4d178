import type { Contact } from "../core/contact.ts";
import type { Connector } from "../core/crm.ts";
import type { Answer } from "../core/provider.ts";
import type { Decoding, Runtime } from "../core/runtime.ts";
import type { createTurns } from "../lib/pace.ts";
import type { Mapping } from "../mapping/compile.ts";
import type { Store } from "../store/contract.ts";

/** What the verbs of this folder work with. */
export type Flow = Runtime & {
  store: Store;
  /** Answers to AI agents that are being decided: a retry that overtakes the first answer joins it. */
  pendingAnswers: Map<string, Promise<Answer>>;
};

/** Looks up callers while they ring. */
export type CallerSearch = {
  /** The contacts with this number; rejects with the reason of `ended` when that comes first. Throws `CrmError`. */
  find(flow: Flow, installation: Installation, number: string, ended: AbortSignal): Promise<Contact[]>;
  /** The answer to a request that is under way. */
  underWay(number: string): Promise<Contact[]> | undefined;
};

/** An installation at work: its settings, its providers, and the way to its CRM. */
export type Installation = Decoding & {
  crm: string;
  connector: Connector;
  callers: CallerSearch;
  /** What reads contacts from the CRM and then indexes them does so one after another. */
  indexing: ReturnType<typeof createTurns>;
  /** The mapping in use; it may change between two batches. */
  mapping: () => Mapping;
};
