import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type ArrangedOrg, arrangeOrg, call, save } from "./salesforce-org.ts";

const number = "+31612345678";
const quarterHour = 15 * 60_000;

describe("requests to Salesforce", () => {
  let crm: ArrangedOrg;
  let now: number;

  beforeEach(async () => {
    now = Date.now();
    crm = await arrangeOrg({ now: () => now });
    await crm.connector.prepare?.();
    crm.asked();
  });
  afterEach(async () => {
    vi.useRealTimers();
    await crm.tearDown();
  });

  test("are three for a cold call of an unknown number, and one for a call of a known contact", async () => {
    expect((await crm.connector.findContacts([number])).size).toBe(0);
    await save(crm.connector, call("1"));
    expect(crm.asked()).toEqual(["search", "composite", "upsert"]);
    const id = crm.org.people.addContact({ Phone: number });
    await save(crm.connector, {
      ...call("2"),
      contact: { id, kind: "contact" },
      task: { fields: { Subject: "Call back" } },
    });
    expect(crm.asked()).toEqual(["upsert"]);
  });

  test("are five upserts for a thousand calls, of two hundred each", async () => {
    await crm.connector.saveCalls(Array.from({ length: 1_000 }, (_, i) => call(String(i))));
    expect(crm.org.requests.slice(-5).map(({ kind, inputs }) => [kind, inputs])).toEqual(
      Array(5).fill(["upsert", 200]),
    );
    expect(crm.asked()).toHaveLength(5);
  });

  test("are counted with their kind and status", async () => {
    const before = crm.noted.length;
    await crm.connector.findContacts([number]);
    crm.org.faults.add({ type: "reset", match: "upsert", times: 1 });
    await expect(save(crm.connector, call("1"))).rejects.toMatchObject({ retry: "later" });
    expect(crm.noted.slice(before).map(({ kind, status }) => [kind, status])).toEqual([
      ["search", 200],
      ["general", 200],
      ["general", "network"],
    ]);
  });

  test.each([
    ["a server error", { status: 503, body: [{ errorCode: "SERVER_UNAVAILABLE", message: "try later" }] }],
    ["a maintenance page", { status: 503, text: "<html>down</html>" }],
    ["a page with a good status", { status: 200, text: "<html>log in</html>" }],
    ["a gateway's page", { status: 502, text: "<html>bad gateway</html>" }],
    [
      "a missing permission",
      { status: 403, body: [{ errorCode: "API_CURRENTLY_DISABLED", message: "off" }] },
    ],
    ["a retired version", { status: 410, body: [{ errorCode: "UNSUPPORTED_API_VERSION", message: "GONE" }] }],
  ])("that end with %s fail for now, at once and without a retry of the library's", async (_, fault) => {
    crm.org.faults.add({ type: "status", times: 1, ...fault });
    await expect(save(crm.connector, call("1"))).rejects.toMatchObject({ name: "CrmError", retry: "later" });
    crm.org.faults.add({ type: "status", times: 1, ...fault });
    await expect(crm.connector.findContacts([number])).rejects.toMatchObject({ name: "CrmError" });
    expect(crm.asked()).toEqual(["upsert", "search"]);
  });

  test("give up after fifteen seconds without an answer", async () => {
    crm.org.faults.add({ type: "hang", match: "search" });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const found = crm.connector.findContacts([number]).catch((error) => error);
    while (crm.asked().length === 0) await new Promise((resolve) => setImmediate(resolve));
    vi.advanceTimersByTime(15_000);
    expect(await found).toMatchObject({ retry: "later", message: "Salesforce did not answer within 15 s" });
    expect(crm.noted.at(-1)).toMatchObject({ kind: "search", status: "timeout" });
  });

  test("are not waited for any longer than the one who asks does", async () => {
    crm.org.faults.add({ type: "hang" });
    const stop = new AbortController();
    const found = crm.connector.findContacts([number], stop.signal, true);
    stop.abort();
    await expect(found).rejects.toMatchObject({ name: "CrmError", retry: "later" });
  });

  test("leave Salesforce alone for a quarter of an hour when the day's limit is reached, but answers may try", async () => {
    crm.org.faults.add({ type: "limit", times: 1 });
    const refused = await save(crm.connector, call("1")).catch((error) => error);
    expect(refused).toMatchObject({ retry: "later", afterMs: quarterHour });
    expect(refused.message).toContain("REQUEST_LIMIT_EXCEEDED");
    expect(refused.message).toContain(new Date(now + quarterHour).toISOString());
    crm.asked();
    await expect(crm.connector.findContacts([number])).rejects.toMatchObject({ retry: "later" });
    await expect(save(crm.connector, call("1"))).rejects.toMatchObject({ retry: "later" });
    expect(crm.asked()).toEqual([]);
    await crm.connector.findContacts([number], undefined, true);
    expect(crm.asked()).toEqual(["search", "composite"]);
    now += quarterHour;
    expect(await save(crm.connector, call("1"))).toMatchObject({ created: true });
  });

  test("wait only a little when too many are under way at once", async () => {
    const message = "ConcurrentRequests (Concurrent API Requests) Limit exceeded.";
    const body = [{ errorCode: "REQUEST_LIMIT_EXCEEDED", message }];
    crm.org.faults.add({ type: "status", status: 403, body, times: 1 });
    await expect(save(crm.connector, call("1"))).rejects.toMatchObject({ retry: "later", afterMs: 5_000 });
  });

  test("keep the last tenth of the day for calls", async () => {
    crm.org.dailyLimit = 10;
    await crm.connector.findContacts([number]);
    await crm.connector.findContacts([number]);
    await save(crm.connector, call("1"));
    const refused = await crm.connector.changedContacts?.(undefined).catch((error) => error);
    expect(refused).toMatchObject({ retry: "later", afterMs: quarterHour });
    expect(refused.message).toContain("9 of the org's 10 requests");
    await expect(crm.connector.owners?.()).rejects.toMatchObject({ retry: "later" });
    expect(await save(crm.connector, call("2"))).toMatchObject({ created: true });
    crm.org.dailyLimit = 1_000;
    now += quarterHour;
    expect(await crm.connector.changedContacts?.(undefined)).toMatchObject({ more: false });
  });
});
