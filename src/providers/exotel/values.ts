import type { Direction, Outcome, Recording, Scalar } from "../../core/call.ts";
import {
  isoFromMs,
  isoFromText,
  type JsonObject,
  objectAt,
  scalarsOf,
  secondsAt,
  textAt,
} from "../../lib/body.ts";
import { outcomeOfWord, plainWord } from "../../lib/words.ts";

const maxTextLength = 255;
const maxCustomLength = 4_000;
const maxUrlLength = 2_048;
/** More legs or recordings than one call has. */
export const mostListed = 100;

/** A member as text that any store accepts: well-formed, without control characters. Exotel's literal `null` is absent. */
export function textOf(fields: JsonObject, name: string, maxLength = maxTextLength): string | undefined {
  const text = textAt(fields, name)?.slice(0, maxLength).toWellFormed();
  const clean = text?.replace(/\p{Cc}+/gu, " ").trim();
  return clean === "" || clean === "null" ? undefined : clean;
}

/** A member that is one of a few words, in one spelling: `No_Answer` is `no-answer`. */
export function wordOf(fields: JsonObject, name: string): string | undefined {
  const word = plainWord(textOf(fields, name))?.slice(0, 60);
  return word === "none" || word === "undefined" ? undefined : word;
}

/** A name for logs and lists. */
export function kindOf(...words: (string | undefined)[]): string {
  const name = words.filter((word) => word !== undefined).join("_");
  return name.replace(/[^\w.-]+/g, "_").slice(0, 60);
}

/** A recording that can be fetched; undefined unless it has an http(s) URL. */
export function recordingOf(fields: JsonObject, name: string, secondsName?: string): Recording | undefined {
  const ref = textOf(fields, name, maxUrlLength + 1);
  if (!ref || ref.length > maxUrlLength || !/^https?:\/\/\S+$/i.test(ref) || !URL.canParse(ref))
    return undefined;
  const seconds = secondsName === undefined ? undefined : secondsAt(fields, secondsName);
  return { ref, ...(seconds !== undefined && { seconds }) };
}

/** The named members as custom facts. */
export function customOf(fields: JsonObject, names: readonly string[], prefix = ""): Record<string, Scalar> {
  const members = names.flatMap((name) => {
    const value = Object.hasOwn(fields, name) ? fields[name] : undefined;
    const clean = typeof value === "string" ? textOf(fields, name, maxCustomLength) : value;
    return clean === undefined ? [] : [[name, clean] as const];
  });
  return scalarsOf(Object.fromEntries(members), prefix);
}

/** A leg by its place: Legs is a list in JSON and `Legs[1][…]` in a form, where legs may be missing. */
export function legAt(fields: JsonObject, place: number): JsonObject {
  const legs = fields["Legs"];
  if (Array.isArray(legs)) return objectAt({ leg: legs[place] }, "leg");
  return objectAt(objectAt(fields, "Legs"), String(place));
}

/** A leg's own status; absent for a leg that was not attempted. */
export function legStatus(leg: JsonObject): string | undefined {
  return wordOf(leg, "Status") ?? wordOf(objectAt(leg, "Insights"), "Status");
}

/** Exotel uses Indian time without saying so: its "not set" is `1970-01-01 05:30:00` (support article 48283). */
const istOffsetMs = 5.5 * 3_600_000;

const numeric = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)$/;
const worded = /^(?:[a-z]{3}, )?(\d{1,2}) ([a-z]{3}) (\d{4}) (\d\d):(\d\d):(\d\d)$/i;
const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/**
 * ISO in UTC from any of Exotel's times: `2024-01-15 14:30:45` and `Wed, 23 Feb 2022 12:31:59` are Indian time, ISO has
 * its zone. Undefined for the zero dates 0000, 0001 and 1970, and for days that do not exist.
 */
export function exotelTime(text: string | undefined): string | undefined {
  if (!text || text.length > 40) return undefined;
  const [, year, month, day, ...clock] = numeric.exec(text) ?? [];
  if (year) return indianTime(Number(year), Number(month) - 1, Number(day), clock.map(Number));
  const [, date, name = "", ofYear, ...hours] = worded.exec(text) ?? [];
  if (ofYear)
    return indianTime(Number(ofYear), months.indexOf(name.toLowerCase()), Number(date), hours.map(Number));
  return isoFromText(text);
}

/** A time in Exotel's format, without zone. */
export function toExotelTime(ms: number): string {
  return new Date(ms + istOffsetMs).toISOString().slice(0, 19).replace("T", " ");
}

function indianTime(year: number, month: number, day: number, clock: number[]): string | undefined {
  const [hour = 0, minute = 0, second = 0] = clock;
  const ms = Date.UTC(year, month, day, hour, minute, second);
  const date = new Date(ms);
  const exists = date.getUTCMonth() === month && date.getUTCDate() === day && date.getUTCHours() === hour;
  return exists && minute < 60 && second < 60 ? isoFromMs(ms - istOffsetMs) : undefined;
}

/**
 * StatusCallback uses inbound, outbound-dial and outbound-api; Passthru incoming; WebRTC inbound, outbound and
 * incoming.
 */
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

/** The statuses of a running call or leg. */
const running = new Set(["queued", "initiated", "dialing", "ringing", "in-progress", "answered", "active"]);

export function directionOf(word: string | undefined): Direction | undefined {
  return directions.get(word);
}

/** The outcome for a final status of a call or leg; undefined for a status that is not final. */
export function outcomeOf(status: string | undefined): Outcome | undefined {
  const word = ofLeg.exec(status ?? "")?.[1] ?? status;
  return word === "no-dial" ? "failed" : outcomeOfWord(word);
}

/** Whether the agent did not answer their own leg of an outgoing call, so that the customer was never dialled. */
export function isWithoutAgent(status: string | undefined): boolean {
  return /^(?:from-leg|agent)-(?:unanswered|no-dial)$/.test(status ?? "");
}

/** Whether a status is that of a running call or leg. */
export function isRunning(status: string | undefined): boolean {
  return status !== undefined && running.has(status);
}
