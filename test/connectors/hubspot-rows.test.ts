import { describe, expect, test } from "vitest";
import type { CallRecord, Fields, SaveResult } from "../../src/core/crm.ts";
import { callRecord, failure, type PortalOptions, readyPortal, saved } from "./hubspot-portal.ts";

const accounts: [string, PortalOptions][] = [
  ["2026-03", {}],
  ["2026-09", { apiVersion: "2026-09" }],
  ["without our property", { callUnique: false }],
];

const batch = (count: number, bad: readonly number[] = [], fields = {}): CallRecord[] =>
  Array.from({ length: count }, (_, i) => {
    const record = callRecord(String(i));
    return bad.includes(i) ? { ...record, fields: { ...record.fields, ...fields } } : record;
  });

const failedKeys = (results: readonly SaveResult[]) =>
  results.filter((result) => "failed" in result).map(({ key }) => key);

describe.each(accounts)("rows of a batch (%s)", (_name, options) => {
  test("each result belongs to its own call, in whatever order HubSpot answers", async () => {
    const portal = await readyPortal(options);
    const records = batch(100).map((record, i) => ({
      ...record,
      fields: { ...record.fields, hs_call_title: `Call ${i}` },
    }));
    const results = await portal.connector.saveCalls(records);
    const titles = new Map(
      portal.crm.people.calls().map(({ id, properties }) => [id, properties["hs_call_title"]]),
    );
    for (const [i, { key }] of records.entries()) {
      const result = results.find((one) => one.key === key);
      expect(result && "saved" in result && titles.get(result.saved)).toBe(`Call ${i}`);
    }
  });

  test("one bad value in a hundred rows is left out alone, in HubSpot's words and two requests", async () => {
    const portal = await readyPortal(options);
    const results = await portal.connector.saveCalls(batch(100, [42], { hs_call_duration: "long" }));
    expect(failedKeys(results)).toEqual([]);
    const without = results.map((result) => ("saved" in result ? result.without : undefined));
    expect(without.flatMap((words, i) => (words ? [i] : []))).toEqual([42]);
    expect(without[42]).toEqual([expect.stringMatching(/^hs_call_duration: long was not a valid number/)]);
    const writes = portal.crm.requests.filter(({ path }) => /batch\/(upsert|create)$/.test(path));
    expect(writes.map(({ inputs }) => inputs)).toEqual([100, 1]);
    expect(portal.crm.people.calls()).toHaveLength(100);
  });

  test("a row that is refused without a reason is logged with what says what the call was", async () => {
    const portal = await readyPortal(options);
    const body = { status: "error", category: "VALIDATION_ERROR", message: "This cannot be saved" };
    portal.crm.faults.add({ type: "status", status: 400, body, match: /batch\/(upsert|create)$/, times: 1 });
    const more = { hs_call_body: "<p>Talked</p>", hs_call_duration: 65_000 };
    const result = saved(await portal.connector.saveCalls(batch(1, [0], more)));
    expect(result.without).toEqual([expect.stringMatching(/^hs_call_body: .*This cannot be saved/)]);
    const [call] = portal.crm.people.calls();
    expect(call?.properties).toMatchObject({ hs_call_title: "Inbound call", hs_call_duration: "65000" });
    expect(call?.properties["hs_call_body"]).toBeUndefined();
  });

  test("bad values of an update are left out alone, too", async () => {
    const portal = await readyPortal(options);
    const first = await portal.connector.saveCalls(batch(10));
    const again = batch(10).map((record, i) => {
      const activityId = saved(first.filter(({ key }) => key === record.key)).saved;
      const fields: Fields = [3, 7].includes(i) ? { hs_call_duration: "long" } : { hs_call_title: "b" };
      return { ...record, activityId, fields, ours: { hs_call_title: ["Inbound call"] } };
    });
    const results = await portal.connector.saveCalls(again);
    expect(failedKeys(results)).toEqual([]);
    const titles = portal.crm.people.calls().map(({ properties }) => properties["hs_call_title"]);
    expect(titles.filter((title) => title === "b")).toHaveLength(8);
  });

  test("a conflict that refuses the whole batch is taken apart", async () => {
    const portal = await readyPortal(options);
    portal.crm.faults.add({ type: "conflict", match: /batch\/(upsert|create)$/, times: 3 });
    const results = await portal.connector.saveCalls(batch(100));
    expect(failedKeys(results)).toEqual([]);
    expect(portal.crm.people.calls()).toHaveLength(100);
    const writes = portal.crm.requests.filter(({ path }) => /batch\/(upsert|create)$/.test(path));
    expect(writes.map(({ inputs }) => inputs)).toEqual([100, 50, 25, 13, 12, 25, 50]);
  });

  test("a conflict that stays is the row's own, and it is tried later", async () => {
    const portal = await readyPortal(options);
    portal.crm.faults.add({ type: "conflict", match: /batch\/(upsert|create)$/ });
    const results = await portal.connector.saveCalls(batch(3));
    expect(results.map(failure)).toMatchObject(Array(3).fill({ retry: "later" }));
    portal.crm.faults.clear();
    expect(failedKeys(await portal.connector.saveCalls(batch(3)))).toEqual([]);
    expect(portal.crm.people.calls()).toHaveLength(3);
  });

  test("a batch that is refused for one row is halved until that row stands alone", async () => {
    const portal = await readyPortal(options);
    const body = { status: "error", category: "VALIDATION_ERROR", message: "Invalid input JSON on line 1" };
    portal.crm.faults.add({ type: "status", status: 400, body, match: /batch\/(upsert|create)$/, times: 4 });
    const results = await portal.connector.saveCalls(batch(8));
    expect(failedKeys(results)).toEqual(["acme:voys:0"]);
    expect(failure(results[0])).toMatchObject({
      retry: "never",
      message: expect.stringContaining("Invalid input JSON on line 1"),
    });
    expect(portal.crm.people.calls()).toHaveLength(7);
  });

  test("of a key that comes twice the last one counts, and HubSpot never sees it twice", async () => {
    const portal = await readyPortal(options);
    const twice = [callRecord("1"), callRecord("2"), callRecord("1", { fields: { hs_call_title: "last" } })];
    const results = await portal.connector.saveCalls(twice);
    expect(failedKeys(results)).toEqual([]);
    expect(portal.crm.people.calls()).toHaveLength(2);
    const [call] = portal.crm.people.calls();
    expect(call?.properties["hs_call_title"]).toBe("last");
  });
});

