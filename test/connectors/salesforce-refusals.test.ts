import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type ArrangedOrg, arrangeOrg, call, oursOf, save } from "./salesforce-org.ts";

const number = "+31612345678";
const unknown = { number, fields: { LastName: "Unknown caller", Company: "Unknown" } };

let crm: ArrangedOrg;
beforeEach(async () => {
  crm = await arrangeOrg();
});
afterEach(() => crm.tearDown());

const taskOf = (id: string) => crm.org.people.get("Task", id);

describe("an owner who cannot own a Task", () => {
  test.each(["a queue of leads", "a user who left"])("%s gives way to the default owner", async (who) => {
    const { people } = crm.org;
    const ownerId =
      who === "a queue of leads" ? people.addQueue("Inbound") : people.addUser({ IsActive: false });
    const fallbackOwnerId = people.addUser({});
    const lead = people.addLead({ Phone: number, OwnerId: ownerId });
    const task = { fields: { Subject: "Call back", Status: "Not Started" } };
    const records = [
      { ...call("1"), contact: { id: lead, kind: "lead" as const }, ownerId, fallbackOwnerId, task },
      { ...call("2"), ownerId: fallbackOwnerId },
    ];
    const [first, second] = await crm.connector.saveCalls(records);
    expect(first).toMatchObject({
      created: true,
      contact: { id: lead },
      wrote: { ownerId: fallbackOwnerId },
      without: [expect.stringMatching(new RegExp(`^the owner ${ownerId}, so the default owner has it: `))],
    });
    expect(second).not.toHaveProperty("without");
    const tasks = people.tasks().filter(({ WhoId }) => WhoId === lead);
    expect(tasks.map(({ OwnerId }) => OwnerId)).toEqual([fallbackOwnerId, fallbackOwnerId]);
  });

  test("leaves the choice to Salesforce when there is no default", async () => {
    const { saved, wrote, without } = await save(crm.connector, {
      ...call("1"),
      ownerId: crm.org.people.addQueue("Inbound"),
    });
    expect(without).toEqual([expect.stringMatching(/so Salesforce chooses one/)]);
    expect(wrote).not.toHaveProperty("ownerId");
    expect(taskOf(saved)?.["OwnerId"]).toMatch(/^005/);
  });

  test("is no queue that Tasks may belong to", async () => {
    const ownerId = crm.org.people.addQueue("Call centre", true);
    const { saved, without } = await save(crm.connector, { ...call("1"), ownerId });
    expect([taskOf(saved)?.["OwnerId"], without]).toEqual([ownerId, undefined]);
  });
});

describe("a field that the org refuses", () => {
  const fields = { Subject: "Inbound call", CallDisposition: "Busy", Description: "Talked" };

  test("is left out alone, and written when the org takes it", async () => {
    const over = crm.org.people.addRule({
      object: "Task",
      refuses: ({ CallDisposition }) => CallDisposition === "Busy",
      message: "Busy is no result here",
      fields: ["CallDisposition"],
    });
    const first = await save(crm.connector, call("1", fields));
    expect(first.without).toEqual([expect.stringMatching(/^CallDisposition: .*Busy is no result here/)]);
    expect(taskOf(first.saved)).toMatchObject({ Description: "Talked" });
    over();
    const again = { ...call("1", fields), activityId: first.saved, ours: oursOf(first) };
    expect((await save(crm.connector, again)).wrote).toEqual({ CallDisposition: "Busy" });
  });

  test("that no fault names leaves what says what the call was", async () => {
    crm.org.people.addRule({
      object: "Task",
      refuses: ({ Description }) => Description === "Talked",
      message: "Say more",
    });
    const { saved, without } = await save(crm.connector, call("1", fields));
    expect(without).toEqual([expect.stringMatching(/^Description: .*Say more/)]);
    expect(taskOf(saved)).toMatchObject({ Subject: "Inbound call", CallDisposition: "Busy" });
  });

  test("such as a record type of other users is left out", async () => {
    crm.org.people.addField("Task", "RecordTypeId", "string");
    crm.org.people.addRule({
      object: "Task",
      refuses: ({ RecordTypeId }) => typeof RecordTypeId === "string",
      code: "INVALID_CROSS_REFERENCE_KEY",
      message: "Record Type ID: this ID value isn't valid for the user: 012000000000001AAA",
      fields: ["RecordTypeId"],
    });
    const result = await save(crm.connector, call("1", { ...fields, RecordTypeId: "012000000000001AAA" }));
    expect(result.without).toEqual([expect.stringMatching(/^RecordTypeId: /)]);
  });

  test("in a change leaves the call as it is when nothing of it may be changed", async () => {
    const first = await save(crm.connector, call("1", fields));
    crm.org.people.addRule({
      object: "Task",
      on: "update",
      refuses: () => true,
      message: "Closed is closed",
    });
    const changed = {
      ...call("1", { ...fields, Subject: "b", Description: "More" }),
      activityId: first.saved,
    };
    const second = await save(crm.connector, { ...changed, ours: oursOf(first) });
    expect(second).toMatchObject({ saved: first.saved, created: false, wrote: {} });
    expect(second.without?.join()).toMatch(/Description.*Closed is closed.*Subject/);
  });

  test("one after another, with the owners too, leaves at last what a Task cannot be without", async () => {
    const refused = [
      "Description",
      "CallDisposition",
      "CallType",
      "CallDurationInSeconds",
      "ReminderDateTime",
      "WhatId",
    ];
    for (const [i, name] of refused.entries())
      crm.org.people.addRule({
        object: "Task",
        refuses: (row) => Boolean(row[name]) && !refused.slice(0, i).some((one) => row[one]),
        message: "No",
        fields: [name],
      });
    const more = {
      CallType: "Inbound",
      CallDurationInSeconds: "5",
      ReminderDateTime: "2026-11-20T10:00:00Z",
    };
    const { saved } = await save(crm.connector, {
      ...call("1", { ...fields, ...more }),
      contact: { id: crm.org.people.addAccount({ Phone: number }), kind: "company" },
      ownerId: crm.org.people.addQueue("Inbound"),
      fallbackOwnerId: crm.org.people.addUser({ IsActive: false }),
    });
    expect(taskOf(saved)).toMatchObject({ Subject: "Inbound call" });
  });

  test("of one call in two hundred costs one more request, and its neighbours nothing", async () => {
    await crm.connector.prepare?.();
    crm.org.people.addRule({
      object: "Task",
      refuses: ({ Subject }) => Subject === "bad",
      message: "No",
      fields: ["Subject"],
    });
    crm.asked();
    const records = Array.from({ length: 200 }, (_, i) =>
      call(String(i), { Subject: i === 7 ? "bad" : "good" }),
    );
    const results = await crm.connector.saveCalls(records);
    expect(results.flatMap((one, i) => ("saved" in one && one.without ? [i] : []))).toEqual([7]);
    expect(crm.asked()).toEqual(["upsert", "upsert"]);
  });
});

