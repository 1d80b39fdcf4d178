import type { FoldedCall } from "./call.ts";

/** A caller who hangs up on an AI agent within this time did not talk to it. */
export const shortAiSeconds = 10;

type ReachedFacts = Partial<
  Pick<FoldedCall, "agents" | "direction" | "outcome" | "phase" | "talkSeconds" | "transfer">
>;

/** Whether only an AI agent talked, and too briefly to count as a conversation. */
export function isShortAiCall({ agents, talkSeconds, transfer }: ReachedFacts): boolean {
  const isShort = typeof talkSeconds === "number" && talkSeconds >= 0 && talkSeconds < shortAiSeconds;
  if (!isShort || transfer || !Array.isArray(agents)) return false;
  const talkers = agents.filter((agent) => agent?.talkedAt);
  const present = talkers.length > 0 ? talkers : agents;
  return present.length > 0 && present.every((agent) => agent?.kind === "ai");
}

/** Whether the company and the customer talked. */
export function wasReached(call: ReachedFacts): boolean {
  const isOutside = call.direction === "inbound" || call.direction === "outbound";
  return isOutside && call.phase === "ended" && call.outcome === "completed" && !isShortAiCall(call);
}

/** When a call began, in milliseconds since 1970; undefined when no event says so. */
export function beganAt(
  call: Partial<Pick<FoldedCall, "startedAt" | "answeredAt" | "endedAt">>,
): number | undefined {
  const time = call.startedAt ?? call.answeredAt ?? call.endedAt;
  const ms = time === undefined ? Number.NaN : Date.parse(time);
  return Number.isNaN(ms) ? undefined : ms;
}
