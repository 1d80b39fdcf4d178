import { afterEach, describe, expect, test } from "vitest";
import type { SimulatedCall } from "../../src/core/provider.ts";
import { type ExotelEmulator, type ExotelOptions, startExotel } from "../exotel/index.ts";
import { simulatedCall } from "./simulated-call.ts";

const day = "2026-03-02T00:00:00.000Z";
const authorization = `Basic ${Buffer.from("exotel-api-key:exotel-api-token").toString("base64")}`;
let emulator: ExotelEmulator;
let time: number;
afterEach(() => emulator.stop());

type Json = Record<string, unknown>;

async function open(options: ExotelOptions = {}): Promise<void> {
  time = Date.parse(day);
  emulator = await startExotel({ now: () => time, ...options });
}

async function get(path: string, query: Record<string, string> = {}, headers: object = { authorization }) {
  const url = `${emulator.url}/v1/Accounts/demo/${path}?${new URLSearchParams(query)}`;
  const response = await fetch(url, { headers: { ...headers } });
  const text = await response.text();
  return { status: response.status, text, body: (text.startsWith("{") ? JSON.parse(text) : {}) as Json };
}

const bulk = (query: Record<string, string> = {}) => get("Calls.json", query);
const idsOf = ({ body }: { body: Json }) => (body["Calls"] as { Sid: string }[]).map(({ Sid }) => Sid);

/** Calls that began so many minutes before the clock's time. */
function place(...minutes: number[]): void {
  for (const minute of minutes) emulator.place(call(minute));
}

function call(minute: number, given: Partial<SimulatedCall> = {}): SimulatedCall {
  const startedAt = new Date(time - minute * 60_000).toISOString();
  return { ...simulatedCall, id: `m${minute}`, startedAt, ...given };
}

describe("Exotel's API lets in", () => {
  test("nobody without the right key, and nobody into a foreign account", async () => {
    await open();
    const wrong = `Basic ${Buffer.from("exotel-api-key:wrong").toString("base64")}`;
    for (const headers of [{}, { authorization: wrong }]) {
      const { status, body } = await get("Calls.json", {}, headers);
      expect([status, body]).toEqual([
        401,
        { RestException: { Status: 401, Message: "Authentication failed" } },
      ]);
    }
    expect((await get("../other/Calls.json")).status).toBe(404);
    expect((await get("Sms.json")).status).toBe(404);
  });

  test("so many requests a minute", async () => {
    await open({ requestsPerMinute: 2 });
    const statuses = async () => [(await bulk()).status, (await bulk()).status, (await bulk()).status];
    expect(await statuses()).toEqual([200, 200, 429]);
    time += 60_000;
    expect(await statuses()).toEqual([200, 200, 429]);
  });

  test("whoever forgets .json, with XML", async () => {
    await open();
    place(60);
    expect((await get("Calls/m60")).text).toMatch(/^<\?xml.*<Call><Sid>m60<\/Sid>/);
    expect((await get("Calls")).text).toContain("<Calls><Call><Sid>m60</Sid>");
    expect((await get("Calls", {}, {})).text).toContain("<RestException><Status>401</Status>");
  });
});

describe("the list of calls refuses", () => {
  const at = (text: string) => `gte:2026-02-01 00:00:00;lte:${text}`;
  test.each<Record<string, string>>([
    { PageSize: "0" },
    { PageSize: "101" },
    { PageSize: "ten" },
    { SortBy: "StartTime:asc" },
    { Sid: Array.from({ length: 101 }, (_, i) => `s${i}`).join(",") },
    { Status: "answered" },
    { Direction: "incoming" },
    { RecordingUrlValidity: "4" },
    { RecordingUrlValidity: "61" },
    { After: "x" },
    { "StartTime>": "2026-02-01" },
    { DateCreated: "2026-02-01" },
    { DateCreated: "gte:2026-02-01T00:00:00Z" },
    { DateCreated: "gte:2026-02-30 00:00:00" },
    { DateCreated: at("2026-03-04 00:00:01") },
    { DateCreated: "gte:2026-03-01 00:00:00;lte:2026-03-02 05:30:01" },
    { DateCreated: "gte:2025-08-29 00:00:00;lte:2025-09-10 00:00:00" },
    { DateCreated: "gte:2026-01-01 00:00:00;lte:2026-02-01 00:00:01" },
    { DateCreated: "gte:2026-02-02 00:00:00;lte:2026-02-01 00:00:00" },
  ])("%j", async (query) => {
    await open();
    expect(await bulk(query)).toMatchObject({
      status: 400,
      body: { RestException: { Status: 400 } },
    });
  });
});

