import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ArrangedOrg, arrangeOrg, call, oursOf, save } from "./salesforce-org.ts";

describe("rows that Salesforce refuses", () => {
  let crm: ArrangedOrg;
  let now: number;

  beforeEach(async () => {
    now = Date.now();
    crm = await arrangeOrg({ now: () => now });
    await crm.connector.prepare?.();
    crm.asked();
  });
  afterEach(() => crm.tearDown());

  test("are sent again when somebody else's change locks them out for a moment", async () => {
    crm.org.faults.add({ type: "lock", match: "upsert", times: 2 });
    expect(await save(crm.connector, call("1"))).toMatchObject({ created: true });
    expect(crm.asked()).toEqual(["upsert", "upsert", "upsert"]);
  });

  test("wait for another time when they stay locked", async () => {
    crm.org.faults.add({ type: "lock", match: "upsert" });
    await expect(save(crm.connector, call("1"))).rejects.toMatchObject({
      retry: "later",
      message: expect.stringContaining("UNABLE_TO_LOCK_ROW"),
    });
    expect(crm.asked()).toHaveLength(3);
  });

  test("are none when many calls of one contact are changed, also by two at once", async () => {
    crm.org.latencyMs = 20;
    const account = crm.org.people.addAccount({});
    const contacts = [1, 2].map(() => crm.org.people.addContact({ AccountId: account }));
    const records = Array.from({ length: 450 }, (_, i) => ({
      ...call(String(i)),
      contact: { id: contacts[i % 2] ?? "", kind: "contact" } as const,
    }));
    const first = await crm.connector.saveCalls(records);
    const changed = records.map((record, i) => {
      const result = first[i];
      if (!result || !("saved" in result)) throw new Error("not saved");
      return { ...record, fields: { Subject: "b" }, activityId: result.saved, ours: oursOf(result) };
    });
    crm.asked();
    const halves = [changed.slice(0, 225), changed.slice(225)];
    const results = (await Promise.all(halves.map((half) => crm.connector.saveCalls(half)))).flat();
    expect(results.filter((result) => "saved" in result && result.wrote["Subject"] === "b")).toHaveLength(
      450,
    );
    expect(crm.asked().filter((kind) => kind === "update")).toHaveLength(4);
  });

  test("do not take those with them that Salesforce took in another request", async () => {
    crm.org.faults.add({ type: "status", status: 503, body: [], match: "upsert", times: 1, after: 1 });
    const results = await crm.connector.saveCalls(Array.from({ length: 400 }, (_, i) => call(String(i))));
    expect(results.filter((result) => "saved" in result)).toHaveLength(200);
    expect(results.filter((result) => "failed" in result && result.failed.retry === "later")).toHaveLength(
      200,
    );
  });

  test("are not sent any more once Salesforce has not taken a request", async () => {
    const records = Array.from({ length: 450 }, (_, i) => call(String(i)));
    const saved = await crm.connector.saveCalls(records);
    const changed = saved.flatMap((result, i) => {
      const record = records[i];
      if (!record || !("saved" in result)) return [];
      return { ...record, fields: { Subject: "b" }, activityId: result.saved, ours: oursOf(result) };
    });
    expect(changed).toHaveLength(450);
    crm.asked();
    crm.org.faults.add({ type: "status", status: 503, body: [], match: "update" });
    await expect(crm.connector.saveCalls(changed)).rejects.toMatchObject({ retry: "later" });
    expect(crm.asked().filter((kind) => kind === "update")).toHaveLength(1);
  });

  test("are quoted without a whole phone number", async () => {
    const message = "Subject: bad value: Call from +31 6 1234 5678";
    const errors = [{ statusCode: "FIELD_CUSTOM_VALIDATION_EXCEPTION", message, fields: ["Subject"] }];
    crm.org.faults.add({
      type: "status",
      status: 200,
      body: [{ success: false, errors }],
      match: "upsert",
      times: 1,
    });
    const { without = [] } = await save(crm.connector, call("1"));
    expect(without).toEqual([expect.stringMatching(/^Subject: FIELD_CUSTOM_VALIDATION_EXCEPTION/)]);
    expect(without.join()).not.toMatch(/1234/);
  });

  test("are gone when a person deletes the call between our reading and our writing", async () => {
    const owner = crm.org.people.addUser({});
    const first = await save(crm.connector, call("1"));
    const next = {
      ...call("1", { Subject: "b" }),
      ownerId: owner,
      activityId: first.saved,
      ours: oursOf(first),
    };
    const task = {
      Id: first.saved,
      IsDeleted: false,
      OwnerId: crm.org.people.get("Task", first.saved)?.["OwnerId"],
    };
    crm.org.people.remove("Task", first.saved);
    const records = [{ ...task, CreatedById: task.OwnerId, Subject: "Inbound call" }];
    const body = { totalSize: 1, done: true, records };
    crm.org.faults.add({ type: "status", status: 200, body, match: "query", times: 1 });
    expect(await crm.connector.saveCalls([next])).toEqual([{ key: "acme:voys:1", gone: true }]);
    expect(crm.warnings).toEqual([]);
  });

  test("come back as ours when the package is taken away and given back", async () => {
    crm.org.settings.withPackage = false;
    now += 600_000;
    await expect(save(crm.connector, call("1"))).rejects.toMatchObject({ retry: "later", afterMs: 0 });
    const { saved } = await save(crm.connector, { ...call("1"), sentAt: now });
    expect(crm.org.people.get("Task", saved)).toMatchObject({ CallObject: "acme:voys:1" });
    expect(crm.warnings).toEqual([expect.stringContaining("deploy the Switchhook package")]);
    crm.org.settings.withPackage = true;
    now += 3_600_000;
    const again = { ...call("1", { Subject: "b" }), activityId: saved, ours: { Subject: ["Inbound call"] } };
    expect(await save(crm.connector, again)).toMatchObject({ saved, wrote: { Subject: "b" } });
    expect(await save(crm.connector, call("2"))).toMatchObject({ created: true });
    expect(crm.org.people.tasks().at(-1)).toMatchObject({ Call_Key__c: "acme:voys:2" });
  });

  test("are not mixed up with a deleted one of the same key", async () => {
    const { saved } = await save(crm.connector, call("1"));
    crm.org.people.add("Task", { Call_Key__c: "acme:voys:1", IsDeleted: true });
    expect(await save(crm.connector, { ...call("1"), sentAt: now })).toMatchObject({ saved, created: false });
  });

  test("fail a removal that stays undone, to be tried again", async () => {
    const { saved } = await save(crm.connector, call("1"));
    crm.org.faults.add({ type: "lock", match: "delete", times: 1 });
    const leg = { key: "acme:voys:1", activityId: saved };
    await expect(crm.connector.removeCalls?.([leg])).rejects.toMatchObject({ retry: "later" });
    await crm.connector.removeCalls?.([leg]);
    expect(crm.org.people.tasks()).toEqual([]);
  });
});
