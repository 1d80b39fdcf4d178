import { describe, expect, test } from "vitest";
import { errorOf } from "../../connectors/hubspot/errors.ts";
import { CrmError } from "../../src/core/errors.ts";
import { callRecord, type Portal, readyPortal } from "./hubspot-portal.ts";

const number = "+31612345678";
const now = Date.parse("2026-11-20T10:00:00Z");
const refusal = (headers: Record<string, string>, body: unknown) =>
  errorOf({ status: 429, headers, body }, "HubSpot, logging calls", now);

/** What a save of one call fails with. */
async function failedSave({ connector }: Portal): Promise<CrmError> {
  const error = await connector.saveCalls([callRecord("1")]).catch((thrown: unknown) => thrown);
  if (error instanceof CrmError) return error;
  throw new Error("it was saved");
}

describe("how long a passed limit asks to wait", () => {
  test.each([
    ["TEN_SECONDLY_ROLLING", 5_000],
    ["SECONDLY", 1_000],
    ["DAILY", 900_000],
    ["a new one", 5_000],
  ])("%s for %i ms", (policyName, afterMs) => {
    expect(refusal({}, { policyName })).toMatchObject({ retry: "later", afterMs });
  });

  test("the search's, known by its words alone", () => {
    expect(refusal({}, { message: "You have reached your secondly limit." }).afterMs).toBe(1_000);
    expect(refusal({}, "<html>Too many requests</html>").afterMs).toBe(5_000);
  });

  test("as long as Retry-After says, in seconds or as a date", () => {
    const body = { policyName: "DAILY" };
    expect(refusal({ "retry-after": "90" }, body).afterMs).toBe(90_000);
    expect(refusal({ "retry-after": "Fri, 20 Nov 2026 10:10:00 GMT" }, body).afterMs).toBe(600_000);
    for (const nonsense of ["", "soon", "-5", "Fri, 20 Nov 2026 09:00:00 GMT"])
      expect(refusal({ "retry-after": nonsense }, body).afterMs).toBe(900_000);
  });
});

describe("a limit that was passed", () => {
  test("for a moment is waited for, and nobody notices", async () => {
    const portal = await readyPortal();
    portal.crm.faults.add({
      type: "429",
      policy: "TEN_SECONDLY_ROLLING",
      retryAfter: 0.1,
      match: "upsert",
      times: 2,
    });
    portal.crm.faults.add({ type: "429", policy: "SECONDLY", match: "search", times: 1 });
    expect(await portal.connector.saveCalls([callRecord("1")])).toMatchObject([{ created: true }]);
    expect((await portal.connector.findContacts([number])).size).toBe(0);
    expect(portal.asked()).toEqual(["upsert", "upsert", "upsert", "search", "search", "search", "search"]);
    expect(portal.requests.slice(-4)).toMatchObject([
      { kind: "search", status: 429 },
      { kind: "search", status: 200 },
      { kind: "search", status: 200 },
      { kind: "search", status: 200 },
    ]);
  });

  test("again and again is given back", async () => {
    const portal = await readyPortal();
    portal.crm.faults.add({ type: "429", policy: "TEN_SECONDLY_ROLLING", retryAfter: 0 });
    expect(await failedSave(portal)).toMatchObject({
      retry: "later",
      message: expect.stringMatching(
        /asks to go slower \(429: “You have reached your ten_secondly_rolling limit/,
      ),
    });
    expect(portal.asked()).toEqual(Array(5).fill("upsert"));
  });

  test("is not waited for while a caller waits", async () => {
    const portal = await readyPortal();
    portal.crm.faults.add({ type: "429", policy: "SECONDLY" });
    const urgent = portal.connector.findContacts([number], undefined, true);
    await expect(urgent).rejects.toMatchObject({ retry: "later", afterMs: 1_000 });
    expect(portal.asked()).toEqual(["search"]);
  });

  test("the day's stops everything but the search, and the reason says until when", async () => {
    const portal = await readyPortal();
    portal.crm.people.addContact({ phone: number });
    portal.crm.faults.add({ type: "429", policy: "DAILY", match: "upsert", times: 1 });
    const said = /today are used up.*daily limit.*; it is asked again at 20\d\d-\d\d-\d\dT/;
    for (const _ of ["first", "second"]) {
      const { retry, message, afterMs = 0 } = await failedSave(portal);
      expect({ retry, message }).toEqual({ retry: "later", message: expect.stringMatching(said) });
      expect(afterMs).toBeGreaterThan(800_000);
    }
    expect((await portal.connector.findContacts([number])).size).toBe(1);
    expect(portal.asked()).toEqual(["upsert", "search"]);
    portal.wait(900_000);
    expect(await portal.connector.saveCalls([callRecord("1")])).toMatchObject([{ created: true }]);
  });

  test("the search's stops searches only, and an answer to a caller may still try", async () => {
    const portal = await readyPortal();
    portal.crm.people.addContact({ phone: number });
    portal.crm.faults.add({ type: "429", policy: "SECONDLY", retryAfter: 60, match: "search", times: 1 });
    for (const _ of ["first", "second"])
      await expect(portal.connector.findContacts([number])).rejects.toMatchObject({ retry: "later" });
    expect(portal.asked()).toEqual(["search"]);
    expect(await portal.connector.saveCalls([callRecord("1")])).toMatchObject([{ created: true }]);
    expect((await portal.connector.findContacts([number], undefined, true)).size).toBe(1);
    expect(portal.asked()).toEqual(["upsert", "search"]);
  });
});
