import type { FoldedCall } from "../../core/call.ts";
import type { Delivery, PollContext, Polling, Span } from "../../core/provider.ts";
import { textAt } from "../../lib/body.ts";
import { inParts } from "../../lib/pace.ts";
import { polledDelivery } from "../../lib/provider-api.ts";
import {
  type BulkRow,
  createAccounts,
  detailsOf,
  type ExotelAccount,
  lacksForPolling,
  pagesOf,
} from "./api.ts";
import { lacksFigures } from "./call-details.ts";
import type { ExotelSettings } from "./settings.ts";
import { toExotelTime } from "./values.ts";

/** Exotel's recommendation for one request; it refuses more than 100. */
const callsAtOnce = 20;

/** Polls Exotel's bulk Calls API, and Call Details for calls that lack figures. */
export function createPolling(): Polling<ExotelSettings> {
  const accountOf = createAccounts();
  return {
    lacks: lacksForPolling,
    historyDays,
    callsAtOnce,
    async *calls(settings, span, context) {
      const account = accountOf(settings, context.now);
      for (const window of windowsOf(span, context.now())) {
        for await (const rows of pagesOf(account, { DateCreated: window }, context.signal)) {
          const calls = await completed(account, rows.filter(isWhole), context.signal);
          if (calls.length > 0) yield calls.map((row) => deliveryOf(account, row, context));
        }
      }
    },
    async callsAgain(settings, calls, context) {
      const account = accountOf(settings, context.now);
      const known: Delivery[] = [];
      const listed = new Set<string>();
      const groups = groupsOf(calls.filter(hasPlainId), context.now());
      const requests = groups.flatMap(({ window, calls: some }) =>
        inParts(some, callsAtOnce).map((part) => ({ window, sids: part.map(({ callId }) => callId) })),
      );
      for (const { window, sids } of requests) {
        const filter = { Sid: sids.join(","), ...(window !== undefined && { DateCreated: window }) };
        for await (const rows of pagesOf(account, filter, context.signal)) {
          const wanted = rows.filter(({ sid }) => sids.includes(sid));
          const again = await completed(account, wanted, context.signal);
          known.push(...again.map((row) => deliveryOf(account, row, context)));
          for (const { sid } of wanted) listed.add(sid);
        }
      }
      // The list may omit running calls (Exotel's pages disagree); Call Details has them.
      for (const { callId } of calls.filter((call) => hasPlainId(call) && isOpen(call, listed))) {
        const row = await detailsOf(account, callId, context.signal);
        if (row) known.push(deliveryOf(account, row, context));
      }
      return known;
    },
  };
}

function isOpen({ callId, phase }: FoldedCall, listed: ReadonlySet<string>): boolean {
  return phase !== "ended" && !listed.has(callId);
}

/** The ids are sent in a list with commas; Exotel's own are letters and digits. */
function hasPlainId({ callId }: { callId: string }): boolean {
  return /^[\w.-]+$/.test(callId);
}

/** Unverified: whether the API lists the legs of a call as calls of their own. Their parent has the same facts. */
function isWhole({ sid, fields }: BulkRow): boolean {
  const parent = textAt(fields, "ParentCallSid");
  return parent === undefined || parent === "null" || parent === sid;
}

/** Sequential: a minute allows few requests, and a refusal ends them all. */
async function completed(
  account: ExotelAccount,
  rows: readonly BulkRow[],
  signal: AbortSignal | undefined,
): Promise<BulkRow[]> {
  const calls: BulkRow[] = [];
  for (const row of rows) {
    const details = lacksFigures(row.fields) ? await detailsOf(account, row.sid, signal) : undefined;
    calls.push(details ?? row);
  }
  return calls;
}

function deliveryOf(account: ExotelAccount, { sid, fields }: BulkRow, context: PollContext): Delivery {
  const url = account.pathOf(`Calls/${encodeURIComponent(sid)}.json`);
  return polledDelivery("exotel", url, { Call: fields }, context);
}

const dayMs = 86_400_000;

/** Six months, of which the shortest have 181 days. */
const historyDays = 180;
/** One request covers a month at most, here the shortest. */
const longestDays = 28;

/**
 * The values of `DateCreated` that together cover a span, the earliest first, no second twice. Exotel uses whole
 * seconds, so a span begins with the whole second that it begins in. Times before the history or in the future are left
 * out: for them Exotel refuses the whole request ("time range is out of bounds").
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
 * Calls in groups for one request by ids: Exotel searches the last 31 days unless `DateCreated` is set, and then a
 * month at most. A call may have been created some time before it started (a queue), so a day is added.
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
