import { expect, test } from "vitest";
import { codeOf, codes, startOrg } from "./salesforce-requests.ts";

let keys = 0;
const call = (fields: Record<string, unknown> = {}) => ({ Call_Key__c: `key-${++keys}`, ...fields });

test("works out what a person would see", async () => {
  const { salesforce, upsert, rows } = await startOrg();
  const account = salesforce.people.addAccount({ Name: "Acme" });
  const contact = salesforce.people.addContact({ LastName: "Vos", AccountId: account });
  await upsert([call({ WhoId: contact, Status: "Completed", Priority: "High", ActivityDate: "2026-05-01" })]);
  const [task] = await rows(
    "SELECT AccountId, IsClosed, IsHighPriority, TaskSubtype, OwnerId, Who.Name, Who.Type FROM Task",
  );
  expect(task).toMatchObject({
    AccountId: account,
    IsClosed: true,
    IsHighPriority: true,
    TaskSubtype: "Task",
    Who: { attributes: { type: "Name" }, Name: "Vos", Type: "Contact" },
  });
  expect(await rows("SELECT LastActivityDate FROM Contact")).toMatchObject([
    { LastActivityDate: "2026-05-01" },
  ]);
});

test("fills in the org's defaults", async () => {
  const { salesforce, upsert, rows } = await startOrg();
  salesforce.people.setPicklist("Task", "Status", [
    { value: "Open", isDefault: true },
    { value: "Done", closed: true },
  ]);
  const results = await upsert([call(), call({ Status: "Done" }), call({ Status: "Completed" })]);
  expect(codes(results)).toEqual(["ok", "ok", "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"]);
  expect(await rows("SELECT Status, Priority, IsClosed FROM Task ORDER BY Status DESC")).toMatchObject([
    { Status: "Open", Priority: "Normal", IsClosed: false },
    { Status: "Done", Priority: "Normal", IsClosed: true },
  ]);
});

test("keeps texts without the space around them, empty ones not at all, times in whole seconds", async () => {
  const { upsert, rows } = await startOrg();
  const time = "2026-05-01T12:00:00.9+02:00";
  await upsert([call({ Subject: "  Call ", Description: " \n", ReminderDateTime: time })]);
  expect(await rows("SELECT Subject, Description, ReminderDateTime FROM Task")).toMatchObject([
    { Subject: "Call", Description: null, ReminderDateTime: "2026-05-01T10:00:00.000+0000" },
  ]);
});

