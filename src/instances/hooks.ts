import type { LiveCall } from "../core/runtime.ts";
import type { LaneName, SharedChange, WorkClaim } from "../store/contract.ts";

/** What this process does when it gets work, and when it loses it. */
export type TenancyHooks = {
  /** Whether there is such an installation here. */
  knows(installation: string): boolean;
  /** From now on this instance works for it. */
  take(claim: WorkClaim): void;
  /** It no longer does. Stops what is under way; resolves when nothing is. */
  drop(installation: string): Promise<void>;
  /** Wakes a lane that runs here. False when it does not. */
  wake(lane: LaneName): boolean;
  /** Whether its work has been at rest for a while. */
  isIdle(installation: string): boolean;
  /** From now on this instance does what is done once for all. */
  lead(): void;
  follow(): Promise<void>;
  changed(change: SharedChange): Promise<void>;
  live: { hasListeners(): boolean; publish(calls: readonly LiveCall[]): void };
};
