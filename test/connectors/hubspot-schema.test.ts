import { describe, expect, test } from "vitest";
import {
  callRecord,
  failure,
  openPortal,
  type Portal,
  readyPortal,
  storedCall,
  withoutSchemas,
} from "./hubspot-portal.ts";

const path = "/crm/properties/2026-03";

/** What an admin does in the settings of the account: the property goes into the archive. */
async function archiveProperty({ crm }: Portal, type: string, name: string): Promise<void> {
  const headers = { authorization: `Bearer ${crm.token}` };
  const { status } = await fetch(`${crm.url}${path}/${type}/${name}`, { method: "DELETE", headers });
  expect(status).toBe(204);
}

const missing = {
  status: "error",
  category: "VALIDATION_ERROR",
  message: "Unable to perform read by non-unique 0-48 property switchhook_call_key in portal ID 62515",
};

describe("our property on calls", () => {
  test("is made at the start, unique, in a group that the account has", async () => {
    const portal = await readyPortal();
    const response = await fetch(`${portal.crm.url}${path}/calls/switchhook_call_key`, {
      headers: { authorization: `Bearer ${portal.crm.token}` },
    });
    expect(await response.json()).toMatchObject({ hasUniqueValue: true, groupName: "call", type: "string" });
  });

  test("is used when it is there, and not made twice by two who start at once", async () => {
    const portal = await openPortal();
    try {
      const other = portal.reconnect();
      await Promise.all([portal.connector.prepare?.(), other.prepare?.()]);
      await Promise.all([
        portal.connector.saveCalls([callRecord("1")]),
        other.saveCalls([callRecord("1"), callRecord("2")]),
      ]);
      expect(portal.crm.people.calls()).toHaveLength(2);
      expect(portal.warnings).toEqual([]);
    } finally {
      await portal.tearDown();
    }
  });

  test("that somebody made without unique values is not used, and a warning says so", async () => {
    const property = { objectType: "calls", name: "switchhook_call_key", type: "string" } as const;
    const portal = await readyPortal({ properties: [property] });
    const call = storedCall(portal, callRecord("1"));
    expect(await call.deliver()).toMatchObject({ created: true });
    expect(portal.warnings).toEqual([expect.stringMatching(/without unique values/)]);
  });

  test("that an admin takes away leaves the calls waiting, and then they are logged without it, once", async () => {
    const portal = await readyPortal();
    const logged = storedCall(portal, callRecord("0"));
    await logged.deliver();
    await archiveProperty(portal, "calls", "switchhook_call_key");
    const call = storedCall(portal, callRecord("1"));
    expect(failure(await call.deliver())).toMatchObject({
      retry: "later",
      message: expect.stringMatching(/switchhook_call_key.*read again/),
    });
    portal.asked();
    portal.passes(61_000);
    expect(await call.deliver()).toMatchObject({ created: true });
    expect(portal.asked()).toContain("properties");
    expect(portal.warnings).toEqual([expect.stringMatching(/lies in the account's archive/)]);
    expect(await logged.deliver({ fields: { hs_call_title: "b" } })).toMatchObject({ created: false });
    expect(portal.crm.people.calls()).toHaveLength(2);
  });

  test("that is missing while calls are read leaves them all waiting, not parked", async () => {
    const portal = await readyPortal();
    const call = storedCall(portal, callRecord("1", { sentAt: portal.now() }));
    portal.crm.faults.add({ type: "status", status: 400, body: missing, match: "batch read", times: 1 });
    expect(failure(await call.deliver())).toMatchObject({ retry: "later" });
    expect(await call.deliver()).toMatchObject({ created: true });
  });

  test("is asked for again when HubSpot could not be asked", async () => {
    const portal = await openPortal();
    try {
      portal.crm.faults.add({ type: "status", status: 500, times: 1 });
      await expect(portal.connector.prepare?.()).rejects.toMatchObject({ retry: "later" });
      expect(await portal.connector.saveCalls([callRecord("1")])).toMatchObject([{ created: true }]);
      expect(portal.crm.people.calls()[0]?.properties).toHaveProperty("switchhook_call_key");
    } finally {
      await portal.tearDown();
    }
  });
});

describe.each([
  ["contacts", "switchhook_caller_number"],
  ["tasks", "switchhook_call_key"],
])("our property on %s", (type, name) => {
  const more = {
    createContact: { number: "+31612345678", fields: {} },
    task: { fields: { hs_task_subject: "Call back" } },
  };

  test("that an admin takes away: the calls wait, and are made complete without it, once", async () => {
    const portal = await readyPortal();
    await portal.connector.saveCalls([
      callRecord("0", { ...more, createContact: { number: "+31612345670", fields: {} } }),
    ]);
    await archiveProperty(portal, type, name);
    const call = storedCall(portal, callRecord("1", more));
    expect(failure(await call.deliver())).toMatchObject({ retry: "later" });
    portal.passes(61_000);
    for (let tries = 0; tries < 3 && !("saved" in (await call.deliver())); tries += 1) portal.passes(61_000);
    const { people } = portal.crm;
    expect([people.calls(), people.contacts(), people.tasks()].map(({ length }) => length)).toEqual([
      2, 2, 2,
    ]);
  });
});

describe("the fields of the account", () => {
  test("are told for the check of a mapping", async () => {
    const portal = await readyPortal();
    const fields = await portal.connector.fields?.();
    const named = (name: string) => fields?.activity.find((field) => field.name === name);
    expect(named("hs_call_duration")).toEqual({ name: "hs_call_duration", type: "number", writable: true });
    expect(named("hs_object_id")).toMatchObject({ writable: false });
    expect(named("hs_call_disposition")?.options).toEqual(
      expect.arrayContaining(["Busy", "9d9162e7-6cf3-4944-bf63-4dff82258764"]),
    );
    expect(fields?.contact.map(({ name }) => name)).toContain("firstname");
    expect(fields?.task.map(({ name }) => name)).toContain("hs_task_subject");
    expect(fields?.readable).toContain("lifecyclestage");
  });

  test("are read again after an hour", async () => {
    const portal = await readyPortal();
    await portal.connector.saveCalls([callRecord("1")]);
    portal.passes(3_600_000);
    portal.asked();
    await portal.connector.saveCalls([callRecord("2")]);
    expect(portal.asked()).toEqual(["properties", "upsert"]);
  });

  test("may be ours to read only: then calls are logged without a property of ours", async () => {
    const portal = await readyPortal({ scopes: withoutSchemas });
    expect(await storedCall(portal, callRecord("1")).deliver()).toMatchObject({ created: true });
    expect(portal.warnings).toEqual([expect.stringMatching(/crm\.schemas\.contacts\.write/)]);
  });
});
