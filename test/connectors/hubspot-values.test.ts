import { dispositions } from "@switchhook/emulators/hubspot";
import { describe, expect, onTestFinished, test } from "vitest";
import { callRecord, openPortal, readyPortal, saved, storedCall } from "./hubspot-portal.ts";

type Portal = Awaited<ReturnType<typeof readyPortal>>;
const onlyCall = (portal: Portal) => portal.crm.people.calls()[0]?.properties ?? {};
const guidOf = (label: string) => Object.entries(dispositions).find(([, name]) => name === label)?.[0];
const writes = (portal: Portal) => portal.asked().filter((kind) => kind !== "batch read");

describe("a disposition", () => {
  test.each(["No answer", "no ANSWER", "73a0d17f-1163-4015-bdd5-ec830791da20"])(
    "may be named %s",
    async (hs_call_disposition) => {
      const portal = await readyPortal();
      const call = storedCall(portal, callRecord("1"));
      await call.deliver({ fields: { hs_call_disposition } });
      expect(onlyCall(portal)["hs_call_disposition"]).toBe(guidOf("No answer"));
      portal.asked();
      await call.deliver({ fields: { hs_call_disposition } });
      expect(writes(portal)).toEqual([]);
    },
  );

  test("that the account does not have is left out, with one warning for all calls", async () => {
    const portal = await readyPortal();
    const fields = { ...callRecord("1").fields, hs_call_disposition: "Sold a car" };
    const records = ["1", "2", "3"].map((id) => callRecord(id, { fields }));
    const results = await portal.connector.saveCalls(records);
    for (const result of results) expect(saved([result]).wrote).not.toHaveProperty("hs_call_disposition");
    expect(portal.warnings).toEqual([
      expect.stringMatching(/hs_call_disposition has no option "Sold a car"/),
    ]);
    expect(portal.crm.people.calls()).toHaveLength(3);
  });
});

describe("values", () => {
  test("go to HubSpot as texts, durations in milliseconds", async () => {
    const portal = await readyPortal();
    const fields = { hs_call_duration: 61_000, hs_call_has_voicemail: true, hs_call_title: "a" };
    const result = saved(await portal.connector.saveCalls([callRecord("1", { fields })]));
    expect(result.wrote).toMatchObject(fields);
    expect(result.stored).toBeUndefined();
    expect(onlyCall(portal)).toMatchObject({ hs_call_duration: "61000", hs_call_has_voicemail: "true" });
  });

  test("that HubSpot writes in its own way are no change", async () => {
    const portal = await readyPortal();
    const fields = {
      hs_timestamp: "2026-11-20T11:00:00+01:00",
      hs_call_duration: 61_000,
      hs_call_body: "<p>It&#39;s &quot;fine&quot;</p>\r\n<br />",
      hs_call_direction: "Inbound",
    };
    const call = storedCall(portal, callRecord("1"));
    await call.deliver({ fields });
    expect(onlyCall(portal)["hs_call_body"]).toBe('<p>It\'s "fine"</p>\r\n<br>');
    portal.asked();
    expect(await call.deliver()).toMatchObject({ wrote: {}, kept: [] });
    expect(writes(portal)).toEqual([]);
  });

  test("that the server tidies away are still ours at the next update", async () => {
    const portal = await readyPortal();
    const call = storedCall(portal, callRecord("1"));
    const first = await call.deliver({ fields: { hs_call_body: "<p onclick='x()'>one</p>" } });
    expect(first).toMatchObject({ stored: { hs_call_body: "<p>one</p>" } });
    const second = await call.deliver({ fields: { hs_call_body: "<p onclick='x()'>two</p>" } });
    expect(second).toMatchObject({ kept: [] });
    expect(onlyCall(portal)["hs_call_body"]).toBe("<p>two</p>");
    portal.crm.people.edit("calls", portal.crm.people.calls()[0]?.id ?? "", { hs_call_body: "a rep's" });
    expect(await call.deliver({ fields: { hs_call_body: "three" } })).toMatchObject({
      kept: ["hs_call_body"],
    });
  });

  test("that the server tidied are ours although its answer was lost", async () => {
    const portal = await readyPortal();
    const call = storedCall(portal, callRecord("1"));
    portal.crm.faults.add({ type: "drop", match: "upsert", times: 1 });
    await call.deliver({ fields: { hs_call_body: "<p>It&#39;s one</p><br />" } });
    expect(await call.deliver({ fields: { hs_call_body: "<p>It&#39;s two</p>" } })).toMatchObject({
      kept: [],
    });
    expect(onlyCall(portal)["hs_call_body"]).toBe("<p>It's two</p>");
  });

  test("that are too long are cut, between two characters, and are no change afterwards", async () => {
    const portal = await readyPortal();
    const hs_call_body = `x${"☎️😀".repeat(30_000)}`;
    const call = storedCall(portal, callRecord("1"));
    expect(await call.deliver({ fields: { hs_call_body } })).toHaveProperty("saved");
    const stored = onlyCall(portal)["hs_call_body"] ?? "";
    expect(stored.length).toBeGreaterThan(64_000);
    expect(stored.isWellFormed()).toBe(true);
    portal.asked();
    await call.deliver();
    expect(writes(portal)).toEqual([]);
  });

  test("of a property that does not exist are left out, and the reason names it", async () => {
    const portal = await readyPortal();
    const fields = { hs_call_title: "Inbound call", our_rating: 5 };
    const result = saved(await portal.connector.saveCalls([callRecord("1", { fields })]));
    expect(result.without).toEqual([expect.stringMatching(/our_rating.*does not exist/)]);
    expect(result.wrote).toMatchObject({ hs_call_title: "Inbound call" });
  });
});

