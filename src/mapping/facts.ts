import { isMissed, isShortAiCall, type Outcome, type Scalar } from "../core/call.ts";
import { agentsWhoTalked, isAi, isWithheldCall, onlyAgent } from "./people.ts";
import { type Clocks, type View, zoneOf } from "./view.ts";

/** The earliest time that the provider sent. */
export function startOf({ call }: View): string | undefined {
  return call.startedAt ?? call.answeredAt ?? call.endedAt;
}

export function msOf(iso: unknown): number | undefined {
  const ms = typeof iso === "string" ? Date.parse(iso) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

export function localStart(view: View, clocks: Clocks): { date: string; time: string } | undefined {
  return localTime(startOf(view), zoneOf(view), clocks);
}

/** The time in one zone for all readers, with its name: `2026-11-20 at 21:27 (Asia/Kolkata)`. */
export function whenText(view: View, clocks: Clocks): string | undefined {
  const { timeZone } = view.installation;
  const local = localTime(startOf(view), timeZone, clocks);
  return local && `${local.date} at ${local.time} (${timeZone})`;
}

/** When a follow-up is due: a fixed time after the call. */
export function followUpDueAt(view: View): string | undefined {
  const after = view.call.endedAt ?? startOf(view);
  const ms = msOf(after);
  const due = ms === undefined ? Number.NaN : ms + (view.followUpDueMinutes ?? 60) * 60_000;
  return Math.abs(due) <= 8.64e15 ? new Date(due).toISOString() : undefined;
}

export function followUpDueDate(view: View, clocks: Clocks): string | undefined {
  return localTime(followUpDueAt(view), zoneOf(view), clocks)?.date;
}

/** The talk time in whole units. `units`: how many of them make a second. */
export function talkTime({ call }: View, units: number): number | undefined {
  const seconds = call.talkSeconds;
  return typeof seconds === "number" && seconds >= 0 && Number.isFinite(seconds)
    ? Math.round(seconds * units)
    : undefined;
}

/** The talk time of a conversation; undefined for a voicemail or an unanswered call. */
export function conversationTime(view: View, units: number): number | undefined {
  const result = resultOf(view);
  return result === "connected" || result === "short" ? talkTime(view, units) || undefined : undefined;
}

export function talkText(view: View): string | undefined {
  const seconds = talkTime(view, 1);
  return seconds === undefined ? undefined : durationText(seconds);
}

export function wasMissed({ call }: View): boolean | undefined {
  const { phase, direction, outcome } = call;
  if (phase !== "ended" || !direction || !outcome) return undefined;
  return isMissed({ phase, direction, outcome });
}

/** The kind of call in a rep's words. */
export function kindOfCall(view: View): string {
  const { direction, outcome } = view.call;
  if (direction === "internal") return "Internal call";
  if (direction === "inbound" && outcome === "voicemail") return "Voicemail";
  if (wasMissed(view)) return "Missed call";
  if (direction === "inbound") return "Inbound call";
  if (direction !== "outbound") return "Call";
  const reached = outcome === undefined || ["completed", "voicemail", "unknown"].includes(outcome);
  return reached ? "Outbound call" : "Unanswered call";
}

export function customerNumber({ call, customerNumber }: View): string | undefined {
  return customerNumber ?? call.customer?.number;
}

export function fromOf(view: View): string | undefined {
  if (view.call.direction === "inbound") return shownNumber(view);
  return view.call.direction === "outbound" ? view.call.line : undefined;
}

export function toOf(view: View): string | undefined {
  if (view.call.direction === "inbound") return view.call.line;
  return view.call.direction === "outbound" ? shownNumber(view) : undefined;
}

/** A carrier's placeholder for a withheld number says nothing about the caller. */
function shownNumber(view: View): string | undefined {
  return isWithheldCall(view) ? undefined : customerNumber(view);
}

/** The first word of a person's name; a company has none. */
export function firstName({ contact }: View): string | undefined {
  if (contact?.kind === "company" || typeof contact?.name !== "string") return undefined;
  return contact.name.trim().split(/\s+/, 1)[0];
}

/** An own property: a mapping cannot reach `constructor` or `__proto__`. */
export function memberOf(members: Record<string, Scalar> | undefined, name: string): Scalar | undefined {
  return members && typeof members === "object" && Object.hasOwn(members, name) ? members[name] : undefined;
}

/** Date and time in a time zone; undefined for an invalid time or zone. */
function localTime(
  iso: unknown,
  timeZone: string,
  clocks: Clocks,
): { date: string; time: string } | undefined {
  const moment = typeof iso === "string" ? Date.parse(iso) : Number.NaN;
  const clock = Number.isNaN(moment) ? undefined : clocks(timeZone);
  if (!clock) return undefined;
  const parts = Object.fromEntries(clock.formatToParts(moment).map(({ type, value }) => [type, value]));
  return { date: `${parts.year}-${parts.month}-${parts.day}`, time: `${parts.hour}:${parts.minute}` };
}

/** `45 s`, `5 min 20 s`, `1 h 2 min`. */
function durationText(seconds: number): string {
  const whole = Math.round(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const parts = hours
    ? [`${hours} h`, minutes && `${minutes} min`]
    : [minutes && `${minutes} min`, (whole % 60 || !minutes) && `${whole % 60} s`];
  return parts.filter(Boolean).join(" ");
}

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
