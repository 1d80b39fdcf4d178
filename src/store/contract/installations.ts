import type { Contact, Owner } from "../../core/contact.ts";
import type { Delivery } from "../../core/provider.ts";
import type { InstallState } from "../../core/tracked-call.ts";

/** An installation that was made by OAuth. */
export type StoredInstall = {
  name: string;
  crm: string;
  /** The CRM's id of the account. */
  account: string;
  state: InstallState;
  /** Why it is not active. */
  reason?: string;
  /** The account and its settings, as JSON. */
  body: string;
  /** The grant, encrypted. */
  sealed?: string;
  version: number;
  updatedAt: number;
  /** Since when it has been in a state other than `active`. The store sets it, whatever is saved. */
  leftAt?: number;
};

/** One item of an installation's export. A call is read by its key. */
export type ExportedItem =
  | { type: "owner"; owner: Owner }
  | { type: "contact"; contact: Contact }
  | { type: "call"; id: number; key: string }
  | {
      type: "answer";
      provider: string;
      ref: string;
      at: number;
      number?: string;
      reply: unknown;
      why: unknown;
    }
  | { type: "delivery"; id: number; delivery: Delivery };

/** A position in all that is stored of an installation. Only the store reads it. */
export type StoredPosition = { step: number; after: (string | number)[] };

export type ExportPage = {
  items: ExportedItem[];
  /** Where the next page starts. */
  next?: StoredPosition;
};

type EraseOptions = {
  /** Stops between two steps. */
  signal?: AbortSignal;
  /** Called with the number of rows removed so far. */
  onProgress?: (rows: number) => void;
};

/** Installations that were made by OAuth; the export and the erasure of any installation. */
export type InstallStore = {
  installs(): Promise<StoredInstall[]>;
  install(name: string): Promise<StoredInstall | undefined>;
  /**
   * `claim`: the time that `claimInstall` was called with. False, and nothing is saved, when the claim is no longer held,
   * or the installation is being erased.
   */
  saveInstall(install: StoredInstall, claim?: number): Promise<boolean>;
  /** Claims an installation until then, against other processes as well. False when it is claimed, or does not exist. */
  claimInstall(name: string, now: number, until: number): Promise<boolean>;
  releaseInstall(name: string, claim: number): Promise<void>;
  /** A page of what is stored of an installation, small enough to be read without holding up webhooks. */
  exportPage(installation: string, from?: StoredPosition): Promise<ExportPage>;
  /** Drops account, settings and grant for good. False when it is claimed, or did not leave at `leftAt`. */
  beginErasure(name: string, leftAt: number, now: number): Promise<boolean>;
  /**
   * Erases all of an installation in steps; its row in `installs` goes last. Safe to repeat after a crash. False when
   * it was stopped.
   */
  eraseInstallation(installation: string, options?: EraseOptions): Promise<boolean>;
};
