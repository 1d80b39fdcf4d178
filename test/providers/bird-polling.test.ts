import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { polling } from "../../src/providers/bird/polling.ts";
import {
  answerWith,
  birdOf,
  callOf,
  contextAt,
  eventsOf,
  foldedCalls,
  pagesOf,
  wholeDay,
} from "./bird-polled.ts";

const idsOf = (pages: Awaited<ReturnType<typeof pagesOf>>) =>
  eventsOf(pages.flat()).map(({ callId }) => callId);
const sorted = (ids: readonly string[]) => [...ids].sort();
const providerError = (retry: string, sentence: RegExp, more: object = {}) =>
  expect.objectContaining({
    name: "ProviderError",
    retry,
    message: expect.stringMatching(sentence),
    ...more,
  });

describe("the calls of a span", () => {
  test("all come, each once, over several pages, even when they were made in the same second", async () => {
    const { emulator, settings } = await birdOf();
    const ids = Array.from({ length: 1_203 }, (_, i) => `call-${i}`);
    for (const [i, id] of ids.entries())
      emulator.place(callOf(id, { startedAt: `2026-01-02T0${i % 3}:04:05.00${i % 2}Z` }));
    const pages = await pagesOf(settings);
    expect(pages.map(({ length }) => length)).toEqual([500, 500, 203]);
    expect(sorted(idsOf(pages))).toEqual(sorted(ids));
  });

  test("are those from its start up to and without its end, to the millisecond", async () => {
    const { emulator, settings } = await birdOf();
    for (const time of ["00:00:00.499", "00:00:00.500", "00:00:01.499", "00:00:01.500"])
      emulator.place(callOf(`at ${time}`, { startedAt: `2026-01-02T${time}Z` }));
    const span = { since: "2026-01-02T00:00:00.500Z", until: "2026-01-02T00:00:01.500Z" };
    expect(sorted(idsOf(await pagesOf(settings, span)))).toEqual(["at 00:00:00.500", "at 00:00:01.499"]);
  });

  test("come a day at a time, the earliest day first, and those of midnight once", async () => {
    const { emulator, settings } = await birdOf();
    const times = ["2026-01-01T23:59:59.999Z", "2026-01-02T00:00:00.000Z", "2026-01-02T23:59:59.500Z"];
    for (const startedAt of [...times].reverse()) emulator.place(callOf(startedAt, { startedAt }));
    const span = { since: "2025-12-30T00:00:00.000Z", until: "2026-01-03T00:00:00.000Z" };
    const pages = await pagesOf(settings, span);
    expect(pages.map((page) => sorted(idsOf([page])))).toEqual([times.slice(0, 2), times.slice(2)]);
    expect(emulator.requests.map(({ kind }) => kind)).toEqual(Array(4).fill("calls log"));
  });

  test("are deliveries that say whom we asked, and when", async () => {
    const { emulator, settings } = await birdOf();
    emulator.place(callOf("call-1"));
    const [[delivery] = []] = await pagesOf(settings);
    expect(delivery).toMatchObject({
      installation: "acme",
      provider: "bird",
      receivedAt: "2026-01-03T12:00:00.000Z",
      method: "ASK",
      url: "/workspaces/07817c84-ed36-45be-8d6d-b6d432ca8f0b/channels/calls",
      headers: { "content-type": "application/json" },
    });
    const body = JSON.parse(Buffer.from(delivery?.body ?? []).toString());
    expect(body).toMatchObject({ service: "channels", event: "voice.listed", payload: { id: "call-1" } });
  });

  test("that still go on have not ended and have no talk time", async () => {
    const now = Date.parse("2026-01-02T03:04:15.000Z");
    const { emulator, settings } = await birdOf({ now: () => now });
    emulator.place(callOf("call-1"));
    emulator.place(callOf("not made yet", { startedAt: "2026-01-02T03:05:00.000Z" }));
    const calls = await foldedCalls(settings);
    expect([...calls.keys()]).toEqual(["call-1"]);
    const call = calls.get("call-1");
    expect(call).toMatchObject({ phase: "answered", answeredAt: "2026-01-02T03:04:09.000Z", ringSeconds: 3 });
    for (const fact of ["endedAt", "talkSeconds", "outcome"]) expect(call).not.toHaveProperty(fact);
  });

  test("whose figures are zeros that stand for nothing have none", async () => {
    const { emulator, settings } = await birdOf();
    const zero = "0001-01-01T00:00:00Z";
    const row = { id: "c1", direction: "incoming", from: "+31612345678", status: "completed", duration: 0 };
    answerWith(emulator, "calls log", {
      results: [{ ...row, answeredAt: zero, endedAt: zero, ringingAt: zero }],
    });
    expect((await foldedCalls(settings)).get("c1")).toEqual({
      callId: "c1",
      legs: ["c1"],
      phase: "ended",
      agents: [],
      direction: "inbound",
      customer: { number: "+31612345678" },
      outcome: "completed",
    });
  });
});

