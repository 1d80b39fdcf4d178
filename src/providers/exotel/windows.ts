import type { Span } from "../../core/polling.ts";
import { toExotelTime } from "./time.ts";

const dayMs = 86_400_000;

/** Six months, of which the shortest have 181 days. */
export const historyDays = 180;
/** One request tells a month at most; which month is not said, so the shortest. */
const longestDays = 28;

/**
 * The values of `DateCreated` that together cover a span, the earliest first, no second twice. Exotel writes whole
 * seconds, so a span begins with the whole second that it begins in. What is beyond the history or in the future is
 * left out: Exotel refuses the whole request for it ("time range is out of bounds").
 */
export function windowsOf({ since, until }: Span, now: number): string[] {
  const first = wholeSecond(Math.max(Date.parse(since), now - historyDays * dayMs + 1000));
  const last = Math.min(Math.ceil(Date.parse(until) / 1000) * 1000 - 1000, wholeSecond(now));
  const windows: string[] = [];
  for (let from = first; from <= last; from += longestDays * dayMs)
    windows.push(windowOf(from, Math.min(from + longestDays * dayMs - 1000, last)));
  return windows;
}

/**
 * Calls in groups that one request may ask for by their ids: Exotel looks back 31 days unless `DateCreated` says where,
 * and then a month at most. A call may have been created some time before it started (a queue), so a day is added.
 */
export function groupsOf<T extends { startedAt?: string }>(
  calls: readonly T[],
  now: number,
): { window: string | undefined; calls: T[] }[] {
  const undated = calls.filter(({ startedAt }) => startedAt === undefined);
  const dated = calls.flatMap((call) =>
    call.startedAt === undefined ? [] : [{ call, at: Date.parse(call.startedAt) }],
  );
  const groups: { from: number; to: number; calls: T[] }[] = [];
  for (const { call, at } of dated.sort((a, b) => a.at - b.at)) {
    const open = groups.at(-1);
    if (open && at - open.from <= (longestDays - 2) * dayMs) {
      open.calls.push(call);
      open.to = at;
    } else groups.push({ from: at, to: at, calls: [call] });
  }
  const windows = groups.flatMap(({ from, to, calls: some }) => {
    const until = new Date(to + dayMs).toISOString();
    const [window] = windowsOf({ since: new Date(from - dayMs).toISOString(), until }, now);
    return window === undefined ? [] : [{ window, calls: some }];
  });
  return undated.length > 0 ? [...windows, { window: undefined, calls: undated }] : windows;
}

function windowOf(from: number, to: number): string {
  return `gte:${toExotelTime(from)};lte:${toExotelTime(to)}`;
}

function wholeSecond(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}
