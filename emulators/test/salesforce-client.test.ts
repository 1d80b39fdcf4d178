import { Connection } from "jsforce";
import { afterEach, expect, test } from "vitest";
import { type SalesforceEmulator, type SalesforceOptions, startSalesforce } from "../salesforce/index.ts";

let salesforce: SalesforceEmulator;

afterEach(() => salesforce.stop());

async function connect(options: SalesforceOptions = {}): Promise<Connection> {
  salesforce = await startSalesforce({ accessToken: "token", ...options });
  return new Connection({ instanceUrl: salesforce.url, accessToken: "token", version: "66.0" });
}

function call(key: string, fields: Record<string, unknown> = {}) {
  return { Call_Key__c: key, Subject: `Call ${key}`, Status: "Completed", ...fields };
}

test("upserts Tasks in order, and tells which were new", async () => {
  const connection = await connect();
  const tasks = connection.sobject("Task");
  const first = await tasks.upsert([call("a"), call("b")], "Call_Key__c", { allOrNone: false });
  const second = await tasks.upsert([call("c"), call("a", { Subject: "Changed" })], "Call_Key__c");
  expect(first.map(({ success }) => success)).toEqual([true, true]);
  expect(second.map((result) => "created" in result && result.created)).toEqual([true, false]);
  expect(second[1]?.id).toBe(first[0]?.id);
  expect(salesforce.people.tasks().map((task) => task["Subject"])).toEqual(["Changed", "Call b", "Call c"]);
});

test("a bad row does not touch its neighbours", async () => {
  const connection = await connect();
  const rows = [call("a"), call("b", { Status: "Lost" }), call("c", { Nonsense__c: "x" }), call("d")];
  const results = await connection.sobject("Task").upsert(rows, "Call_Key__c", { allOrNone: false });
  expect(results.map(({ errors }) => errors.map((error) => error.errorCode ?? codeOf(error)))).toEqual([
    [],
    ["INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST"],
    ["INVALID_FIELD"],
    [],
  ]);
});

function codeOf(error: object): unknown {
  return "statusCode" in error ? error.statusCode : undefined;
}

test("updates by id", async () => {
  const connection = await connect();
  const [created] = await connection.sobject("Task").upsert([call("a")], "Call_Key__c");
  const results = await connection.sobject("Task").update([{ Id: created?.id ?? "", Description: "Talked" }]);
  expect(results).toMatchObject([{ id: created?.id, success: true, errors: [] }]);
  expect(salesforce.people.tasks()[0]).toMatchObject({ Description: "Talked", Subject: "Call a" });
});

test("queries with relationships", async () => {
  const connection = await connect();
  const owner = salesforce.people.addUser({ LastName: "Bos", Email: "bos@example.com" });
  const account = salesforce.people.addAccount({ Name: "Acme" });
  salesforce.people.addContact({
    LastName: "Vos",
    AccountId: account,
    OwnerId: owner,
    Phone: "020 123 4567",
  });
  salesforce.people.addContact({ LastName: "Vos", OwnerId: owner });
  const soql =
    "SELECT Id, Name, Account.Name, Owner.Email FROM Contact WHERE LastName = 'vos' ORDER BY AccountId";
  const { records, totalSize, done } = await connection.query(soql);
  expect({ totalSize, done }).toEqual({ totalSize: 2, done: true });
  expect(records[0]).toMatchObject({ Name: "Vos", Account: null, Owner: { Email: "bos@example.com" } });
  expect(records[1]).toMatchObject({
    attributes: { type: "Contact", url: `/services/data/v66.0/sobjects/Contact/${records[1]?.Id}` },
    Account: { attributes: { type: "Account" }, Name: "Acme" },
  });
});

test("pages through many records", async () => {
  const connection = await connect({ contacts: 4500 });
  const first = await connection.query("SELECT Id FROM Contact ORDER BY SystemModstamp, Id");
  const second = await connection.queryMore(first.nextRecordsUrl ?? "");
  const again = await connection.queryMore(first.nextRecordsUrl ?? "");
  const third = await connection.queryMore(second.nextRecordsUrl ?? "");
  expect(first).toMatchObject({ totalSize: 4500, done: false });
  expect(again.records).toEqual(second.records);
  expect(third.done).toBe(true);
  const ids = [first, second, third].flatMap(({ records }) => records.map(({ Id }) => Id));
  expect(new Set(ids).size).toBe(4500);
  expect(ids).toEqual(ids.toSorted());
});

