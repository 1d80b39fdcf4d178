import { isoFromMs, isoFromText } from "../../lib/body.ts";

/** Exotel writes Indian time without saying so: its "not set" is `1970-01-01 05:30:00` (support article 48283). */
const istOffsetMs = 5.5 * 3_600_000;

const numeric = /^(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d):(\d\d)$/;
const worded = /^(?:[a-z]{3}, )?(\d{1,2}) ([a-z]{3}) (\d{4}) (\d\d):(\d\d):(\d\d)$/i;
const months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/**
 * ISO in UTC from any time that Exotel writes: `2024-01-15 14:30:45` and `Wed, 23 Feb 2022 12:31:59` are Indian time,
 * ISO comes with its zone. Undefined for the zero dates 0000, 0001 and 1970, and for days that do not exist.
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

/** A moment as Exotel writes it, without zone. */
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
