import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ArrangedOrg, arrangeOrg, call, oursOf, save } from "./salesforce-org.ts";

describe("values in Salesforce's fields", () => {
  let crm: ArrangedOrg;
  const task = (id: string) => crm.org.people.get("Task", id);

  beforeEach(async () => {
    crm = await arrangeOrg({ org: { parseErrors: "request" } });
  });
  afterEach(() => crm.tearDown());

  test("completes a call for which the mapping gives neither status nor priority", async () => {
    const { saved, wrote } = await save(crm.connector, call("1"));
    expect(task(saved)).toMatchObject({ Status: "Completed", Priority: "Normal" });
    expect(wrote).toEqual({ Subject: "Inbound call" });
  });

  test("asks for the org's own closed status when it has no Completed", async () => {
    crm.org.people.setPicklist("Task", "Status", [
      { value: "Offen", isDefault: true },
      { value: "Erledigt", closed: true },
    ]);
    const records = [{ attributes: { type: "TaskStatus" }, ApiName: "Erledigt" }];
    const body = { totalSize: 1, done: true, records };
    crm.org.faults.add({ type: "status", status: 200, body, match: "query", times: 1 });
    const { saved } = await save(crm.connector, call("1", { Subject: "a", Status: "Completed" }));
    expect(task(saved)?.["Status"]).toBe("Erledigt");
  });

  test("uses the org's default status when nobody tells which are closed", async () => {
    crm.org.people.setPicklist("Task", "Status", [{ value: "Neu" }, { value: "Offen", isDefault: true }]);
    expect(task((await save(crm.connector, call("1"))).saved)?.["Status"]).toBe("Offen");
  });

  test("takes a picklist value in whatever case", async () => {
    const fields = { Subject: "a", Status: "completed", Priority: "HIGH", CallType: "inbound" };
    const { saved } = await save(crm.connector, call("1", fields));
    expect(task(saved)).toMatchObject({ Status: "Completed", Priority: "High", CallType: "Inbound" });
    const again = await save(crm.connector, { ...call("1", fields), activityId: saved, ours: {} });
    expect(again).toMatchObject({ wrote: {}, kept: [] });
  });

  test("leaves a value out that the picklist does not have, says so once, and can write another later", async () => {
    const first = await save(crm.connector, call("1", { Subject: "a", CallType: "Callback" }));
    await save(crm.connector, call("2", { Subject: "a", CallType: "Callback" }));
    expect(first.wrote).toEqual({ Subject: "a" });
    expect(crm.warnings).toEqual([expect.stringMatching(/without CallType: .*no value "Callback"/)]);
    const again = {
      ...call("1", { CallType: "Inbound" }),
      activityId: first.saved,
      ours: { CallType: ["Callback"] },
    };
    expect(await save(crm.connector, again)).toMatchObject({ wrote: { CallType: "Inbound" }, kept: [] });
  });

  test("reads the picklists again when the org has changed them", async () => {
    let now = Date.now();
    const org = await arrangeOrg({ now: () => now });
    await save(org.connector, call("1", { Subject: "a", CallType: "Inbound" }));
    org.org.people.setPicklist("Task", "CallType", [{ value: "In" }, { value: "Out" }]);
    now += 10 * 60_000;
    await expect(save(org.connector, call("2", { Subject: "a", CallType: "Inbound" }))).rejects.toMatchObject(
      {
        retry: "later",
        afterMs: 0,
      },
    );
    expect(await save(org.connector, call("2", { Subject: "a", CallType: "Inbound" }))).toMatchObject({
      wrote: { Subject: "a" },
    });
    await org.tearDown();
  });

  test("cuts a text that is too long, and takes it for ours afterwards", async () => {
    const long = `${"x".repeat(253)}🙂🙂`;
    const first = await save(crm.connector, call("1", { Subject: long, Description: "y".repeat(40_000) }));
    const seen = task(first.saved);
    expect(seen?.["Subject"]).toBe(`${"x".repeat(253)}…`);
    expect(String(seen?.["Description"])).toMatch(/^y{31999}…$/);
    expect(first.wrote["Subject"]).toBe(long);
    const next = {
      ...call("1", { Subject: long, Description: "z" }),
      activityId: first.saved,
      ours: oursOf(first),
    };
    expect(await save(crm.connector, next)).toMatchObject({ wrote: { Description: "z" }, kept: [] });
  });

  test("finds its own values in the writing of Salesforce", async () => {
    crm.org.people.addField("Task", "Answered__c", "datetime");
    crm.org.people.addField("Task", "Cost__c", "double");
    crm.org.people.addField("Task", "Won__c", "boolean");
    const fields = {
      Subject: " Call \r\n",
      Description: "one\r\ntwo\n",
      Answered__c: "2026-11-20T09:00:00.123+01:00",
      Cost__c: "1.50",
      Won__c: "TRUE",
      CallDurationInSeconds: 61.4,
      ActivityDate: "2026-11-20T09:00:00Z",
    };
    const { saved } = await save(crm.connector, call("1", fields));
    expect(task(saved)).toMatchObject({
      Won__c: true,
      Cost__c: 1.5,
      CallDurationInSeconds: 61,
      ActivityDate: "2026-11-20",
    });
    crm.asked();
    const again = await save(crm.connector, { ...call("1", fields), activityId: saved });
    expect(again).toMatchObject({ saved, created: false, wrote: {}, kept: [] });
    expect(crm.asked()).toEqual(["query"]);
  });

  test.each([
    [{ CallDurationInSeconds: "a minute" }, "CallDurationInSeconds takes a number"],
    [{ ActivityDate: "yesterday" }, "ActivityDate takes a date"],
    [{ IsReminderSet: "perhaps" }, "IsReminderSet takes true or false"],
    [{ ReminderDateTime: "noon" }, "ReminderDateTime takes a date with time"],
    [{ IsClosed: true }, "IsClosed: Salesforce does not let us write it"],
    [{ Nonsense__c: "x" }, "Nonsense__c: Salesforce's Task has no such field"],
  ])("leaves %o out, says so, and does not ask", async (wrong, words) => {
    crm.asked();
    const [bad, good] = await crm.connector.saveCalls([call("1", { Subject: "a", ...wrong }), call("2")]);
    expect(good).toMatchObject({ created: true });
    expect(bad).toMatchObject({
      created: true,
      wrote: { Subject: "a" },
      without: [expect.stringContaining(words)],
    });
    expect(crm.asked().filter((kind) => kind === "upsert")).toHaveLength(1);
  });

  test("fails the one row that Salesforce cannot even read, and saves its neighbours", async () => {
    await crm.connector.prepare?.();
    const body = [{ errorCode: "JSON_PARSER_ERROR", message: "Cannot deserialize instance of int" }];
    crm.org.faults.add({ type: "status", status: 400, body, match: "upsert", times: 3 });
    crm.asked();
    const results = await crm.connector.saveCalls([call("1"), call("2"), call("3")]);
    expect(results).toMatchObject([{ failed: { retry: "never" } }, { created: true }, { created: true }]);
    expect(crm.asked()).toHaveLength(5);
  });

  test("creates with the subtype of a call and does not send it again", async () => {
    const first = await save(crm.connector, call("1", { Subject: "a", TaskSubtype: "Call" }));
    expect(task(first.saved)?.["TaskSubtype"]).toBe("Call");
    const next = call("1", { Subject: "b", TaskSubtype: "Task" });
    const again = await save(crm.connector, { ...next, activityId: first.saved, ours: oursOf(first) });
    expect(again.wrote).toEqual({ Subject: "b" });
    expect(task(first.saved)?.["TaskSubtype"]).toBe("Call");
  });
});
