import type { Contact } from "../core/contact.ts";
import type { Connector, Provider } from "../core/contracts.ts";
import type { InstallationSettings } from "../core/settings.ts";
import type { Mapping } from "../mapping/compile.ts";
import type { CallRow, Store } from "../store/contract.ts";

/**
 * A provider as one installation uses it. `defaultAgent`: who answers calls when neither a rule nor an owner decides.
 * `chatAgent`: who answers chats; rules and owners name agents for calls.
 */
export type ConfiguredProvider = {
  provider: Provider;
  settings: unknown;
  defaultAgent?: string;
  chatAgent?: string;
};

/** Looks up callers while they ring; `underWay` is the answer that the CRM was asked for already. */
export type CallerSearch = {
  /** The contacts with this number; rejects with the reason of `ended` when that comes first. Throws `CrmError`. */
  find(flow: Flow, installation: Installation, number: string, ended: AbortSignal): Promise<Contact[]>;
  underWay(number: string): Promise<Contact[]> | undefined;
};

/** An installation at work: its settings, its providers, and the way to its CRM. `mapping` is read anew for every batch. */
export type Installation = {
  settings: InstallationSettings;
  crm: string;
  providers: Readonly<Record<string, ConfiguredProvider>>;
  connector: Connector;
  callers: CallerSearch;
  mapping: () => Mapping;
};

/** As much of an installation as decoding looks at. */
export type Decoding = Pick<Installation, "settings" | "providers">;

/** Structured log, as pino has it: facts first, then the sentence. Never a whole phone number, secret or payload. */
export type Log = {
  debug(facts: object, sentence: string): void;
  info(facts: object, sentence: string): void;
  warn(facts: object, sentence: string): void;
  error(facts: object, sentence: string): void;
};

export type Severity = "info" | "warn" | "error";

/** For lines that may come with every request, row or probe: `limited-log.ts` has the limits. */
export type LimitedLog = Pick<Log, Severity> & {
  /** Logs the first line of its kind in a minute, and counts the others. */
  seldom(level: Severity, facts: object, sentence: string): void;
  /** Logs what was only counted so far. */
  flush(): void;
};

/**
 * What the verbs of this folder work with. `recordingUrl`, `transcriptUrl`: our links to what was said in a call; undefined
 * when they were taken back.
 */
export type Flow = {
  store: Store;
  now: () => number;
  log: Log;
  limitedLog: LimitedLog;
  meter: Meter;
  recordingUrl?: (row: Pick<CallRow, "id" | "call" | "link">) => string | undefined;
  transcriptUrl?: (row: Pick<CallRow, "id" | "call" | "link">) => string | undefined;
};

/** Figures for operators. Names of counters are in `routes/metrics.ts`. */
export type Meter = {
  received(provider: string, kind: string): void;
  refused(provider: string, status: number): void;
  saved(
    crm: string,
    result: "created" | "updated" | "unchanged" | "gone" | "later" | "never",
    calls: number,
  ): void;
  answered(provider: string, source: string, seconds: number): void;
  looked(result: "index" | "crm" | "unknown"): void;
  /** Calls that only asking the provider told of, that it told more of, or that were closed without an end. */
  reconciled(provider: string, result: "missed" | "mended" | "closed", calls: number): void;
  /** A recording could be played for the first time, so long after the end of its call. */
  recordingSeen(provider: string, seconds: number): void;
  streamed(provider: string, source: "provider" | "archive", bytes: number): void;
};
