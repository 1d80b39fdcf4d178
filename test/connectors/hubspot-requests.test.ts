import { describe, expect, test } from "vitest";
import { datedUrl } from "../../connectors/hubspot/transport.ts";
import { callRecord, openPortal, readyPortal, saved, storedCall } from "./hubspot-portal.ts";

const number = "+31612345678";
const batch = (count: number) => Array.from({ length: count }, (_, i) => callRecord(String(i)));

describe("how much HubSpot is asked", () => {
  test("one call of a caller that nobody knows yet takes a search, an upsert and an association", async () => {
    const portal = await readyPortal();
    const id = portal.crm.people.addContact({ phone: number });
    const [contact] = (await portal.connector.findContacts([number])).get(number) ?? [];
    if (!contact) throw new Error("the contact was not found");
    saved(await portal.connector.saveCalls([callRecord("1", { contact })]));
    expect(portal.asked()).toEqual(["search", "upsert", "associate"]);
    expect(portal.crm.people.calls()).toMatchObject([{ associations: { contacts: [id] } }]);
  });

  test("one call of a caller in the index takes an upsert and an association", async () => {
    const portal = await readyPortal();
    const id = portal.crm.people.addContact({ phone: number });
    await portal.connector.saveCalls([callRecord("1", { contact: { id, kind: "contact" } })]);
    expect(portal.asked()).toEqual(["upsert", "associate"]);
  });

  test("one call of nobody's takes an upsert", async () => {
    const portal = await readyPortal();
    await portal.connector.saveCalls([callRecord("1")]);
    expect(portal.asked()).toEqual(["upsert"]);
  });

  test("a hundred calls take as many requests as one", async () => {
    const portal = await readyPortal();
    const records = batch(100).map((record) => {
      const id = portal.crm.people.addContact({ firstname: record.key });
      return { ...record, contact: { id, kind: "contact" } as const };
    });
    await portal.connector.saveCalls(records);
    expect(portal.asked()).toEqual(["upsert", "associate"]);
    const linked = portal.crm.people.calls().map(({ properties, associations }) => ({
      key: properties["switchhook_call_key"],
      id: associations["contacts"]?.[0],
    }));
    expect(linked).toEqual(records.map(({ key, contact: { id } }) => ({ key, id })));
  });

  test("a call that is as it should be is read and not written", async () => {
    const portal = await readyPortal();
    const call = storedCall(portal, callRecord("1"));
    await call.deliver();
    portal.asked();
    expect(await call.deliver()).toMatchObject({ created: false, wrote: {} });
    expect(portal.asked()).toEqual(["batch read"]);
  });

  test("a change to a hundred calls takes a read and an update", async () => {
    const portal = await readyPortal();
    const first = await portal.connector.saveCalls(batch(100));
    portal.asked();
    const changed = batch(100).map((record) => {
      const activityId = saved(first.filter(({ key }) => key === record.key)).saved;
      const fields = { ...record.fields, hs_call_title: "A longer call" };
      return { ...record, activityId, fields, ours: { hs_call_title: ["Inbound call"] } };
    });
    await portal.connector.saveCalls(changed);
    expect(portal.asked()).toEqual(["batch read", "batch update"]);
    const titles = portal.crm.people.calls().map(({ properties }) => properties["hs_call_title"]);
    expect(new Set(titles)).toEqual(new Set(["A longer call"]));
  });

  test("the tasks of a hundred missed calls take one request and one for their contacts", async () => {
    const portal = await readyPortal();
    const contact = { id: portal.crm.people.addContact({ phone: number }), kind: "contact" } as const;
    const task = { fields: { hs_task_subject: "Call back", hs_timestamp: "2026-11-20T10:00:00Z" } };
    // The first one makes our property on tasks.
    await portal.connector.saveCalls([callRecord("first", { task })]);
    portal.asked();
    await portal.connector.saveCalls(batch(100).map((record) => ({ ...record, contact, task })));
    expect(portal.asked()).toEqual(["upsert", "associate", "batch create", "associate"]);
    const tasks = portal.crm.people.tasks();
    expect(tasks).toHaveLength(101);
    expect(tasks.filter(({ associations }) => associations["contacts"]?.[0] === contact.id)).toHaveLength(
      100,
    );
  });

  test("an unknown caller takes a read and a create more, however many of their calls there are", async () => {
    const portal = await readyPortal();
    const createContact = { number, fields: { firstname: "Unknown" } };
    await portal.connector.saveCalls([
      callRecord("0", { createContact: { ...createContact, number: "+31612345670" } }),
    ]);
    portal.asked();
    await portal.connector.saveCalls(batch(20).map((record) => ({ ...record, createContact })));
    expect(portal.asked()).toEqual(["batch read", "batch create", "upsert", "associate"]);
    expect(portal.crm.people.contacts()).toHaveLength(2);
  });

  test("nothing is prepared twice", async () => {
    const portal = await readyPortal();
    await portal.connector.prepare?.();
    await portal.connector.prepare?.();
    expect(portal.asked()).toEqual([]);
  });
});

describe("where HubSpot is asked", () => {
  test.each(["2026-03", "2026-09"])("all requests go to dated paths of %s", async (apiVersion) => {
    const portal = await openPortal({ apiVersion });
    try {
      const { connector, crm } = portal;
      await connector.prepare?.();
      await connector.owners?.();
      await connector.fields?.();
      await connector.findContacts([number]);
      const createContact = { number, fields: {} };
      const task = { fields: { hs_task_subject: "Call back", hs_timestamp: "2026-11-20T10:00:00Z" } };
      const call = storedCall(portal, callRecord("1", { createContact, task }));
      await call.deliver();
      await call.deliver({ fields: { hs_call_title: "Another" } });
      let cursor = (await connector.changedContacts?.(undefined))?.cursor;
      portal.wait(2 * 3_600_000);
      for (let i = 0; i < 3; i += 1) cursor = (await connector.changedContacts?.(cursor))?.cursor;
      await connector.removeCalls?.([{ key: "acme:voys:1", activityId: crm.people.calls()[0]?.id ?? "" }]);
      const paths = crm.requests.map(({ path }) => path);
      const dated = new RegExp(`^/crm/(objects|properties|associations|owners)/${apiVersion}(/|$)`);
      expect(paths.filter((path) => !dated.test(path))).toEqual([]);
      expect(new Set(paths.map((path) => path.split("/")[2]))).toHaveProperty("size", 4);
      const statuses = new Set(crm.requests.map(({ status }) => status));
      expect([...statuses].filter((status) => typeof status !== "number" || status >= 400)).toEqual([]);
    } finally {
      await portal.tearDown();
    }
  });

  test("a path that has no dated form stays as it is", () => {
    expect(datedUrl("http://h/crm/v3/owners/?after=1", "2026-03")).toBe(
      "http://h/crm/owners/2026-03?after=1",
    );
    expect(datedUrl("http://h/hs/crm/v4/associations/a/b", "2026-09")).toBe(
      "http://h/hs/crm/associations/2026-09/a/b",
    );
    expect(datedUrl("http://h/account-info/v3/details", "2026-03")).toBe("http://h/account-info/v3/details");
  });
});
