import { afterEach, describe, expect, test } from "vitest";
import type { CallRecord } from "../../src/core/crm.ts";
import { type ArrangedOrg, arrangeOrg, call, oursOf, save } from "./salesforce-org.ts";

const number = "+31612345678";
const unknown = { number, fields: { LastName: "Unknown caller", Company: "Unknown" } };

describe.each([
  ["with our package", true],
  ["without our package", false],
])("what Salesforce has although its answer was lost, %s", (_, withPackage) => {
  let crm: ArrangedOrg;
  const writes = withPackage ? "upsert" : "create";
  const arrange = async () => {
    crm = await arrangeOrg({ org: { withPackage } });
    await crm.connector.prepare?.();
    return crm.org;
  };
  /** What a flow sends after a restart: it knows that it has sent the call, but not what came of it. */
  const afterRestart = (record: CallRecord) => save(crm.again(), { ...record, sentAt: Date.now() });
  afterEach(() => crm.tearDown());

  test("is found again, and a person's edit of it is kept", async () => {
    const org = await arrange();
    org.faults.add({ type: "drop", match: writes, times: 1 });
    await expect(save(crm.connector, call("1"))).rejects.toMatchObject({ retry: "later" });
    const [task] = org.people.tasks();
    org.people.edit("Task", task?.Id ?? "", { Subject: "a person's" });
    const again = { ...call("1"), ours: { Subject: ["Inbound call"] } };
    expect(await afterRestart(again)).toMatchObject({ saved: task?.Id, created: false, kept: ["Subject"] });
    expect(org.people.tasks()).toMatchObject([{ Subject: "a person's" }]);
  });

  test("is made when it was not there after all", async () => {
    const org = await arrange();
    org.faults.add({ type: "reset", match: writes, times: 1 });
    await expect(save(crm.connector, call("1"))).rejects.toMatchObject({ retry: "later" });
    expect(await afterRestart(call("1"))).toMatchObject({ created: true });
    expect(org.people.tasks()).toHaveLength(1);
  });

  test("stays deleted when a person deleted it meanwhile", async () => {
    const org = await arrange();
    const { saved } = await save(crm.connector, call("1"));
    org.people.remove("Task", saved);
    const results = await crm.again().saveCalls([{ ...call("1"), sentAt: Date.now() }]);
    expect(results).toEqual([{ key: "acme:voys:1", gone: true }]);
  });

  test("can be taken back by its key", async () => {
    const org = await arrange();
    await save(crm.connector, call("1"));
    await save(crm.connector, call("2"));
    const leg = { key: "acme:voys:1", sentAt: Date.now() };
    await crm.again().removeCalls?.([leg, { key: "acme:voys:3", sentAt: Date.now() }]);
    await crm.connector.removeCalls?.([leg]);
    expect(org.people.tasks()).toHaveLength(1);
  });

  test("is one contact for an unknown caller, whichever answer was lost", async () => {
    const org = await arrange();
    const record = { ...call("1"), createContact: unknown };
    org.faults.add({ type: "drop", match: "create", times: 1 });
    await expect(save(crm.connector, record)).rejects.toMatchObject({ retry: "later" });
    org.faults.add({ type: "drop", match: writes, times: 1 });
    await expect(save(crm.again(), record)).rejects.toMatchObject({ retry: "later" });
    const saved = await afterRestart(record);
    expect(saved).toMatchObject({ created: false, contact: { kind: "lead" } });
    expect((await crm.connector.findContacts([number])).get(number)).toMatchObject([saved.contact]);
  });

  test("is one follow-up, which is never made again", async () => {
    const org = await arrange();
    const task = { fields: { Subject: "Call back", Status: "Not Started" } };
    org.faults.add({ type: "drop", match: writes, times: 1 });
    await expect(save(crm.connector, { ...call("1"), task })).rejects.toMatchObject({ retry: "later" });
    const saved = await afterRestart({ ...call("1"), task });
    const followUp = org.people.tasks().find(({ Subject }) => Subject === "Call back");
    expect(saved.wrote["taskId"]).toBe(followUp?.Id);
    org.people.remove("Task", followUp?.Id ?? "");
    const known = { ...call("1"), task, activityId: saved.saved };
    expect((await save(crm.connector, known)).wrote["taskId"]).toBe(followUp?.Id);
    crm.asked();
    await save(crm.connector, { ...known, ours: oursOf(saved) });
    expect(crm.asked()).toEqual(["query"]);
    expect(org.people.tasks()).toHaveLength(1);
  });
});

describe("unknown callers in Salesforce", () => {
  let crm: ArrangedOrg;
  afterEach(() => crm.tearDown());

  test("become leads when the mapping names a company, otherwise contacts", async () => {
    crm = await arrangeOrg();
    const lead = await save(crm.connector, { ...call("1"), createContact: unknown });
    const caller = { number: "+31687654321", fields: { LastName: "Caller" } };
    const contact = await save(crm.connector, { ...call("2"), createContact: caller });
    expect([lead.contact?.kind, contact.contact?.kind]).toEqual(["lead", "contact"]);
    expect(crm.org.people.get("Contact", contact.contact?.id ?? "")).toMatchObject({ Phone: "+31687654321" });
    expect(contact.wrote).toMatchObject({ contactId: contact.contact?.id });
  });

  test("are not made when somebody has the number, also while the search index lags", async () => {
    crm = await arrangeOrg({ org: { searchLagMs: 3_600_000 } });
    const id = crm.org.people.addContact({ MobilePhone: "06 12345678" });
    const saved = await save(crm.connector, { ...call("1"), createContact: unknown });
    expect(saved.contact).toEqual({ id, kind: "contact" });
  });

  test("are not made again for a call whose contact a person took away", async () => {
    crm = await arrangeOrg();
    const record = { ...call("1"), createContact: unknown };
    const first = await save(crm.connector, record);
    crm.org.people.edit("Task", first.saved, { WhoId: null });
    crm.org.people.remove("Lead", first.contact?.id ?? "");
    await save(crm.connector, { ...record, activityId: first.saved, ours: oursOf(first) });
    expect((await crm.connector.findContacts([number])).size).toBe(0);
  });

  test("are made although the org's duplicate rule takes them for somebody else", async () => {
    crm = await arrangeOrg();
    // The rule compares digits; for us these are two numbers.
    const other = crm.org.people.addLead({ LastName: "Unknown caller", Phone: "31612345678 ext" });
    const saved = await save(crm.connector, { ...call("1"), createContact: unknown });
    expect(saved.contact).toMatchObject({ kind: "lead" });
    expect(saved.contact?.id).not.toBe(other);
  });

  test("are made without the mapping's fields that are wrong", async () => {
    crm = await arrangeOrg();
    const wrong = { ...call("1"), createContact: { number, fields: { LastName: "a", Nonsense__c: "x" } } };
    expect(await crm.connector.saveCalls([wrong, call("2")])).toMatchObject([
      { created: true, contact: { kind: "contact" }, without: [expect.stringContaining("Nonsense__c")] },
      { created: true },
    ]);
  });
});
