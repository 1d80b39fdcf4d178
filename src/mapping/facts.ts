import { isMissed, type Scalar } from "../core/call.ts";
import { isWithheldCall } from "./customer.ts";
import { resultOf } from "./result.ts";
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