describe("the list of calls", () => {
  test("goes in pages, forth and back, also over calls that are added", async () => {
    await open();
    place(10, 20, 30, 40, 50);
    const query = { PageSize: "2", SortBy: "DateCreated:asc" };
    const first = await bulk(query);
    expect(idsOf(first)).toEqual(["m50", "m40"]);
    expect(first.body["Metadata"]).toMatchObject({ Total: 5, PageSize: 2, PrevPageUri: null });
    const follow = async (from: { body: Json }, name: string) => {
      const uri = (from.body["Metadata"] as Record<string, string>)[name];
      const response = await fetch(`${emulator.url}${uri}`, { headers: { authorization } });
      return { body: (await response.json()) as Json };
    };
    place(45);
    const second = await follow(first, "NextPageUri");
    expect(idsOf(second)).toEqual(["m30", "m20"]);
    const third = await follow(second, "NextPageUri");
    expect(idsOf(third)).toEqual(["m10"]);
    expect(third.body["Metadata"]).toMatchObject({ NextPageUri: null });
    expect(idsOf(await follow(second, "PrevPageUri"))).toEqual(["m45", "m40"]);
    expect(idsOf(await bulk({ PageSize: "2" }))).toEqual(["m10", "m20"]);
  });

  test("takes a range in Indian time, both ends included, and the last 31 days when it is not told", async () => {
    await open();
    place(10, 20, 30, 32 * 1440);
    const DateCreated = "gte:2026-03-02 05:00:00;lte:2026-03-02 05:10:00";
    expect(idsOf(await bulk({ DateCreated }))).toEqual(["m20", "m30"]);
    expect(idsOf(await bulk({ Sid: `m10,m${32 * 1440}` }))).toEqual(["m10"]);
  });

  test("can be narrowed by status and direction", async () => {
    await open();
    place(10);
    emulator.place(call(20, { outcome: "busy", talkSeconds: 0, direction: "outbound" }));
    expect(idsOf(await bulk({ Status: "busy,failed" }))).toEqual(["m20"]);
    expect(idsOf(await bulk({ Direction: "inbound" }))).toEqual(["m10"]);
  });

  test("has no call that is going on, which Call Details knows", async () => {
    await open();
    place(1, -1);
    expect(idsOf(await bulk())).toEqual([]);
    expect((await get("Calls/m1.json")).body).toMatchObject({ Call: { Status: "in-progress" } });
    expect((await get("Calls/m-1.json")).status).toBe(404);
  });
});

test("figures settle two minutes after the end", async () => {
  await open();
  emulator.place(call(0, { ringSeconds: 4, talkSeconds: 61 }));
  const details = async () => (await get("Calls/m0.json", { details: "true" })).body["Call"] as Json;
  time += 65_000;
  const zero = { Status: "completed", EndTime: "1970-01-01 05:30:00", Duration: null };
  expect(await details()).toMatchObject({ ...zero, Details: { ConversationDuration: 0, Legs: [] } });
  time += 120_000;
  expect(await details()).toMatchObject({
    EndTime: "2026-03-02 05:31:05",
    Duration: "65",
    Details: {
      ConversationDuration: 61,
      Legs: [{ Leg: { OnCallDuration: 65 } }, { Leg: { OnCallDuration: 61 } }],
    },
  });
  expect((await get("Calls/m0.json")).body["Call"]).not.toHaveProperty("Details");
});
