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
  "voicemail-answered",
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

/** A line of the agent's. The blanks before it stop at the line's end, or each of many empty lines would look at all of them. */
const agentSays = /^[^\S\r\n\u2028\u2029]*agent:\s*\S/im;
/** Longer than what is said to a machine: a transcript may have two million characters. */
const beginning = 50_000;

/** Undefined while the call goes on, and for an outcome that is none of ours. */
export function resultOf(view: View): Result | undefined {
  const { direction, outcome } = view.call;
  if (outcome === "completed") return isShortAiCall(view.call) ? "short" : "connected";
  if (outcome === "voicemail" && direction !== "outbound") return "voicemail-received";
  if (outcome === "voicemail") return isMessageLeft(view) ? "voicemail-left" : "voicemail-answered";
  return typeof outcome === "string" && Object.hasOwn(plain, outcome) ? plain[outcome] : undefined;
}

/**
 * Whether anything was said to the machine that answered. Retell tells it in `in_voicemail` and `voicemail_reached`
 * (its API reference, 2026); `machine_detected` and the like say who answered only.
 */
function isMessageLeft({ call: { custom, reason, transcript } }: View): boolean {
  if (custom?.["in_voicemail"] === true) return true;
  if (typeof reason === "string" && /^voicemail[\s_-]?reached$/i.test(reason.trim())) return true;
  return typeof transcript === "string" && agentSays.test(transcript.slice(0, beginning));
}

/** Whether an AI agent was on the line, alone or before a person. */
export function isAiCall(view: View): boolean {
  const talkers = agentsWhoTalked(view);
  const only = onlyAgent(view);
  return talkers.some(isAi) || (talkers.length === 0 && only !== undefined && isAi(only));
}
