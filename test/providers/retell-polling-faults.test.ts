import { type RetellEmulator, startRetell } from "@switchhook/emulators/retell";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { fold } from "../../src/core/fold.ts";
import { retell } from "../../src/providers/retell/index.ts";
import { polling } from "../../src/providers/retell/polling.ts";
import {
  contextAt,
  evening,
  eventsOf,
  madeUpCalls,
  pagesOf,
  requestsOf,
  settingsOf,
  wholeDay,
} from "./retell-polled.ts";

let emulator: RetellEmulator;
beforeEach(async () => {
  emulator = await startRetell({ now: () => evening, apiKeys: ["key_new", "key_old"] });
  for (const call of madeUpCalls(120, 11)) emulator.place(call);
});
afterEach(() => emulator.stop());

const list = (body: unknown) => ({ type: "status", match: "list", status: 200, body, times: 1 });

describe("keys", () => {
  const asked = async (apiKey: string[]) => {
    const settings = { ...settingsOf(emulator), apiKey };
    const found = await polling.callsAgain(
      settings,
      [anyCall],
      contextAt(() => evening),
    );
    return found.length;
  };
  const anyCall = fold([{ callId: "call_11_0000", at: wholeDay.since, kind: "call_started", facts: {} }]);

  test("the first one is used, the second when Retell refuses the first", async () => {
    expect(await asked(["key_new", "key_old"])).toBe(1);
    expect(emulator.requests.map(({ status }) => status)).toEqual([200]);
    emulator.account.apiKeys = ["key_old"];
    expect(await asked(["key_new", "key_old"])).toBe(1);
    expect(emulator.requests.map(({ status }) => status)).toEqual([200, 401, 200]);
  });

  test("none that Retell takes is for somebody to mend", async () => {
    emulator.account.apiKeys = [];
    const refused = {
      name: "ProviderError",
      retry: "never",
      message: expect.stringContaining("credentials"),
    };
    await expect(asked(["key_new"])).rejects.toMatchObject(refused);
    await expect(asked(["key_new", "key_old"])).rejects.toMatchObject(refused);
    await expect(pagesOf(emulator)).rejects.toMatchObject(refused);
  });

  test("are never in what is told of a failure", async () => {
    emulator.faults.add({ type: "status", status: 500, text: "<html>" });
    const failed = await pagesOf(emulator).catch((error: unknown) => error);
    expect(String(failed)).not.toContain("key_new");
  });
});

describe("an API that does not answer well", () => {
  test("limits our requests: later, after its pause", async () => {
    emulator.account.perMinute = 3;
    await expect(pagesOf(emulator)).rejects.toMatchObject({ retry: "later", afterMs: 60_000 });
    emulator.faults.add({ type: "status", status: 429, headers: { "retry-after": "7" } });
    await expect(pagesOf(emulator)).rejects.toMatchObject({ retry: "later", afterMs: 7_000 });
  });

  test.each([
    ["an error of its own", { type: "status", status: 503 }, "later"],
    ["a page of HTML", { type: "status", status: 200, text: "<html>down</html>" }, "later"],
    ["a broken connection", { type: "reset" }, "later"],
    ["another shape", list({ calls: [] }), "later"],
    ["more, but no key", list({ items: [], has_more: true }), "later"],
    ["a refusal of the question", { type: "status", status: 400 }, "never"],
    ["nothing at that address", { type: "status", match: "list", status: 404 }, "never"],
  ])("%s", async (_name, fault, retry) => {
    emulator.faults.add(fault);
    await expect(pagesOf(emulator)).rejects.toMatchObject({ name: "ProviderError", retry });
  });

  test("pages before the failure have been told", async () => {
    emulator.faults.add({ type: "status", match: "list", status: 502, after: 1 });
    const told: number[] = [];
    const asking = async () => {
      for await (const page of polling.calls(
        settingsOf(emulator),
        wholeDay,
        contextAt(() => evening),
      ))
        told.push(page.length);
    };
    await expect(asking()).rejects.toMatchObject({ retry: "later" });
    expect(told).toEqual([50]);
  });

  test("the same page for ever is noticed", async () => {
    emulator.faults.add({ ...list({ items: [], has_more: true, pagination_key: "k" }), times: 100 });
    await expect(pagesOf(emulator)).rejects.toMatchObject({ retry: "later" });
    expect(requestsOf(emulator, "list")).toBe(2);
  });
});

