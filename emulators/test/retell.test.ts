import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { SimulatedCall } from "../../src/core/provider.ts";
import { type RetellEmulator, startRetell } from "../retell/index.ts";

type Row = Record<string, unknown>;
type Answer = {
  items?: Row[];
  has_more?: boolean;
  pagination_key?: string;
  total?: number;
  message?: string;
};

const t0 = Date.parse("2026-11-18T12:00:00.000Z");
const call: SimulatedCall = {
  ...{
    id: "call_1",
    direction: "outbound",
    customer: "+31612345678",
    line: "+31201234567",
    agent: "agent_1",
  },
  ...{ startedAt: new Date(t0).toISOString(), ringSeconds: 10, talkSeconds: 60, outcome: "completed" },
};

let emulator: RetellEmulator;
let now: number;
beforeEach(async () => {
  now = t0 + 3_600_000;
  emulator = await startRetell({ now: () => now, signed: true });
});
afterEach(() => emulator.stop());

async function ask(path: string, json?: unknown, key = "retell-secret") {
  const response = await fetch(`${emulator.url}${path}`, {
    method: json === undefined ? "GET" : "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    ...(json !== undefined && { body: JSON.stringify(json) }),
  });
  return { status: response.status, body: (await response.json()) as Answer & Row };
}
const list = (json: unknown) => ask("/v3/list-calls", json);

describe("refuses", () => {
  test("a wrong key, in Retell's words", async () => {
    const body = { status: "error", message: "API key is missing or invalid." };
    expect(await ask("/v3/list-calls", {}, "guess")).toEqual({ status: 401, body });
    expect(await ask("/v2/get-call/call_1", undefined, "guess")).toEqual({ status: 401, body });
  });

  test("a call that the account does not have, with 422", async () => {
    expect((await ask("/v2/get-call/call_x")).status).toBe(422);
  });

  test.each<[string, unknown]>([
    [
      "the flat thresholds of the older API",
      { filter_criteria: { start_timestamp: { lower_threshold: 1 } } },
    ],
    ["a filter on nothing", { filter_criteria: { colour: { type: "number", op: "eq", value: 1 } } }],
    [
      "an operator that there is not",
      { filter_criteria: { duration_ms: { type: "number", op: "like", value: 1 } } },
    ],
    ["a range of one bound", { filter_criteria: { duration_ms: { type: "range", op: "bt", value: [1] } } }],
    ["more rows than 1,000", { limit: 1_001 }],
    ["no rows", { limit: 0 }],
    ["another order", { sort_order: "random" }],
    ["a member that there is not", { page: 2 }],
    ["a key that it did not give", { pagination_key: "call_1" }],
    ["a list", []],
  ])("%s", async (_name, question) => {
    expect((await list(question)).status).toBe(400);
  });

  test("more requests in a minute than the account may make", async () => {
    emulator.account.perMinute = 2;
    const statuses = [await list({}), await list({}), await list({})].map(({ status }) => status);
    expect(statuses).toEqual([200, 200, 429]);
    now += 60_000;
    expect((await list({})).status).toBe(200);
  });
});

describe("the list", () => {
  beforeEach(() => {
    for (let i = 0; i < 7; i += 1)
      emulator.place({ ...call, id: `call_${i}`, startedAt: new Date(t0 + i * 1000).toISOString() });
  });

  test("goes on where its key says, in either order", async () => {
    for (const sort_order of ["ascending", "descending"]) {
      const ids: unknown[] = [];
      let key: string | undefined;
      do {
        const { body } = await list({ limit: 3, sort_order, ...(key && { pagination_key: key }) });
        ids.push(...(body.items ?? []).map(({ call_id }) => call_id));
        key = body.has_more ? body.pagination_key : undefined;
      } while (key);
      const all = [0, 1, 2, 3, 4, 5, 6].map((i) => `call_${i}`);
      expect(ids).toEqual(sort_order === "ascending" ? all : all.reverse());
    }
  });

  test("filters by start and by status", async () => {
    const start_timestamp = { type: "range", op: "bt", value: [t0 + 11_000, t0 + 12_000] };
    expect((await list({ filter_criteria: { start_timestamp } })).body.items).toHaveLength(2);
    const call_status = { type: "enum", op: "in", value: ["ongoing"] };
    expect((await list({ filter_criteria: { call_status }, include_total: true })).body).toMatchObject({
      items: [],
      total: 0,
    });
  });

  test("has no transcripts; a single call has", async () => {
    const [row] = (await list({})).body.items ?? [];
    expect(row).not.toHaveProperty("transcript");
    expect((await ask(`/v2/get-call/${row?.["call_id"]}`)).body).toHaveProperty("transcript");
  });
});

describe("a call", () => {
  test("is told as far as it has come", async () => {
    emulator.place(call);
    const at = async (seconds: number) => {
      now = t0 + seconds * 1000;
      return (await ask("/v2/get-call/call_1")).body;
    };
    expect(await at(-1)).toMatchObject({ status: "error" });
    expect(await at(5)).toMatchObject({ call_status: "registered" });
    expect(await at(5)).not.toHaveProperty("start_timestamp");
    expect(await at(30)).toMatchObject({ call_status: "ongoing", start_timestamp: t0 + 10_000 });
    const ended = await at(71);
    expect(ended).toMatchObject({ call_status: "ended", duration_ms: 60_000 });
    expect(ended).not.toHaveProperty("call_analysis");
    expect(ended).not.toHaveProperty("recording_url");
    expect(await at(100)).toMatchObject({ call_analysis: { user_sentiment: "Positive" } });
    expect(await at(190)).toHaveProperty("recording_url");
  });

  test("has a recording when a test says, or none at all", async () => {
    emulator.place(call, { recordingAfterSeconds: 7_200 });
    emulator.place({ ...call, id: "call_2" }, { recordingAfterSeconds: null });
    expect((await ask("/v2/get-call/call_1")).body).not.toHaveProperty("recording_url");
    now += 7_200_000;
    expect((await ask("/v2/get-call/call_1")).body).toHaveProperty("recording_url");
    expect((await ask("/v2/get-call/call_2")).body).not.toHaveProperty("recording_url");
  });

  test("has links that are signed anew each time, and end after a day", async () => {
    emulator.place(call);
    const linkOf = async () => String((await ask("/v2/get-call/call_1")).body["recording_url"]);
    const first = await linkOf();
    const answer = await fetch(first, { headers: { range: "bytes=0-3" } });
    expect([answer.status, await answer.text()]).toEqual([206, "RIFF"]);
    expect((await fetch(first.replace(/Expires=\d/, "Expires=9"))).status).toBe(403);
    expect((await fetch(first.replace(/\?.*/, ""))).status).toBe(403);
    now += 86_400_001;
    expect((await fetch(first)).status).toBe(403);
    expect((await fetch(await linkOf())).status).toBe(200);
  });
});