test("searches for numbers", async () => {
  const connection = await connect();
  const contact = salesforce.people.addContact({ LastName: "Vos", MobilePhone: "06-12 34 56 78" });
  const lead = salesforce.people.addLead({ LastName: "Bos", Phone: "+31 20 123 4567" });
  const { searchRecords } = await connection.search(
    "FIND {0612345678 OR 31201234567} IN PHONE FIELDS RETURNING Contact(Id, Name, MobilePhone), Lead(Id WHERE IsConverted = false) LIMIT 50",
  );
  expect(searchRecords.map(({ Id }) => Id)).toEqual([contact, lead]);
  expect(searchRecords[0]).toMatchObject({ Name: "Vos", MobilePhone: "06-12 34 56 78" });
});

test("describes Task with its key field", async () => {
  const connection = await connect();
  const { fields } = await connection.describe("Task");
  expect(fields.find(({ name }) => name === "Call_Key__c")).toMatchObject({
    externalId: true,
    unique: true,
    updateable: true,
  });
  expect(fields.find(({ name }) => name === "Status")?.picklistValues).toContainEqual({
    value: "Completed",
    label: "Completed",
    active: true,
    defaultValue: false,
    validFor: null,
  });
});

test("tells which records were deleted", async () => {
  const connection = await connect({ now: () => Date.parse("2026-05-01T12:00:30Z") });
  const contact = salesforce.people.addContact({ LastName: "Vos" });
  salesforce.people.remove("Contact", contact);
  const { deletedRecords } = await connection
    .sobject("Contact")
    .deleted("2026-05-01T11:00:00Z", "2026-05-01T12:01:00Z");
  expect(deletedRecords).toEqual([{ id: contact, deletedDate: "2026-05-01T12:00:30.000+0000" }]);
});

test("counts requests against the daily limit", async () => {
  const connection = await connect({ dailyLimit: 3 });
  expect((await connection.limits())["DailyApiRequests"]).toEqual({ Max: 3, Remaining: 2 });
  await connection.query("SELECT Id FROM Task");
  expect(connection.limitInfo.apiUsage).toEqual({ used: 2, limit: 3 });
  await connection.query("SELECT Id FROM Task");
  await expect(connection.query("SELECT Id FROM Task")).rejects.toMatchObject({
    errorCode: "REQUEST_LIMIT_EXCEEDED",
  });
  salesforce.dailyLimit = 10;
  await expect(connection.query("SELECT Id FROM Task")).resolves.toBeDefined();
});

test("asks for a newer version than the retired ones", async () => {
  await connect();
  const old = new Connection({ instanceUrl: salesforce.url, accessToken: "token", version: "30.0" });
  await expect(old.query("SELECT Id FROM Task")).rejects.toMatchObject({
    errorCode: "UNSUPPORTED_API_VERSION",
  });
  const preset = new Connection({ instanceUrl: salesforce.url, accessToken: "token" });
  expect(preset.version).toBe("50.0");
  await expect(preset.query("SELECT Id FROM Task")).resolves.toBeDefined();
});

test("a session that ran out is refreshed by the client", async () => {
  await connect();
  const refreshToken = salesforce.approve();
  const connection = new Connection({
    instanceUrl: salesforce.url,
    accessToken: "expired",
    refreshToken,
    version: "66.0",
    oauth2: { loginUrl: salesforce.url, clientId: "client", clientSecret: "secret" },
  });
  await expect(connection.query("SELECT Id FROM Task")).resolves.toMatchObject({ totalSize: 0 });
  expect(connection.refreshToken, "the client keeps the token that is spent now").toBe(refreshToken);
  salesforce.expireTokens();
  await expect(connection.query("SELECT Id FROM Task")).rejects.toThrow("expired access/refresh token");
  expect(salesforce.tokenRequests).toBe(2);
});
