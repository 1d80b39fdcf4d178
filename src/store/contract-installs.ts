import type { Contact, Owner } from "../core/contact.ts";
import type { Delivery } from "../core/contracts.ts";
import type { InstallState } from "../core/tracked-call.ts";

/**
 * An installation that was made by OAuth. `account`: the CRM's id of it. `body`: JSON of what is known of the account
 * and its settings. `sealed`: the grant. `reason`: why it is not active. `leftAt`: since when it is in a state other than
 * `active`; the store sees to it, whatever is saved.
 */
export type StoredInstall = {
  name: string;
  crm: string;
  account: string;
  state: InstallState;
  reason?: string;
  body: string;
  sealed?: string;
  version: number;
  updatedAt: number;
  leftAt?: number;
};

/** Something that is kept of an installation. A call is read by its key. */
export type KeptThing =
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

/** A place in all that is kept of an installation, known to the store only. */
export type KeptPlace = { step: number; after: (string | number)[] };

export type KeptPage = { things: KeptThing[]; next?: KeptPlace };

/** `signal`: stops between two stretches. `onProgress`: told how many rows have gone so far. */
type EraseOptions = { signal?: AbortSignal; onProgress?: (rows: number) => void };

/** Installations that were made by OAuth, what is kept of any installation, and its end. */
export type InstallStore = {
  installs(): Promise<StoredInstall[]>;
  /** `claim`: what `claimInstall` was given; false, and nothing is saved, when somebody else has claimed it since, or it is being erased. */
  saveInstall(install: StoredInstall, claim?: number): Promise<boolean>;
  /** Keeps all others, in other processes too, from an installation until then. False while somebody else has it, or it is not there. */
  claimInstall(name: string, now: number, until: number): Promise<boolean>;
  releaseInstall(name: string, claim: number): Promise<void>;
  /** A stretch of what is kept of an installation, small enough that nobody waits for it; `next`: where the one after it starts. */
  keptOf(installation: string, from?: KeptPlace): Promise<KeptPage>;
  /** The point of no return: forgets account, settings and grant. False when somebody has it, or it did not leave at `leftAt`. */
  beginErasure(name: string, leftAt: number, now: number): Promise<boolean>;
  /** Leaves nothing of an installation, a stretch at a time; its row in `installs` goes last. Repeated after a crash. False when stopped. */
  eraseInstallation(installation: string, options?: EraseOptions): Promise<boolean>;
};
