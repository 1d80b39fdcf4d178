const usualRetryAfterSeconds = 10;

/** A request that is turned away. Thrown by `verify`, `read` and routes; the answer has `status`, nothing is stored. */
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

/** `later`: try again (network, 5xx, rate limit, lock, token). `never`: somebody has to mend something first. */
export type Retry = "later" | "never";

const longestAskedMs = 86_400_000;

/** A CRM that did not do what we asked. Thrown or returned by connectors; read by `flow/deliver` only. */
export class CrmError extends Error {
  readonly retry: Retry;
  /** Milliseconds that the CRM asked us to wait, when it said so; a day at most, which is the longest known (HubSpot's 477). */
  readonly afterMs: number | undefined;

  constructor(retry: Retry, message: string, options: ErrorOptions & { afterMs?: number } = {}) {
    super(message, options);
    this.name = "CrmError";
    this.retry = retry;
    this.afterMs = options.afterMs === undefined ? undefined : Math.min(options.afterMs, longestAskedMs);
  }
}

/** A telephony provider's API that did not tell us what we asked. Thrown by `Polling`; read by `flow/reconcile` only. */
export class ProviderError extends Error {
  readonly retry: Retry;
  /** Milliseconds that the provider asked us to wait, when it said so. */
  readonly afterMs: number | undefined;

  constructor(retry: Retry, message: string, options: ErrorOptions & { afterMs?: number } = {}) {
    super(message, options);
    this.name = "ProviderError";
    this.retry = retry;
    this.afterMs = options.afterMs === undefined ? undefined : Math.min(options.afterMs, longestAskedMs);
  }
}

/** Recordings that could not be kept, played or removed. Thrown by an `Archive`; `message` says what and the cure, no secret. */
export class ArchiveError extends Error {
  readonly retry: Retry;

  constructor(retry: Retry, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "ArchiveError";
    this.retry = retry;
  }
}

/**
 * `damaged`: the database is not what was written. `full`, `locked`, `broken`: the disk has no room, does not let us write, or fails.
 * `refused`: it did not take these values. `other`: anything else, such as a lock that somebody holds.
 */
export type StoreFault = "damaged" | "full" | "locked" | "broken" | "refused" | "other";

/** The store did not do what it was asked. `cure`: what an operator does about it, in one sentence. */
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

/** One thing wrong in a configuration or mapping file: where, what, and what to do about it. */
export type Fault = { at: string; problem: string; cure?: string };

/** All that is wrong with the configuration, at once. Printed by `main` and `cli`, which then exit with 1. */
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

/** Whether an error is one of our classes, so that its message is a sentence of ours and not some library's. */
export function isOwnError(error: unknown): boolean {
  return error instanceof Error && ownNames.has(error.name);
}
