import type { LiveCall } from "../core/runtime.ts";
import type { AccessStore } from "./contract/access.ts";
import type { CallStore } from "./contract/calls.ts";
import type { ContactStore } from "./contract/contacts.ts";
import type { FailureStore } from "./contract/failures.ts";
import type { InstallStore } from "./contract/installations.ts";
import type { MappingStore } from "./contract/mappings.ts";
import type { RecordingStore } from "./contract/recordings.ts";
import type { WaitingStore } from "./contract/waiting.ts";

export type * from "./contract/access.ts";
export type * from "./contract/call-lists.ts";
export type * from "./contract/calls.ts";
export type * from "./contract/contacts.ts";
export type * from "./contract/failures.ts";
export type * from "./contract/installations.ts";
export type * from "./contract/mappings.ts";
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

/** The right of one instance to work for an installation. Each holder has a higher epoch than the one before. */
export type WorkClaim = { installation: string; epoch: number };

/** An install or a mapping that was changed by some instance. */
export type SharedChange = { what: "installs" | "mappings"; name: string };

/** The instances on one store. */
export type InstanceCounts = {
  instances: number;
  tenancies: number;
  hasListeners: boolean;
  /** How many different configurations they have. */
  configs: number;
};

/** A lane of an installation; `lane` has no space or slash. */
export type LaneName = { installation: string; lane: string };

/** What all instances are told at once. A message may be lost. */
export type Notice =
  | { kind: "wake"; lanes: readonly LaneName[] }
  | { kind: "free" }
  | { kind: "answers"; from: string; installation: string }
  | { kind: "changed"; change: SharedChange }
  | { kind: "live"; from: string; calls: readonly LiveCall[] };

/** What several instances on one store need. The embedded store has none of it: one process works in it. */
export type SharedStore = {
  /** Where the queue of the installations' work is. */
  queue: { url: string; schema(): Promise<string> };
  /** The clock that all instances share, in milliseconds since 1970. */
  now(): Promise<number>;
  /** Makes this instance the one that works for an installation: what earlier claims write is refused from then on. */
  claim(installation: string): Promise<WorkClaim>;
  /** The store, whose writes throw `StoreError` (`overtaken`) when there is a newer claim; `overtaken` is called then. */
  as(claim: WorkClaim, overtaken?: () => void): Store;
  /** Notes that an instance runs, and counts those that were noted lately. */
  beat(
    id: string,
    own: Omit<InstanceCounts, "instances" | "configs"> & { config: string },
  ): Promise<InstanceCounts>;
  /** Forgets an instance that ends. */
  leave(id: string): Promise<void>;
  /**
   * Changes since a position, the newest of each install or mapping; without one, where to begin. Those of the last seconds
   * come again, because one that is committed late may have a smaller id.
   */
  changesSince(position?: number): Promise<{ changes: (SharedChange & { id: number })[]; position: number }>;
  mapping(installation: string): Promise<string | undefined>;
  mappings(): Promise<{ installation: string; text: string }[]>;
  /** Without a text it is removed. */
  saveMapping(installation: string, text: string | undefined): Promise<void>;
  notify(notice: Exclude<Notice, { kind: "changed" }>): Promise<void>;
  /** Calls back with all notices, those of this instance as well. Resolves with how to stop. */
  listen(heard: (notice: Notice) => void): Promise<() => Promise<void>>;
};

/** The durable state. A method that writes is one transaction, unless it says otherwise. Throws `StoreError`. */
export type Store = CallStore &
  ContactStore &
  RecordingStore &
  InstallStore &
  WaitingStore &
  MappingStore &
  AccessStore &
  FailureStore &
  UpkeepStore & { shared?: SharedStore };
