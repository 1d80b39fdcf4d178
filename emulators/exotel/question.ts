import { exotelTime } from "../../src/providers/exotel/values.ts";
import { Refusal } from "../server.ts";
import { invalid, restException } from "./errors.ts";

const secondMs = 1000;
const dayMs = 86_400_000;
const monthMs = 31 * dayMs;
/** Six months, of which the longest have 184 days. */
const historyMs = 184 * dayMs;

const known: ReadonlySet<string> = new Set([
  ..."Sid DateCreated To From Status Duration Price Direction PhoneNumber PageSize SortBy".split(" "),
  ..."Before After RecordingUrlValidity details Offset".split(" "),
]);
const statuses = "queued ringing in-progress completed failed busy no-answer".split(" ");
const directions = ["inbound", "outbound-dial", "outbound-api"];

/** What a request for calls asks. `from`, `to`: ms, both included. */
export type BulkQuestion = {
  sids: string[] | undefined;
  from: number;
  to: number;
  statuses: string[] | undefined;
  directions: string[] | undefined;
  pageSize: number;
  ascending: boolean;
  after: string | undefined;
  before: string | undefined;
  details: boolean;
};

/**
 * Refuses what Exotel refuses. unverified: that it refuses names it does not know (it does refuse `StartTime>`), and
 * that exactly 31 days are a month.
 */
export function bulkQuestion(query: URLSearchParams, now: number): BulkQuestion {
  for (const name of query.keys()) if (!known.has(name)) throw invalid(name, "is not known");
  const sids = listOf(query, "Sid");
  if (sids && sids.length > 100) throw invalid("Sid", "at most 100 are allowed");
  const sortBy = query.get("SortBy") ?? "DateCreated:desc";
  if (!/^DateCreated:(asc|desc)$/.test(sortBy))
    throw invalid("SortBy", "DateCreated:asc or DateCreated:desc");
  return {
    sids,
    ...rangeOf(query.get("DateCreated"), now),
    statuses: wordsOf(query, "Status", statuses),
    directions: wordsOf(query, "Direction", directions),
    pageSize: numberOf(query, "PageSize", 1, 100) ?? 50,
    ascending: sortBy === "DateCreated:asc",
    after: query.get("After") ?? undefined,
    before: query.get("Before") ?? undefined,
    details: query.get("details") === "true",
  };
}

/** Minutes that a pre-signed link is good for. */
export function validityOf(query: URLSearchParams): number {
  return numberOf(query, "RecordingUrlValidity", 5, 60) ?? 5;
}

function rangeOf(text: string | null, now: number): { from: number; to: number } {
  if (text === null) return { from: now - monthMs, to: now };
  const bounds = new Map<string, number>();
  for (const part of text.split(";")) {
    const [, operator = "", time] = /^(gte|lte):(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)$/.exec(part) ?? [];
    const iso = exotelTime(time);
    if (iso === undefined || bounds.has(operator))
      throw invalid("DateCreated", "gte:… and lte:… are allowed");
    bounds.set(operator, Date.parse(iso));
  }
  const to = bounds.get("lte") ?? now;
  const from = bounds.get("gte") ?? to - monthMs + secondMs;
  if (to > now || from < now - historyMs)
    throw new Refusal(restException(400, "time range is out of bounds"));
  if (from > to || to - from > monthMs) throw invalid("DateCreated", "at most one month is allowed");
  return { from, to };
}

function wordsOf(query: URLSearchParams, name: string, allowed: readonly string[]): string[] | undefined {
  const words = listOf(query, name);
  if (words?.some((word) => !allowed.includes(word)))
    throw invalid(name, `valid values for ${name} are ${allowed.join(",")}`);
  return words;
}

function listOf(query: URLSearchParams, name: string): string[] | undefined {
  const text = query.get(name);
  return text === null ? undefined : text.split(",");
}

function numberOf(query: URLSearchParams, name: string, least: number, most: number): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(number >= least && number <= most)) throw invalid(name, `a number from ${least} to ${most}`);
  return number;
}
