import { describe, expect, test } from "vitest";
import type { CallRecord, Fields } from "../../src/core/crm.ts";
import { callRecord, failure, type Portal, readyPortal, saved, storedCall } from "./hubspot-portal.ts";

const appId = 777;
const ofPlayer: Fields = {
  hs_call_source: "INTEGRATIONS_PLATFORM",
  hs_call_external_account_id: "acme",
  hs_call_recording_url: "https://hooks.example.com/recordings/1-a.mp3",
};

function recorded(id: string, more: Fields = {}, without?: string): CallRecord {
  const record = callRecord(id);
  const fields = Object.entries({ ...record.fields, ...ofPlayer, ...more });
  return { ...record, fields: Object.fromEntries(fields.filter(([name]) => name !== without)) };
}

const appOf = ({ crm }: Portal, place = 0) => crm.people.calls()[place]?.properties["hs_call_app_id"];

async function logged(portal: Portal, record = recorded("1")): Promise<string> {
  return saved(await portal.connector.saveCalls([record])).saved;
}

function ready({ connector }: Portal, id: string): Promise<void> {
  if (!connector.recordingReady) throw new Error("the connector announces no recordings");
  return connector.recordingReady(id);
}

describe.each(["2026-03", "2026-09"])("a call with a recording (%s)", (apiVersion) => {
  test("carries our app, and its recording is announced", async () => {
    const portal = await readyPortal({ appId, apiVersion });
    const id = await logged(portal);
    expect(appOf(portal)).toBe("777");
    await ready(portal, id);
    expect(portal.crm.people.readyRecordings()).toEqual([id]);
    expect(portal.warnings).toEqual([]);
    expect(portal.requests.at(-1)).toMatchObject({ kind: "general", status: 204 });
  });
});

describe("our app on a call", () => {
  test("comes with the recording, later than the call, and is written once", async () => {
    const portal = await readyPortal({ appId });
    const call = storedCall(portal, recorded("1", {}, "hs_call_recording_url"));
    await call.deliver();
    expect(appOf(portal)).toBeUndefined();
    const { fields } = recorded("1");
    expect(await call.deliver({ fields })).toMatchObject({ wrote: { hs_call_app_id: appId } });
    expect(appOf(portal)).toBe("777");
    expect(await call.deliver()).toMatchObject({ wrote: {}, kept: [] });
  });

  test("is not what the mapping says itself", async () => {
    const portal = await readyPortal({ appId });
    await logged(portal, recorded("1", { hs_call_app_id: 5 }));
    expect(appOf(portal)).toBe("5");
  });

  test.each([
    ...["hs_call_recording_url", "hs_call_source", "hs_call_external_id"],
    "hs_call_external_account_id",
  ])("is of no use without %s", async (without) => {
    const portal = await readyPortal({ appId });
    await logged(portal, recorded("1", {}, without));
    expect(appOf(portal)).toBeUndefined();
  });

  test("is not there when the account is connected by a token, which can announce nothing", async () => {
    const portal = await readyPortal();
    await logged(portal);
    expect(appOf(portal)).toBeUndefined();
    expect(portal.connector).not.toHaveProperty("recordingReady");
  });

  test("is left out where the account has no such property", async () => {
    const portal = await readyPortal({ appId });
    const { body } = await propertiesOf(portal);
    const results = body.results.filter(({ name }) => name !== "hs_call_app_id");
    portal.crm.faults.add({ type: "status", status: 200, body: { results }, match: "properties" });
    portal.reconnect();
    await logged(portal);
    expect(appOf(portal)).toBeUndefined();
    expect(portal.warnings).toEqual([]);
  });

  test("is given up where HubSpot refuses it: all calls are logged, and nothing is announced", async () => {
    const portal = await readyPortal({ appId });
    const body = { status: "error", category: "VALIDATION_ERROR", message: "hs_call_app_id is read-only" };
    portal.crm.faults.add({ type: "status", status: 400, body, match: "upsert", times: 3 });
    const results = await portal.connector.saveCalls([recorded("1"), recorded("2")]);
    for (const result of results) expect(result).toMatchObject({ created: true });
    expect([appOf(portal), appOf(portal, 1)]).toEqual([undefined, undefined]);
    portal.asked();
    const id = await logged(portal, recorded("3"));
    await ready(portal, id);
    expect(portal.asked()).toEqual(["upsert"]);
    expect(portal.warnings).toEqual([expect.stringContaining("does not take hs_call_app_id")]);
  });

  test("is no reason to log a call that HubSpot refuses for another", async () => {
    const portal = await readyPortal({ appId });
    const body = { status: "error", category: "VALIDATION_ERROR", message: "hs_call_title is too long" };
    portal.crm.faults.add({ type: "status", status: 400, body, match: "upsert" });
    const results = await portal.connector.saveCalls([recorded("1")]);
    expect(failure(results[0])).toMatchObject({ retry: "never" });
  });
});

describe("an announcement", () => {
  test.each([
    ["a call that lacks a property", 400, /has no hs_call_app_id/],
    ["a call that is gone", 404, /404/],
  ])("of %s is warned of once", async (_, status, words) => {
    const portal = await readyPortal({ appId });
    const id = status === 404 ? "999" : await logged(portal, recorded("1", {}, "hs_call_source"));
    await ready(portal, id);
    await ready(portal, id);
    expect(portal.crm.requests.at(-1)?.status).toBe(status);
    expect(portal.warnings).toEqual([expect.stringMatching(words)]);
  });

  test("that the app may not make is warned of, with the scope", async () => {
    const portal = await readyPortal({ appId });
    const id = await logged(portal);
    portal.crm.scopes = ["crm.objects.contacts.read"];
    await ready(portal, id);
    expect(portal.warnings).toEqual([expect.stringContaining("crm.objects.contacts.write")]);
  });

  test.each([
    ["is away", { type: "status", status: 503 }],
    ["is moving the account", { type: "status", status: 477 }],
    ["is cut off", { type: "reset" }],
  ] as const)("is to be made again when HubSpot %s", async (_, fault) => {
    const portal = await readyPortal({ appId });
    const id = await logged(portal);
    portal.crm.faults.add({ ...fault, match: "recording ready", times: 1 });
    await expect(ready(portal, id)).rejects.toMatchObject({ name: "CrmError", retry: "later" });
    expect(portal.warnings).toEqual([]);
  });
});

async function propertiesOf({ crm }: Portal) {
  const headers = { authorization: `Bearer ${crm.token}` };
  const response = await fetch(`${crm.url}/crm/properties/2026-03/calls`, { headers });
  return { body: (await response.json()) as { results: { name: string }[] } };
}
