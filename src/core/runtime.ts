import type { Provider } from "./provider.ts";
import type { InstallationSettings } from "./settings.ts";
import type { CallState, TrackedCall } from "./tracked-call.ts";

/** Structured log, as pino has it: facts first, then the sentence. Never a whole phone number, secret or payload. */
export type Log = {
  debug(facts: object, sentence: string): void;
  info(facts: object, sentence: string): void;
  warn(facts: object, sentence: string): void;
  error(facts: object, sentence: string): void;
};

export type Severity = "info" | "warn" | "error";

/** For lines that may come with every request, row or probe. */
export type LimitedLog = Pick<Log, Severity> & {
  /** Logs the first line of its kind in a minute, and counts the others. */
  seldom(level: Severity, facts: object, sentence: string): void;
  /** Logs what was only counted so far. */
  flush(): void;
};

/** Figures for operators, as `/metrics` shows them. */
export type Meter = {
  received(provider: string): void;
  refused(provider: string, status: number): void;
  /** The CRM's answer for one call. */
  saved(crm: string, result: "created" | "updated" | "unchanged" | "gone" | "later" | "never"): void;
  answered(provider: string, source: string, seconds: number): void;
  looked(result: "index" | "crm" | "unknown"): void;
  /** Calls that only polling the provider brought, that it added facts to, or that were closed without an end. */
  reconciled(provider: string, result: "missed" | "mended" | "closed", calls: number): void;
  /** A recording could be played for the first time, `seconds` after the end of its call. */
  recordingSeen(provider: string, seconds: number): void;
  streamed(provider: string, source: "provider" | "archive", bytes: number): void;
};

/** As much of a call as its links are made of. */
export type LinkedCall = Pick<TrackedCall, "id" | "call" | "link">;

/** What everything that runs works with. */
export type Runtime = {
  now: () => number;
  log: Log;
  limitedLog: LimitedLog;
  meter: Meter;
  /** Resolves once the secret that signs them is loaded. Throws `StoreError`. */
  links: () => Promise<CallLinks>;
  /** Tells those who watch that calls have changed. */
  publish: (calls: readonly LiveCall[]) => void;
};

/** Our links to what was said in a call; undefined for a call whose link was withdrawn. */
export type CallLinks = {
  recordingUrl(row: LinkedCall): string | undefined;
  /** A page with the whole transcript. */
  transcriptUrl(row: LinkedCall): string | undefined;
};

/** A call that has just changed. */
export type LiveCall = {
  key: string;
  installation: string;
  state: CallState;
  phase?: string;
  revision: number;
};

/** A provider as one installation uses it. */
export type ConfiguredProvider = {
  provider: Provider;
  settings: unknown;
  /** The AI agent that answers calls when neither a rule nor an owner decides. */
  defaultAgent?: string;
  /** The AI agent that answers chats; rules and owners name agents for calls. */
  chatAgent?: string;
};

/** As much of an installation as decoding looks at. */
export type Decoding = {
  settings: InstallationSettings;
  providers: Readonly<Record<string, ConfiguredProvider>>;
};