describe("errors that do not say which row they mean", () => {
  const untraced = {
    status: "COMPLETE",
    results: [],
    numErrors: 1,
    errors: [{ status: "error", category: "VALIDATION_ERROR", message: "Something is wrong", context: {} }],
  };

  test("the rows are sent again in halves, until it can only be one", async () => {
    const portal = await readyPortal();
    portal.crm.faults.add({ type: "status", status: 207, body: untraced, match: "upsert", times: 3 });
    const results = await portal.connector.saveCalls(batch(4));
    expect(failedKeys(results)).toEqual(["acme:voys:0"]);
    expect(failure(results[0]).message).toContain("Something is wrong");
    expect(portal.crm.people.calls()).toHaveLength(3);
  });

  test("where nothing may be sent twice, they wait and are looked for", async () => {
    const portal = await readyPortal({ callUnique: false });
    portal.crm.faults.add({ type: "status", status: 207, body: untraced, match: "batch create", times: 1 });
    const results = await portal.connector.saveCalls(batch(2));
    expect(results.map(failure)).toMatchObject(Array(2).fill({ retry: "later" }));
    const sent = portal.crm.requests.filter(({ kind }) => kind === "batch create");
    expect(sent).toHaveLength(1);
  });

  test("an answer without the marks of the rows is told by our key", async () => {
    const portal = await readyPortal();
    const told = (key: string, id: string) => ({
      id,
      properties: { switchhook_call_key: `acme:voys:${key}` },
    });
    const body = { status: "COMPLETE", results: [told("1", "902"), told("0", "901")] };
    portal.crm.faults.add({ type: "status", status: 200, body, match: "upsert", times: 1 });
    expect(await portal.connector.saveCalls(batch(2))).toMatchObject([{ saved: "901" }, { saved: "902" }]);
  });

  test("an answer that says nothing about a row leaves it for later", async () => {
    const portal = await readyPortal();
    const body = { status: "COMPLETE", results: [] };
    portal.crm.faults.add({ type: "status", status: 200, body, match: "upsert", times: 1 });
    const [result] = await portal.connector.saveCalls(batch(1));
    expect(failure(result)).toMatchObject({ retry: "later" });
  });
});
