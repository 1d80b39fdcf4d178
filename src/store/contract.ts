import type { CallStore } from "./contract/calls.ts";
import type { ContactStore } from "./contract/contacts.ts";
import type { InstallStore } from "./contract/installations.ts";
import type { RecordingStore } from "./contract/recordings.ts";
import type { WaitingStore } from "./contract/waiting.ts";

export type * from "./contract/calls.ts";
export type * from "./contract/contacts.ts";
export type * from "./contract/installations.ts";
export type * from "./contract/recordings.ts";
export type * from "./contract/waiting.ts";

/** Webhooks that were acknowledged and are missing. Times in milliseconds since 1970. */
export type Loss = {
  noticedAt: number;
  missing: number;
  /** They came after this time; absent when no earlier webhook is known. */
  since?: number;
  until: number;
};

/** Times in one column that were too far in the future. */
export type PulledBack = {
  /** The table and its column. */
  what: string;
  count: number;
  furthest: number;
};

type UpkeepStore = {
  /** Deletes what is older than its time: digests after a day, deliveries and history at `before`. Returns how many deliveries. */
  purge(now: number, before: number): Promise<number>;
  /** A random secret of 32 bytes, made on first use; the same name always gives the same bytes. */
  secret(name: string): Promise<Uint8Array>;
  /** Throws `StoreError` when webhooks cannot be stored now, and always once damage was found. */
  ready(): Promise<void>;
  /** Sets times that are further off than the longest pause, left by a clock that was ahead, to now. */
  pullBack(now: number): Promise<PulledBack[]>;
  /** Losses that were noticed after `since`, oldest first. */
  losses(since: number): Promise<Loss[]>;
  /** Checks every page of the store in a thread of its own. Returns what is damaged; `ready` throws from then on. */
  damage(): Promise<string[]>;
  close(): Promise<void>;
};

/** The durable state. A method that writes is one transaction, unless it says otherwise. Throws `StoreError`. */
export type Store = CallStore & ContactStore & RecordingStore & InstallStore & WaitingStore & UpkeepStore;
