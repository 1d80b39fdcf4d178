import type { Outcome } from "../core/call.ts";
import { isShortAiCall } from "../core/reached.ts";
import { agentsWhoTalked, isAi, onlyAgent } from "./people.ts";
import type { View } from "./view.ts";

/** How a call went, as a rep would say it: finer than its outcome. */
export const results = [
  "connected",
  "short",
  "voicemail-received",
  "voicemail-left",
  "no-answer",
  "busy",
  "declined",
  "hung-up",
  "abandoned",
  "failed",
  "unknown",
] as const;
export type Result = (typeof results)[number];

const plain: Readonly<Record<Exclude<Outcome, "completed" | "voicemail">, Result>> = {
  "no-answer": "no-answer",
  busy: "busy",
  rejected: "declined",
  cancelled: "hung-up",
  abandoned: "abandoned",
  failed: "failed",
  unknown: "unknown",
};

/** Undefined while the call goes on, and for an outcome that is none of ours. */
export function resultOf(view: View): Result | undefined {
  const { direction, outcome } = view.call;
  if (outcome === "completed") return isShortAiCall(view.call) ? "short" : "connected";
  if (outcome === "voicemail") return direction === "outbound" ? "voicemail-left" : "voicemail-received";
  return typeof outcome === "string" && Object.hasOwn(plain, outcome) ? plain[outcome] : undefined;
}

/** Whether an AI agent was on the line, alone or before a person. */
export function isAiCall(view: View): boolean {
  const talkers = agentsWhoTalked(view);
  const only = onlyAgent(view);
  return talkers.some(isAi) || (talkers.length === 0 && only !== undefined && isAi(only));
}