describe("the time of a call", () => {
  test("is supplied when nobody knows it, and replaced when somebody does", async () => {
    const portal = await readyPortal();
    const call = storedCall(portal, callRecord("1", { fields: { hs_call_title: "a" } }));
    expect(await call.deliver()).toHaveProperty("saved");
    expect(Date.parse(onlyCall(portal)["hs_timestamp"] ?? "")).toBeLessThanOrEqual(portal.now());
    await call.deliver();
    await call.deliver({ fields: { hs_timestamp: "2026-11-20T10:00:00Z" } });
    expect(onlyCall(portal)["hs_timestamp"]).toBe("2026-11-20T10:00:00.000Z");
  });

  test("of a follow-up task is the call's when the mapping has none", async () => {
    const portal = await readyPortal();
    const task = { fields: { hs_task_subject: "Call back" } };
    expect(await portal.connector.saveCalls([callRecord("1", { task })])).toMatchObject([{ created: true }]);
    expect(portal.crm.people.tasks()).toMatchObject([
      { properties: { hs_timestamp: "2026-11-20T10:00:00.000Z" } },
    ]);
    const timeless = callRecord("2", { fields: { hs_call_title: "a" }, task });
    expect(await portal.connector.saveCalls([timeless])).toMatchObject([{ created: true }]);
  });
});

describe("the owner of a call", () => {
  test("is who the flow chose, also one that is new since we looked", async () => {
    const portal = await openPortal();
    onTestFinished(portal.tearDown);
    portal.crm.people.addOwner({ email: "ravi@example.com" });
    await portal.connector.saveCalls([callRecord("1")]);
    const ownerId = portal.crm.people.addOwner({ email: "sanne@example.com" });
    await portal.connector.saveCalls([callRecord("2", { ownerId })]);
    expect(portal.crm.people.calls()[1]?.properties["hubspot_owner_id"]).toBe(ownerId);
    expect(portal.warnings).toEqual([]);
  });

  test("is left out when HubSpot refuses it; the call and its neighbours are logged", async () => {
    const portal = await readyPortal();
    const ownerId = portal.crm.people.addOwner({ email: "sanne@example.com" });
    const records = [callRecord("1", { ownerId: "99" }), callRecord("2", { ownerId }), callRecord("3")];
    const results = await portal.connector.saveCalls(records);
    expect(saved(results).wrote).not.toHaveProperty("ownerId");
    expect(portal.crm.people.calls().map(({ properties }) => properties["hubspot_owner_id"])).toEqual([
      ownerId,
      undefined,
      undefined,
    ]);
    expect(portal.warnings).toEqual([expect.stringMatching(/owner of some calls/)]);
  });

  test("that the mapping writes itself wins", async () => {
    const portal = await readyPortal();
    const [a, b] = ["a@example.com", "b@example.com"].map((email) => portal.crm.people.addOwner({ email }));
    const fields = { hubspot_owner_id: b ?? "" };
    await portal.connector.saveCalls([callRecord("1", { fields, ...(a && { ownerId: a }) })]);
    expect(onlyCall(portal)["hubspot_owner_id"]).toBe(b);
  });

  test("that HubSpot refuses leaves the follow-up task without one, too", async () => {
    const portal = await readyPortal();
    const task = { fields: { hs_task_subject: "Call back" } };
    const results = await portal.connector.saveCalls([callRecord("1", { ownerId: "99", task })]);
    expect(saved(results).wrote).toHaveProperty("taskId");
    expect(portal.crm.people.tasks()).toHaveLength(1);
  });
});