describe("what is odd in a page", () => {
  test("is left out, and the rest is told", async () => {
    const { emulator, settings } = await birdOf();
    const odd = [
      null,
      7,
      "call",
      [],
      {},
      { id: "" },
      { id: {} },
      { id: "x".repeat(129) },
      { id: "a\u0000b" },
    ];
    const hostile = JSON.parse(
      '{"id":"c2","__proto__":{"status":"completed"},"from":{"number":[]},"direction":{}}',
    );
    const twice = { id: "c1", direction: "incoming", status: "busy" };
    answerWith(emulator, "calls log", { results: [...odd, twice, hostile, twice], nextPageToken: "" });
    const calls = await foldedCalls(settings);
    expect([...calls.keys()]).toEqual(["c1", "c2"]);
    expect(calls.get("c2")).toEqual({ callId: "c2", legs: ["c2"], phase: "ringing", agents: [] });
  });

  test.each([
    ["that is no object", [], /not an object/],
    ["without results", { items: [] }, /without its `results`/],
  ])("an answer %s is an error, not an empty log", async (_, body, sentence) => {
    const { emulator, settings } = await birdOf();
    answerWith(emulator, "calls log", body);
    await expect(pagesOf(settings)).rejects.toEqual(providerError("later", sentence));
  });

  test("a list that leads in a circle is left", async () => {
    const { emulator, settings } = await birdOf();
    for (const nextPageToken of ["a", "b", "a"])
      answerWith(emulator, "calls log", { results: [], nextPageToken });
    await expect(pagesOf(settings)).rejects.toEqual(providerError("later", /twice/));
    expect(emulator.requests).toHaveLength(3);
  });
});

describe("when Bird does not tell", () => {
  test("a wrong access key is for somebody to mend", async () => {
    const { settings } = await birdOf();
    await expect(pagesOf({ ...settings, apiKey: "wrong" })).rejects.toEqual(
      providerError("never", /Bird refuses our credentials \(401\)/),
    );
  });

  test("so is another workspace", async () => {
    const { settings } = await birdOf();
    await expect(pagesOf({ ...settings, workspaceId: "../other" })).rejects.toEqual(
      providerError("never", /check workspaceId/),
    );
  });

  test("its limit asks us to wait", async () => {
    const { emulator, settings } = await birdOf({ requestsPerSecond: 3 });
    const span = { ...wholeDay, since: "2025-12-20T00:00:00.000Z" };
    await expect(pagesOf(settings, span)).rejects.toEqual(
      providerError("later", /429/, { afterMs: expect.any(Number) }),
    );
    expect(emulator.requests.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
  });

  test.each([
    ["500", { type: "status", status: 500 } as const, /500/],
    ["a page of HTML", { type: "status", status: 200, text: "<html>" } as const, /not JSON/],
    ["a connection that breaks", { type: "reset" } as const, /cannot be reached/],
  ])("%s is tried again later", async (_, fault, sentence) => {
    const { emulator, settings } = await birdOf();
    emulator.faults.add({ ...fault, match: "calls log" });
    await expect(pagesOf(settings)).rejects.toEqual(providerError("later", sentence));
  });

  test("so is a machine that is not there", async () => {
    const server = createServer();
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    const { port } = server.address() as AddressInfo;
    await new Promise((closed) => server.close(closed));
    const { settings } = await birdOf();
    await expect(pagesOf({ ...settings, apiUrl: `http://127.0.0.1:${port}/` })).rejects.toEqual(
      providerError("later", /cannot be reached \(ECONNREFUSED\)/),
    );
  });

  test("asking stops when nobody waits for it any more", async () => {
    const { emulator, settings } = await birdOf();
    for (let i = 0; i < 501; i += 1) emulator.place(callOf(`call-${i}`));
    const stopped = new AbortController();
    const pages = polling
      .calls(settings, wholeDay, contextAt(undefined, stopped.signal))
      [Symbol.asyncIterator]();
    expect((await pages.next()).value).toHaveLength(500);
    stopped.abort(new Error("enough"));
    await expect(pages.next()).rejects.toThrow("enough");
    expect(emulator.requests).toHaveLength(1);
  });

  test("nothing is asked before the settings are there", async () => {
    const { settings } = await birdOf();
    expect(polling.lacks(settings)).toBeUndefined();
    const without = { signingKey: ["key-1"], apiKey: "key-2" };
    expect(polling.lacks(without)).toMatch(/^Set workspaceId of bird: [^.]*\.$/);
    expect(polling.lacks({ signingKey: ["key-1"] })).toMatch(/^Set workspaceId and apiKey of bird/);
    await expect(pagesOf(without)).rejects.toEqual(providerError("never", /workspaceId/));
  });
});