test("a contact that the org does not let us link leaves its call without it, until it does", async () => {
  const id = crm.org.people.addContact({ Phone: number });
  const over = crm.org.people.addRule({
    object: "Task",
    refuses: ({ WhoId }) => WhoId === id,
    code: "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
    message: "insufficient access rights on cross-reference id",
  });
  const record = { ...call("1"), contact: { id, kind: "contact" as const } };
  const first = await save(crm.connector, record);
  expect(first.without).toEqual([expect.stringMatching(/^WhoId: INSUFFICIENT_ACCESS/)]);
  expect(first.wrote).not.toHaveProperty("contactId");
  over();
  const again = await save(crm.connector, { ...record, activityId: first.saved, ours: oursOf(first) });
  expect(again).toMatchObject({ contact: { id }, wrote: { contactId: id } });
});

describe("an unknown caller whom the org does not take", () => {
  const record = { ...call("1"), createContact: unknown };
  const other = (more = {}) => crm.org.people.addLead({ LastName: "Unknown caller", ...more });

  test("leaves the call without a lead, and becomes one when the org lets us", async () => {
    crm.org.people.addField("Lead", "Region__c", "string", { nillable: false });
    const [first, neighbour] = await crm.connector.saveCalls([record, call("2")]);
    expect(first).toMatchObject({
      created: true,
      without: [expect.stringMatching(/REQUIRED_FIELD_MISSING.*Region__c/)],
    });
    expect(first).not.toHaveProperty("contact");
    expect(neighbour).not.toHaveProperty("without");
    const activityId = first && "saved" in first ? first.saved : "";
    const fields = { ...unknown.fields, Region__c: "North" };
    const again = await save(crm.connector, { ...record, createContact: { number, fields }, activityId });
    expect(again).toMatchObject({ created: false, contact: { kind: "lead" } });
  });

  test("is made without a value that only makes it better", async () => {
    const fields = { ...unknown.fields, Email: "nonsense" };
    const result = await save(crm.connector, { ...record, createContact: { number, fields } });
    expect(result).toMatchObject({
      contact: { kind: "lead" },
      without: [expect.stringMatching(/Lead's Email/)],
    });
  });

  // The emulated rule compares names, and the digits of the Phone and MobilePhone of both.
  test.each([
    ["is the record that a blocking rule names, when that has no number", "reception 12", false, true],
    [
      "is not who a rule names for a name that is ours, and who has another number",
      "0201111111",
      false,
      false,
    ],
    ["is who a rule names when the provider told the name", "0201111111", true, true],
  ])("%s", async (_name, MobilePhone, named, isThere) => {
    crm.org.settings.duplicateRule = "block";
    const id = other({ Phone: MobilePhone });
    const createContact = {
      number,
      fields: { ...unknown.fields, MobilePhone },
      ...(named && { named: true as const }),
    };
    const result = await save(crm.connector, { ...record, createContact });
    expect(result.contact?.id).toBe(isThere ? id : undefined);
    if (!isThere) expect(result.without).toEqual([expect.stringMatching(/DUPLICATES_DETECTED/)]);
    expect(crm.org.people.tasks()).toHaveLength(1);
  });

  test("does not wait for ever for a value that another record has", async () => {
    crm.org.people.addField("Lead", "Ref__c", "string", { unique: true });
    crm.org.people.addRule({
      object: "Lead",
      refuses: ({ Ref__c }) => Ref__c === "x",
      code: "DUPLICATE_VALUE",
      message: "duplicate value found: Ref__c duplicates value on record with id: 00QSw0000000001AAA",
    });
    const createContact = { number, fields: { ...unknown.fields, Ref__c: "x" } };
    const result = await save(crm.connector, { ...record, createContact });
    expect(result.without).toEqual([expect.stringMatching(/DUPLICATE_VALUE/)]);
  });
});
