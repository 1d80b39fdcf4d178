import { isMissed, type Scalar } from "../core/call.ts";
import { isWithheldCall } from "./customer.ts";
import { durationText, localTime } from "./local-time.ts";
import { resultOf } from "./result.ts";
import { type View, zoneOf } from "./view.ts";

/** When the call began: the earliest time that the provider told. */
export function startOf({ call }: View): string | undefined {
  return call.startedAt ?? call.answeredAt ?? call.endedAt;
}

export function msOf(iso: unknown): number | undefined {
  const ms = typeof iso === "string" ? Date.parse(iso) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

export function localStart(view: View): { date: string; time: string } | undefined {
  return localTime(startOf(view), zoneOf(view));
}

/** The moment in one zone for all readers, which is named: `2026-11-20 at 21:27 (Asia/Kolkata)`. */
export function whenText(view: View): string | undefined {
  const { timeZone } = view.installation;
  const local = localTime(startOf(view), timeZone);
  return local && `${local.date} at ${local.time} (${timeZone})`;
}

/** When a follow-up is due: some time after the call, the same whenever it is computed. */
export function followUpDueAt(view: View): string | undefined {
  const after = view.call.endedAt ?? startOf(view);
  const ms = msOf(after);
  const due = ms === undefined ? Number.NaN : ms + (view.followUpDueMinutes ?? 60) * 60_000;
  return Math.abs(due) <= 8.64e15 ? new Date(due).toISOString() : undefined;
}

export function followUpDueDate(view: View): string | undefined {
  return localTime(followUpDueAt(view), zoneOf(view))?.date;
}

/** Whole units of the talk time: `units` is how many of them make a second. */
export function talkTime({ call }: View, units: number): number | undefined {
  const seconds = call.talkSeconds;
  return typeof seconds === "number" && seconds >= 0 && Number.isFinite(seconds)
    ? Math.round(seconds * units)
    : undefined;
}

/** The same, of a conversation only: not of a voicemail, nor of an unanswered call. */
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

/** The sort of call in words that a rep would use. */
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

/** What a carrier puts in the place of a withheld number says nothing about the caller. */
function shownNumber(view: View): string | undefined {
  return isWithheldCall(view) ? undefined : customerNumber(view);
}

/** The first word of a person's name; a company has none. */
export function firstName({ contact }: View): string | undefined {
  if (contact?.kind === "company" || typeof contact?.name !== "string") return undefined;
  return contact.name.trim().split(/\s+/, 1)[0];
}

/** An own member by name: a mapping cannot reach `constructor` or `__proto__`. */
export function memberOf(members: Record<string, Scalar> | undefined, name: string): Scalar | undefined {
  return members && typeof members === "object" && Object.hasOwn(members, name) ? members[name] : undefined;
}