test.each<[string, Record<string, unknown>, string]>([
  ["a status that the org does not have", { Status: "Lost" }, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"],
  ["no status at all", { Status: null }, "REQUIRED_FIELD_MISSING"],
  ["a direction that is none", { CallType: "Sideways" }, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"],
  ["too long a subject", { Subject: "x".repeat(256) }, "STRING_TOO_LONG"],
  ["too long a text", { Description: "x".repeat(32_001) }, "STRING_TOO_LONG"],
  ["a day with a time", { ActivityDate: "2026-05-01T10:00:00Z" }, "JSON_PARSER_ERROR"],
  ["a day that does not exist", { ActivityDate: "2026-02-30" }, "JSON_PARSER_ERROR"],
  ["a duration as text", { CallDurationInSeconds: "60" }, "JSON_PARSER_ERROR"],
  ["part of a second", { CallDurationInSeconds: 1.5 }, "JSON_PARSER_ERROR"],
  ["a duration of years", { CallDurationInSeconds: 100_000_000 }, "NUMBER_OUTSIDE_VALID_RANGE"],
  ["a number as subject", { Subject: 5 }, "JSON_PARSER_ERROR"],
  ["a time without a zone", { ReminderDateTime: "2026-05-01T10:00:00" }, "JSON_PARSER_ERROR"],
  ["a field that nobody has", { Nonsense__c: "x" }, "INVALID_FIELD"],
  ["a field that is worked out", { IsClosed: true }, "INVALID_FIELD_FOR_INSERT_UPDATE"],
  ["an id in a new record", { Id: "00T000000000001EAA" }, "INVALID_FIELD"],
  ["an account as the person", { WhoId: "001Sw000000000GIAQ" }, "MALFORMED_ID"],
  ["an id that is none", { WhoId: "abc" }, "MALFORMED_ID"],
  ["a person who never was", { WhoId: "003000000000001AAA" }, "INVALID_CROSS_REFERENCE_KEY"],
])("refuses %s", async (_what, fields, code) => {
  const { upsert, salesforce } = await startOrg();
  expect(codes(await upsert([call(fields), call()]))).toEqual([code, "ok"]);
  expect(salesforce.people.tasks()).toHaveLength(1);
});

test("refuses owners who are gone", async () => {
  const { salesforce, upsert } = await startOrg();
  const left = salesforce.people.addUser({ LastName: "Left", IsActive: false });
  const results = await upsert([call({ OwnerId: left }), call({ OwnerId: "005000000000001AAA" })]);
  expect(codes(results)).toEqual(["INACTIVE_OWNER_OR_USER", "INVALID_CROSS_REFERENCE_KEY"]);
});

test("refuses people who were deleted or converted, and a second record next to a lead", async () => {
  const { salesforce, upsert, update } = await startOrg();
  const { people } = salesforce;
  const account = people.addAccount({ Name: "Acme" });
  const lead = people.addLead({ LastName: "Bos" });
  const gone = people.addContact({ LastName: "Vos" });
  people.remove("Contact", gone);
  const [first, ...others] = await upsert([
    call({ WhoId: lead }),
    call({ WhoId: gone }),
    call({ WhoId: lead, WhatId: account }),
  ]);
  expect(first?.success).toBe(true);
  expect(codes(others)).toEqual(["ENTITY_IS_DELETED", "FIELD_INTEGRITY_EXCEPTION"]);
  const contact = people.convertLead(lead);
  expect(people.tasks()).toMatchObject([{ WhoId: contact }]);
  expect(codes(await upsert([call({ WhoId: lead })]))).toEqual(["CANNOT_UPDATE_CONVERTED_LEAD"]);
  expect(codes(await update("Task", [{ id: first?.id, Subject: "Still there" }]))).toEqual(["ok"]);
});

test("a Task keeps the subtype that it was made with", async () => {
  const { upsert } = await startOrg();
  const record = call({ TaskSubtype: "Call" });
  expect(codes(await upsert([record]))).toEqual(["ok"]);
  expect(codes(await upsert([record]))).toEqual(["INVALID_FIELD_FOR_INSERT_UPDATE"]);
  expect(codes(await upsert([{ Call_Key__c: record.Call_Key__c, Subject: "New" }]))).toEqual(["ok"]);
});

test("the tasks of a deleted person are deleted with them; a merged one's move on", async () => {
  const { salesforce, upsert, update } = await startOrg();
  const { people } = salesforce;
  const [one, two, three] = ["One", "Two", "Three"].map((LastName) => people.addContact({ LastName }));
  const [first] = await upsert([call({ WhoId: one }), call({ WhoId: two })]);
  people.remove("Contact", one ?? "");
  people.merge(three ?? "", two ?? "");
  expect(people.tasks()).toMatchObject([{ WhoId: three }]);
  expect(people.get("Contact", two ?? "")).toMatchObject({ IsDeleted: true, MasterRecordId: three });
  expect(codes(await update("Task", [{ id: first?.id, Subject: "x" }]))).toEqual(["ENTITY_IS_DELETED"]);
});

test("without the package, or for a user who may not see it, the key field does not exist", async () => {
  const { ask, query, create, salesforce } = await startOrg({ withPackage: false });
  const path = "/composite/sobjects/Task/Call_Key__c";
  expect(codeOf(await ask("PATCH", path, { records: [] }))).toBe("404 NOT_FOUND");
  expect(codeOf(await query("SELECT Call_Key__c FROM Task"))).toBe("400 INVALID_FIELD");
  expect(codes(await create("Task", [call()]))).toEqual(["INVALID_FIELD"]);
  salesforce.settings.withPackage = true;
  expect(codes(await create("Task", [call()]))).toEqual(["ok"]);
});

test("a package's namespace is in front of its field", async () => {
  const { ask, salesforce } = await startOrg({ namespace: "acme" });
  const records = [{ attributes: { type: "Task" }, acme__Call_Key__c: "k" }];
  const { status } = await ask("PATCH", "/composite/sobjects/Task/acme__Call_Key__c", { records });
  expect(status).toBe(200);
  expect(salesforce.people.tasks()).toMatchObject([{ acme__Call_Key__c: "k" }]);
});

test("warns of people who seem to be there already, unless told to save", async () => {
  const { salesforce, ask, create } = await startOrg();
  salesforce.people.addContact({ LastName: "Vos", MobilePhone: "06-12345678" });
  const twin = { LastName: "vos", Company: "Acme", Phone: "06 12345678" };
  expect(codes(await create("Lead", [twin, { ...twin, Phone: "06 87654321" }]))).toEqual([
    "DUPLICATES_DETECTED",
    "ok",
  ]);
  const alone = await ask("POST", "/sobjects/Lead", twin);
  expect(codeOf(alone)).toBe("400 DUPLICATES_DETECTED");
  expect(alone.body).toMatchObject([{ duplicateResult: { allowSave: true } }]);
  const told = await ask("POST", "/sobjects/Lead", twin, {
    "Sforce-Duplicate-Rule-Header": "allowSave=true",
  });
  expect(told.status).toBe(201);
  expect(codes(await create("Lead", [{ LastName: "Bos" }]))).toEqual(["REQUIRED_FIELD_MISSING"]);
});
