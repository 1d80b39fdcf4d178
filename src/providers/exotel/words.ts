import type { Direction, Outcome } from "../../core/call.ts";

/** StatusCallback says inbound, outbound-dial and outbound-api; Passthru incoming; WebRTC inbound, outbound and incoming. */
const directions = new Map<string | undefined, Direction>([
  ["inbound", "inbound"],
  ["incoming", "inbound"],
  ["outbound", "outbound"],
  ["outgoing", "outbound"],
  ["outbound-dial", "outbound"],
  ["outbound-api", "outbound"],
]);

const outcomes = new Map<string | undefined, Outcome>([
  ["completed", "completed"],
  ["busy", "busy"],
  ["failed", "failed"],
  ["no-answer", "no-answer"],
  ["canceled", "cancelled"],
  ["cancelled", "cancelled"],
]);

export function directionOf(word: string | undefined): Direction | undefined {
  return directions.get(word);
}

/** The outcome that a final status of a call or leg tells; undefined for a status that is not final. */
export function outcomeOf(status: string | undefined): Outcome | undefined {
  return outcomes.get(status);
}