describe("stopping", () => {
  test("asks for no further page", async () => {
    const stop = new AbortController();
    const context = contextAt(() => evening, stop.signal);
    for await (const _page of polling.calls(settingsOf(emulator), wholeDay, context)) stop.abort();
    expect(requestsOf(emulator, "list")).toBe(1);
  });

  test("does not wait for an answer that is under way", async () => {
    emulator.faults.add({ type: "hang" });
    const stop = new AbortController();
    const pages = pagesOf(
      emulator,
      wholeDay,
      contextAt(() => evening, stop.signal),
    );
    setImmediate(() => stop.abort());
    await expect(pages).rejects.toMatchObject({ name: "AbortError" });
  });
});

describe("odd rows", () => {
  const row = { call_id: "call_odd", call_type: "phone_call", call_status: "ended", transcript: "" };

  test("garbage is left out, its neighbours are told", async () => {
    const start_timestamp = evening - 1000;
    const garbage = [null, 7, "x", [], {}, { call_id: null }, { call_id: " " }, { call_id: "a\u0000b" }];
    const odd = [...garbage, { call_id: "x".repeat(129) }, { call_id: "x\ud800" }, { call_id: 5 }];
    emulator.faults.add(list({ items: [...odd, { ...row, start_timestamp }], has_more: false }));
    expect((await eventsOf(emulator)).map(({ callId }) => callId)).toEqual(["call_odd"]);
  });

  test("a call that comes twice is told once, one of another day not at all", async () => {
    const start_timestamp = evening - 1000;
    const twice = { ...row, start_timestamp };
    const other = { ...row, call_id: "call_other", start_timestamp: Date.parse(wholeDay.until) };
    emulator.faults.add(list({ items: [twice, twice, other], has_more: true, pagination_key: "next" }));
    emulator.faults.add(list({ items: [twice], has_more: false }));
    expect((await eventsOf(emulator)).map(({ callId }) => callId)).toEqual(["call_odd"]);
  });

  test("a call without a start is told rather than lost", async () => {
    emulator.faults.add(
      list({ items: [{ ...row, start_timestamp: null, end_timestamp: 0 }], has_more: false }),
    );
    const [event] = await eventsOf(emulator);
    expect(event).toMatchObject({ callId: "call_odd", phase: "ended", facts: { outcome: "unknown" } });
    expect(event?.facts).not.toHaveProperty("endedAt");
  });

  test("a bare list is read as older deployments meant it", async () => {
    const rows = Array.from({ length: 50 }, (_, i) => ({
      ...row,
      call_id: `call_bare_${i}`,
      start_timestamp: evening - 60_000 + i,
    }));
    emulator.faults.add(list(rows));
    emulator.faults.add(list([{ ...row, start_timestamp: evening }]));
    expect(await eventsOf(emulator)).toHaveLength(51);
  });

  test("a name with a slash in the place of an id leads nowhere else", async () => {
    const start_timestamp = evening - 1000;
    const { transcript: _, ...brief } = row;
    const hostile = { ...brief, call_id: "../../v3/list-calls?x=1#y", start_timestamp };
    emulator.faults.add(list({ items: [hostile], has_more: false }));
    const [delivery] = (await pagesOf(emulator)).flat();
    expect(delivery?.url).toBe("/v3/list-calls");
    expect(requestsOf(emulator, "list")).toBe(1);
    expect(delivery && retell.decode(delivery)[0]?.callId).toBe(hostile.call_id);
  });

  test("a transcript of hours is told whole, page and all", async () => {
    const transcript = "Agent: Hm.\nUser: Well.\n".repeat(20_000).trim();
    const rows = Array.from({ length: 50 }, (_, i) => ({
      ...row,
      ...{ call_id: `call_long_${i}`, start_timestamp: evening, transcript },
    }));
    emulator.faults.add(list({ items: rows, has_more: false }));
    const events = await eventsOf(emulator);
    expect(events).toHaveLength(50);
    expect(events.every(({ facts }) => facts.transcript === transcript)).toBe(true);
  });
});
