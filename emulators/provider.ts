import type { SimulatedCall } from "../src/core/provider.ts";
import type { Emulator } from "./contract.ts";

/**
 * A provider's API on loopback. Its clock decides what it tells already: a call that is not over yet, figures that settle
 * late, recordings that are made some minutes after the call.
 */
export type ProviderEmulator = Emulator & {
  /** What `providers.<id>` of an installation needs to take its webhooks and to ask it: credentials and `apiUrl`. */
  settings: Record<string, unknown>;
  /** A call that the API knows. Its answers say the same as the webhooks of `simulate.script(call)`. */
  place(call: SimulatedCall, options?: PlacedOptions): void;
};

/** `recordingAfterSeconds`: how long after its end the recording is there; none at all when null. */
export type PlacedOptions = { recordingAfterSeconds?: number | null };

/** Seconds after its end at which a recording is there, unless a test says otherwise. */
export const usualRecordingDelay = 120;
