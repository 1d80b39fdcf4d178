import type { Outcome } from "../core/call.ts";
import { isShortAiCall } from "../core/reached.ts";
import { agentsWhoTalked, isAi, onlyAgent } from "./people.ts";
import type { View } from "./view.ts";

/** The result of a call in a rep's terms, finer than its outcome. */
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

/**
 * A line of the agent. The leading blanks stop at the end of the line: otherwise each of many empty lines would scan
 * all of them.
 */
const agentSays = /^[^\S\r\n\u2028\u2029]*agent:\s*\S/im;
/** Longer than any message left on a machine: a transcript may have two million characters. */
const beginning = 50_000;

/** Undefined during the call, and for an unknown outcome. */
export function resultOf(view: View): Result | undefined {
  const { direction, outcome } = view.call;
  if (outcome === "completed") return isShortAiCall(view.call) ? "short" : "connected";
  if (outcome === "voicemail" && direction !== "outbound") return "voicemail-received";
  if (outcome === "voicemail") return isMessageLeft(view) ? "voicemail-left" : "voicemail-answered";
  return typeof outcome === "string" && Object.hasOwn(plain, outcome) ? plain[outcome] : undefined;
}

/**
 * Whether the agent left a message on the machine that answered. Retell reports it in `in_voicemail` and
 * `voicemail_reached` (its API reference, 2026); `machine_detected` and the like only name what answered.
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
