/**
 * What can wait for an installation. `lines`: own lines whose earlier calls are still to be folded again; `contacts`: changes
 * that the CRM reported.
 */
export type WorkKind = "deliveries" | "lines" | "calls" | "follow-ups" | "polls" | "recordings" | "contacts";

export type WaitingWork = { installation: string; waiting: WorkKind };

/** When an installation last synced its contacts, when its newest call last changed, and how its numbers were read. */
export type LastUse = { installation: string; syncedAt?: number; calledAt?: number; numbering?: string };

/** Webhooks of a provider that were refused with the same status. */
export type RefusedWebhooks = {
  installation: string;
  provider: string;
  /** Of the HTTP answers. */
  status: number;
  count: number;
  /** In milliseconds since 1970. */
  lastAt: number;
  /** Of the last one, as its sender got it. */
  reason: string;
};

/** What is to be done, over all installations. The cost grows with those that have something waiting, not with what is stored. */
export type WaitingStore = {
  /** What is to be decoded, or due at `now`, of these kinds. */
  waitingWork(now: number, kinds: readonly WorkKind[]): Promise<WaitingWork[]>;
  /** The earliest due time of each installation that has a due call, also of one that is due later. */
  oldestDue(): Promise<{ installation: string; due: number }[]>;
  /** Installations with a call that is not over and has had no news since `quietSince`. */
  quietCalls(quietSince: number): Promise<string[]>;
  /** Of the installations that have ever been synced. */
  lastUses(): Promise<LastUse[]>;
  /** Adds to what was noted before. */
  noteRefusals(refusals: readonly RefusedWebhooks[]): Promise<void>;
  /** Of an installation, the latest first. */
  refusals(installation: string): Promise<RefusedWebhooks[]>;
};
