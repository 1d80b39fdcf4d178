import type { SimulatedCall } from "../../src/core/provider.ts";

/** An answered call for tests to vary. */
export const simulatedCall: SimulatedCall = {
  id: "sim-1",
  direction: "inbound",
  customer: "+31612345678",
  line: "+31201234567",
  agent: "201",
  startedAt: "2026-01-02T03:04:05.000Z",
  ringSeconds: 4,
  talkSeconds: 61,
  outcome: "completed",
};
