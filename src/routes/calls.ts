import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Parts } from "../server/assemble.ts";
import { callPage, page, pageOfCalls } from "./call-pages.ts";
import {
  adminRoute,
  badQuery,
  type CallQuery,
  callQuery,
  content,
  json,
  pageQuery,
  type Route,
} from "./route.ts";

/** Lists of calls. */
export function callListRoutes(parts: Parts): Route[] {
  return [
    adminRoute({
      method: "get",
      path: "/api/calls",
      needs: "view",
      summary: "Calls, the latest first.",
      query: callQuery,
      replies: { 200: json("A page of calls.", callPage), ...badQuery },
      handle: async (_, response, query) => {
        response.json(await pageOfCalls(parts, query));
      },
    }),

    adminRoute({
      method: "get",
      path: "/api/calls.csv",
      needs: "view",
      summary: "The same calls as CSV for a spreadsheet, all pages at once.",
      query: callQuery.omit({ cursor: true, limit: true }),
      replies: { 200: content("A line for each call, after a line of names.", "text/csv"), ...badQuery },
      handle: async (_, response, query) => {
        response.type("text/csv").set({
          "cache-control": "no-store",
          "content-disposition": 'attachment; filename="calls.csv"',
        });
        await pipeline(Readable.from(csvOf(parts, query)), response);
      },
    }),

    adminRoute({
      method: "get",
      path: "/api/dead",
      needs: "view",
      summary: "Calls that the CRM refused: correct the reason, then retry them.",
      query: pageQuery,
      replies: { 200: json("A page of calls.", callPage), ...badQuery },
      handle: async (_, response, { cursor, limit, ...filter }) => {
        const before = cursor === undefined ? {} : { before: cursor };
        response.json(await page(parts, { ...filter, ...before, state: "dead" }, limit));
      },
    }),
  ];
}

const csvColumns = [
  "key",
  "installation",
  "provider",
  "state",
  "direction",
  "outcome",
  "number",
  "contact",
  "line",
  "startedAt",
  "talkSeconds",
  "ownerId",
  "activityId",
  "reason",
  "createdAt",
] as const;

async function* csvOf(parts: Parts, query: Omit<CallQuery, "cursor" | "limit">): AsyncGenerator<string> {
  yield csvLine(csvColumns);
  for (let cursor: number | undefined; ; ) {
    const asked = { ...query, limit: 200, ...(cursor !== undefined && { cursor }) };
    const { items, next } = await pageOfCalls(parts, asked);
    for (const call of items)
      yield csvLine(
        csvColumns.map((name) =>
          name === "contact" ? (call.contact?.name ?? call.contact?.id) : call[name],
        ),
      );
    if (next === undefined) return;
    cursor = Number(next);
  }
}

/** A spreadsheet takes a text that begins like a formula for one, so it gets an apostrophe (OWASP, CSV injection). */
function csvLine(values: readonly (string | number | undefined)[]): string {
  const cells = values.map((value = "") => {
    const text = String(value).replace(/^(?=[=@\t\r]|[+-](?!\d+$))/, "'");
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${cells.join(",")}\r\n`;
}
