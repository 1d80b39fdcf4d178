import type { Outcome } from "./call.ts";

/** A call to make up, for `switchhook simulate`, demos and tests. `id` is unique; numbers are E.164; times are ISO. */
export type SimulatedCall = {
  id: string;
  direction: "inbound" | "outbound";
  customer: string;
  line: string;
  /** An identifier of the agent in the provider's own terms. */
  agent: string;
  startedAt: string;
  ringSeconds: number;
  talkSeconds: number;
  outcome: Extract<Outcome, "completed" | "no-answer" | "busy">;
  /** What links to its recording begin with; a host that is not there when absent. */
  recordingsAt?: string;
};

/** One request as the provider would send it. `path` is appended to the webhook URL (a query, usually empty). */
export type SimulatedRequest = {
  afterSeconds: number;
  method: "GET" | "POST";
  query: string;
  headers: Record<string, string>;
  body: Uint8Array;
};

export type Simulation<S> = {
  /** The requests of one call in order; `afterSeconds` counts from the call's start. */
  script(call: SimulatedCall): SimulatedRequest[];
  /** Adds the proof: signature headers, or the secret in the query. `url`: the whole webhook URL without query. */
  sign(request: SimulatedRequest, settings: S, proof: { now: number; url: string }): SimulatedRequest;
};
