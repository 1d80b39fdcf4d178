const usualRetryAfterSeconds = 10;

/** A request that is refused. Thrown by `verify`, `read` and routes; the answer has `status`, and nothing is stored. */
export class Rejected extends Error {
  readonly status: number;
  /** The `Retry-After` header; there is one with 429 and 503. */
  readonly retryAfterSeconds: number | undefined;

  constructor(status: number, message: string, options: ErrorOptions & { retryAfterSeconds?: number } = {}) {
    super(message, options);
    this.name = "Rejected";
    this.status = status;
    const isPassing = status === 429 || status === 503;
    this.retryAfterSeconds = options.retryAfterSeconds ?? (isPassing ? usualRetryAfterSeconds : undefined);
  }
}

/** `later`: try again (network, 5xx, rate limit, lock, token). `never`: a person has to fix something first. */
export type Retry = "later" | "never";

const longestPauseMs = 86_400_000;

class RemoteError extends Error {
  readonly retry: Retry;
  /** How long the other side asked us to wait, in milliseconds; at most a day, the longest known (HubSpot's status 477). */
  readonly afterMs: number | undefined;

  constructor(retry: Retry, message: string, options: ErrorOptions & { afterMs?: number } = {}) {
    super(message, options);
    this.name = new.target.name;
    this.retry = retry;
    this.afterMs = options.afterMs === undefined ? undefined : Math.min(options.afterMs, longestPauseMs);
  }
}

/** A request that a CRM did not fulfil. Thrown or returned by connectors. */
export class CrmError extends RemoteError {}

/** A request that a telephony provider's API did not fulfil. Thrown by `Polling`. */
export class ProviderError extends RemoteError {}

/** A recording could not be stored, played or removed. Thrown by an `Archive`; `message` says why and the cure, without secrets. */
export class ArchiveError extends RemoteError {}

/**
 * `damaged`: the database is not what was written. `full`, `locked`, `broken`: the disk is full, read-only, or fails.
 * `refused`: it did not accept these values. `overtaken`: another instance works for the installation now. `other`: anything
 * else, such as a lock of another process.
 */
export type StoreFault = "damaged" | "full" | "locked" | "broken" | "refused" | "overtaken" | "other";

/** The store failed. `cure`: what an operator can do about it, in one sentence. */
export class StoreError extends Error {
  readonly fault: StoreFault;
  readonly cure: string;

  constructor(fault: StoreFault, message: string, options: ErrorOptions & { cure: string }) {
    super(message, options);
    this.name = "StoreError";
    this.fault = fault;
    this.cure = options.cure;
  }
}

/** Whether work failed because another instance does it now: nothing went wrong. */
export function isOvertaken(error: unknown): boolean {
  return error instanceof StoreError && error.fault === "overtaken";
}

/** One fault of a configuration or mapping file: where, what, and how to fix it. */
export type Fault = { at: string; problem: string; cure?: string };

/** All faults of the configuration at once. `main` and `cli` print them and exit with 1. */
export class ConfigError extends Error {
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    super(faults.map(faultLine).join("\n"));
    this.name = "ConfigError";
    this.faults = faults;
  }
}

function faultLine({ at, problem, cure }: Fault): string {
  return `${at}: ${problem}${cure ? ` ${cure}` : ""}`;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const ownNames = new Set([
  "Rejected",
  "CrmError",
  "Overtaken",
  "ProviderError",
  "ArchiveError",
  "ConfigError",
  "GrantError",
  "SealError",
  "StoreError",
  "Failure",
]);

/** Whether an error is of a class of our own, so that its message is our sentence and not a library's. */
export function isOwnError(error: unknown): boolean {
  return error instanceof Error && ownNames.has(error.name);
}
