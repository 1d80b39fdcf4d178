import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CallRecord } from "../../src/core/crm.ts";
import { type ArrangedOrg, arrangeOrg, call, oursOf, type SavedCall, save } from "./salesforce-org.ts";

describe("whom a call in Salesforce belongs to", () => {
  let crm: ArrangedOrg;
  const task = (id: string) => crm.org.people.get("Task", id);
  const next = (record: CallRecord, first: SavedCall, more: Partial<CallRecord> = {}) =>
    save(crm.connector, { ...record, activityId: first.saved, ours: oursOf(first), ...more });

  beforeEach(async () => {
    crm = await arrangeOrg();
  });
  afterEach(() => crm.tearDown());

  test("links people as who and companies as what", async () => {
    const { people } = crm.org;
    const contact = { id: people.addContact({}), kind: "contact" } as const;
    const lead = { id: people.addLead({}), kind: "lead" } as const;
    const company = { id: people.addAccount({}), kind: "company" } as const;
    for (const [i, one] of [contact, lead, company].entries()) {
      const record = { ...call(String(i), { Subject: "a", WhatId: people.addAccount({}) }), contact: one };
      const saved = await save(crm.connector, record);
      expect(saved).toMatchObject({ contact: one, wrote: { contactId: one.id } });
      const seen = task(saved.saved);
      expect(seen?.["WhoId"] ?? null).toBe(one.kind === "company" ? null : one.id);
      if (one.kind === "contact") expect(seen?.["WhatId"]).toBe(record.fields["WhatId"]);
      else expect(seen?.["WhatId"] ?? null).toBe(one.kind === "company" ? one.id : null);
    }
  });

  test("keeps the contact and the owner that a person chose", async () => {
    const { people } = crm.org;
    const [ours, theirs] = [people.addUser({}), people.addUser({})];
    const contact = { id: people.addContact({}), kind: "contact" } as const;
    const other = { id: people.addContact({}), kind: "contact" } as const;
    const record = { ...call("1"), contact, ownerId: ours };
    const first = await save(crm.connector, record);
    people.edit("Task", first.saved, { WhoId: other.id, OwnerId: theirs });
    const again = await next({ ...record, fields: { Subject: "b" } }, first);
    expect(again).toMatchObject({ wrote: { Subject: "b" }, contact: other });
    expect([...again.kept].sort()).toEqual(["contactId", "ownerId"]);
    expect(task(first.saved)).toMatchObject({ Subject: "b", WhoId: other.id, OwnerId: theirs });
  });

  test("does not link a contact again that a person took away", async () => {
    const contact = { id: crm.org.people.addContact({}), kind: "contact" } as const;
    const record = { ...call("1"), contact };
    const first = await save(crm.connector, record);
    crm.org.people.edit("Task", first.saved, { WhoId: null });
    const again = await next({ ...record, linked: true }, first);
    expect(again).toMatchObject({ wrote: {}, kept: [] });
    expect(task(first.saved)?.["WhoId"]).toBeNull();
  });

  test("gives a call its contact and its owner when they become known later", async () => {
    const { people } = crm.org;
    const first = await save(crm.connector, call("1"));
    const contact = { id: people.addContact({}), kind: "contact" } as const;
    const ownerId = people.addUser({});
    const again = await next({ ...call("1"), contact, ownerId }, first);
    expect(again).toMatchObject({ wrote: { contactId: contact.id, ownerId }, kept: [], contact });
    expect(task(first.saved)).toMatchObject({ WhoId: contact.id, OwnerId: ownerId });
  });

  test("leaves out an owner who is inactive or gone, and says so once", async () => {
    const { people } = crm.org;
    const idle = people.addUser({ IsActive: false });
    const contact = { id: people.addContact({}), kind: "contact" } as const;
    const records = [1, 2].map((n) => ({ ...call(String(n)), ownerId: idle, contact }));
    const results = await crm.connector.saveCalls(records);
    for (const result of results) {
      expect(result).toMatchObject({ created: true, contact, wrote: { contactId: contact.id } });
      expect(result).not.toMatchObject({ wrote: { ownerId: idle } });
    }
    expect(crm.warnings).toEqual([expect.stringContaining(idle)]);
    expect(await save(crm.connector, { ...call("3"), ownerId: people.addContact({}) })).toMatchObject({
      created: true,
    });
  });

  test("never takes a field of the mapping for the key of a call", async () => {
    const record = call("1", { Subject: "a", Call_Key__c: "another" });
    const first = await save(crm.connector, record);
    const again = await next({ ...record, fields: { ...record.fields, Subject: "b" } }, first);
    expect(again).toMatchObject({ wrote: { Subject: "b" }, kept: [] });
    expect(task(first.saved)).toMatchObject({ Subject: "b", Call_Key__c: "acme:voys:1" });
  });

  test("asks for another match when the contact is gone", async () => {
    const { people } = crm.org;
    const gone = { id: people.addContact({}), kind: "contact" } as const;
    people.remove("Contact", gone.id);
    const results = await crm.connector.saveCalls([
      {
        ...call("1"),
        contact: gone,
        ownerId: people.addUser({}),
        task: { fields: { Subject: "Call back" } },
      },
      call("2"),
    ]);
    expect(results).toMatchObject([
      { failed: { retry: "later", afterMs: 0 }, contactGone: gone },
      { created: true },
    ]);
    expect(people.tasks()).toHaveLength(1);
  });

  test("follows a lead that was converted", async () => {
    const { people } = crm.org;
    const lead = { id: people.addLead({}), kind: "lead" } as const;
    const contact = { id: people.convertLead(lead.id), kind: "contact" };
    const record = { ...call("1"), contact: lead, task: { fields: { Subject: "Call back" } } };
    const saved = await save(crm.connector, record);
    expect(saved).toMatchObject({ created: true, contact, wrote: { contactId: contact.id } });
    expect(people.tasks().map((one) => one["WhoId"])).toEqual([contact.id, contact.id]);
  });

  test("stays with the contact that a lead became after the call was logged", async () => {
    const lead = { id: crm.org.people.addLead({}), kind: "lead" } as const;
    const record = { ...call("1"), contact: lead };
    const first = await save(crm.connector, record);
    const contact = { id: crm.org.people.convertLead(lead.id), kind: "contact" };
    const again = await next({ ...record, fields: { Subject: "b" }, linked: true }, first);
    expect(again).toMatchObject({ wrote: { Subject: "b" }, kept: [], contact });
  });

  test("does not link a lead to a call that a person put on a case", async () => {
    const first = await save(crm.connector, call("1"));
    const account = crm.org.people.addAccount({});
    crm.org.people.edit("Task", first.saved, { WhatId: account });
    const lead = { id: crm.org.people.addLead({}), kind: "lead" } as const;
    const again = await next({ ...call("1", { Subject: "b" }), contact: lead }, first);
    expect(again).toMatchObject({ wrote: { Subject: "b" }, kept: ["contactId"] });
    expect(task(first.saved)).toMatchObject({ Subject: "b", WhatId: account });
  });
});
