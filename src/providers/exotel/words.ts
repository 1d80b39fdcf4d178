import type { Direction, Outcome } from "../../core/call.ts";
import { outcomeOfWord } from "../../lib/words.ts";

/** StatusCallback says inbound, outbound-dial and outbound-api; Passthru incoming; WebRTC inbound, outbound and incoming. */
const directions = new Map<string | undefined, Direction>([
  ["inbound", "inbound"],
  ["incoming", "inbound"],
  ["outbound", "outbound"],
  ["outgoing", "outbound"],
  ["outbound-dial", "outbound"],
  ["outbound-api", "outbound"],
]);

/** The newer statuses name the leg: `from_leg_unanswered`, `customer_no_dial`, `agent_canceled` (voice v2 and v3). */
const ofLeg = /^(?:from-leg|to-leg|agent|customer)-(unanswered|busy|rejected|cancell?ed|no-dial|failed)$/;

/** What a call or leg says while it goes on. */
const running = new Set(["queued", "initiated", "dialing", "ringing", "in-progress", "answered", "active"]);

export function directionOf(word: string | undefined): Direction | undefined {
  return directions.get(word);
}

/** The outcome that a final status of a call or leg tells; undefined for a status that is not final. */
export function outcomeOf(status: string | undefined): Outcome | undefined {
  const word = ofLeg.exec(status ?? "")?.[1] ?? status;
  return word === "no-dial" ? "failed" : outcomeOfWord(word);
}

/** The agent did not take their own leg of an outgoing call, so the customer was never dialled. */
export function isWithoutAgent(status: string | undefined): boolean {
  return /^(?:from-leg|agent)-(?:unanswered|no-dial)$/.test(status ?? "");
}

/** Whether a status says that the call or leg goes on. */
export function isRunning(status: string | undefined): boolean {
  return status !== undefined && running.has(status);
}
