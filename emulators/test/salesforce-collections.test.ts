import { expect, test } from "vitest";
import { codeOf, codes, type RowAnswer, startOrg } from "./salesforce-requests.ts";

const call = (key: string, fields: Record<string, unknown> = {}) => ({ Call_Key__c: key, ...fields });

test("takes 200 records and no more, of versions that know collections", async () => {
  const { ask, upsert, salesforce } = await startOrg();
  const many = (count: number) => Array.from({ length: count }, (_, index) => call(`key-${index}`));
  expect(await upsert(many(200))).toHaveLength(200);
  const typed = many(201).map((record) => ({ attributes: { type: "Task" }, ...record }));
  const path = "/composite/sobjects/Task/Call_Key__c";
  expect((await ask("PATCH", path, { records: typed })).status).toBe(400);
  const old = await fetch(`${salesforce.url}/services/data/v45.0${path}`, {
    method: "PATCH",
    headers: { authorization: "Bearer token", "content-type": "application/json" },
    body: JSON.stringify({ records: [] }),
  });
  expect(old.status).toBe(404);
});

test("takes JSON only", async () => {
  const { ask } = await startOrg();
  const records: unknown[] = [];
  const text = { "content-type": "text/plain" };
  expect(codeOf(await ask("POST", "/composite/sobjects", { records }, text))).toBe(
    "415 UNSUPPORTED_MEDIA_TYPE",
  );
  expect(codeOf(await ask("POST", "/composite/sobjects", { rows: [] }))).toBe("400 JSON_PARSER_ERROR");
});

test("a key that comes twice is good the first time", async () => {
  const { upsert, salesforce } = await startOrg();
  const results = await upsert([call("a", { Subject: "1" }), call("a", { Subject: "2" }), call("b"), {}]);
  expect(codes(results)).toEqual(["ok", "DUPLICATE_VALUE", "ok", "MISSING_ARGUMENT"]);
  expect(salesforce.people.tasks().map((task) => task["Subject"])).toEqual(["1", undefined]);
});

test("a key belongs to one record, and is free again when that is deleted", async () => {
  const { create, upsert, ask, salesforce } = await startOrg();
  const [first] = await upsert([call("a")]);
  const [clash] = await create("Task", [call("a")]);
  expect(codes(await create("Task", [{ Id: first?.id, Subject: "x" }]))).toEqual([
    "INVALID_FIELD_FOR_INSERT_UPDATE",
  ]);
  expect(clash?.errors).toEqual([
    {
      statusCode: "DUPLICATE_VALUE",
      message: `duplicate value found: Call_Key__c duplicates value on record with id: ${first?.id}`,
      fields: [],
    },
  ]);
  await ask("DELETE", `/sobjects/Task/${first?.id}`);
  const [second] = await upsert([call("a")]);
  expect(second).toMatchObject({ created: true });
  expect(second?.id).not.toBe(first?.id);
  expect(salesforce.people.tasks()).toHaveLength(1);
});

test("keys differ by their case", async () => {
  const { upsert } = await startOrg();
  const results = await upsert([call("a"), call("A")]);
  expect(results.map(({ created }) => created)).toEqual([true, true]);
});

test("all or none: one bad record takes the others back", async () => {
  const { upsert, create, salesforce } = await startOrg();
  await upsert([call("a", { Subject: "before" })]);
  const rows = [call("a", { Subject: "after" }), call("b"), call("c", { Status: "Lost" })];
  expect(codes(await upsert(rows, { allOrNone: true }))).toEqual([
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
  ]);
  expect(salesforce.people.tasks()).toMatchObject([{ Subject: "before" }]);
  expect(codes(await create("Task", [call("b")])), "the key was not kept").toEqual(["ok"]);
});

test("an unknown field may also fail the whole request", async () => {
  const { ask, salesforce } = await startOrg({ parseErrors: "request" });
  const records = [call("a"), call("b", { Nonsense__c: 1 })].map((record) => ({
    attributes: { type: "Task" },
    ...record,
  }));
  const answer = await ask("POST", "/composite/sobjects", { records });
  expect(codeOf(answer)).toBe("400 INVALID_FIELD");
  expect(salesforce.people.tasks()).toEqual([]);
});

test("a record without a type, or of one that nobody has, fails the whole request before it writes", async () => {
  const { ask, salesforce, upsert } = await startOrg();
  const task = (type?: string) => ({ ...(type ? { attributes: { type } } : {}), ...call("a") });
  for (const wrong of [task(), task("Nothing")]) {
    const answer = await ask("POST", "/composite/sobjects", { records: [task("Task"), wrong] });
    expect(codeOf(answer)).toBe("400 INVALID_TYPE");
  }
  expect(salesforce.people.tasks()).toEqual([]);
  expect(codes(await upsert([{ ...call("a"), attributes: { type: "Contact" } }, call("b")]))).toEqual([
    "INVALID_TYPE",
    "ok",
  ]);
});

test("updates by id, and says which ids are not there", async () => {
  const { upsert, update } = await startOrg();
  const [task] = await upsert([call("a")]);
  const short = task?.id?.slice(0, 15);
  const results = await update("Task", [
    { id: short, Subject: "1" },
    { Id: task?.id, Subject: "2" },
    { Id: "00T000000000001EAA" },
    { Id: "003000000000001AAA" },
    { Subject: "3" },
  ]);
  expect(codes(results)).toEqual([
    "ok",
    "DUPLICATE_VALUE",
    "INVALID_CROSS_REFERENCE_KEY",
    "MALFORMED_ID",
    "MISSING_ARGUMENT",
  ]);
});

test("deletes and reads by id", async () => {
  const { upsert, ask, rows } = await startOrg();
  const [one, two] = await upsert([call("a"), call("b")]);
  const path = `/composite/sobjects?ids=${one?.id},${one?.id},00T000000000001EAA`;
  expect(codes((await ask("DELETE", path)).body as RowAnswer[])).toEqual([
    "ok",
    "ENTITY_IS_DELETED",
    "INVALID_CROSS_REFERENCE_KEY",
  ]);
  const read = await ask("POST", "/composite/sobjects/Task", {
    ids: [one?.id, two?.id],
    fields: ["Call_Key__c"],
  });
  expect(read.body).toMatchObject([null, { Call_Key__c: "b" }]);
  expect(await rows("SELECT Id FROM Task")).toHaveLength(1);
  const all = await ask("GET", `/queryAll?q=${encodeURIComponent("SELECT IsDeleted FROM Task")}`);
  expect(all.body).toMatchObject({ totalSize: 2 });
});

test("one record at a time: made, read, changed, upserted by its key, deleted", async () => {
  const { ask } = await startOrg();
  const made = await ask("POST", "/sobjects/Task", { Subject: "Call" });
  expect(made).toMatchObject({ status: 201, body: { success: true, errors: [] } });
  const { id } = made.body as { id: string };
  expect((await ask("PATCH", `/sobjects/Task/${id}`, { Call_Key__c: "a/b" })).status).toBe(204);
  const byKey = "/sobjects/Task/Call_Key__c/a%2Fb";
  expect((await ask("GET", `${byKey}?fields=Id,Subject`)).body).toMatchObject({ Id: id, Subject: "Call" });
  expect(await ask("PATCH", byKey, { Subject: "New" })).toMatchObject({
    status: 200,
    body: { created: false },
  });
  expect((await ask("PATCH", "/sobjects/Task/Call_Key__c/c", {})).status).toBe(201);
  expect((await ask("GET", `/sobjects/Task/${id}`)).body).toMatchObject({
    Subject: "New",
    Status: "Not Started",
  });
  expect((await ask("DELETE", `/sobjects/Task/${id}`)).status).toBe(204);
  expect(codeOf(await ask("GET", `/sobjects/Task/${id}`))).toBe("404 ENTITY_IS_DELETED");
  expect(codeOf(await ask("GET", byKey))).toBe("404 NOT_FOUND");
  expect(codeOf(await ask("POST", "/sobjects/Nothing", {}))).toBe("404 NOT_FOUND");
});

test("composite: later parts name what earlier ones answered", async () => {
  const { ask, salesforce } = await startOrg();
  const part = (referenceId: string, method: string, path: string, body?: unknown) => ({
    referenceId,
    method,
    url: `/services/data/v66.0${path}`,
    body,
  });
  const contact = part("person", "POST", "/sobjects/Contact", { LastName: "Vos" });
  const task = part("task", "POST", "/sobjects/Task", { WhoId: "@{person.id}" });
  const lost = part("lost", "POST", "/sobjects/Task", { WhoId: "@{nobody.id}" });
  const send = (parts: object[], allOrNone = false) =>
    ask("POST", "/composite", { allOrNone, compositeRequest: parts });
  const { body } = await send([contact, task, lost]);
  const { compositeResponse } = body as { compositeResponse: { httpStatusCode: number; body: unknown }[] };
  expect(compositeResponse.map(({ httpStatusCode }) => httpStatusCode)).toEqual([201, 201, 400]);
  expect(compositeResponse[2]?.body).toMatchObject([{ errorCode: "PROCESSING_HALTED" }]);
  const [made] = salesforce.people.tasks();
  expect(salesforce.people.get("Contact", String(made?.["WhoId"]))).toMatchObject({ Name: "Vos" });
  const none = await send([contact, { ...task, body: { Status: "Lost" } }], true);
  expect(none.body).toMatchObject({ compositeResponse: [{ httpStatusCode: 400 }, { httpStatusCode: 400 }] });
  const { body: counts } = await ask("GET", "/../../../_emulator");
  expect(counts).toMatchObject({ objects: { Contact: 1, Task: 1 } });
  expect(
    (await send(Array.from({ length: 26 }, (_, n) => ({ ...contact, referenceId: `r${n}` })))).status,
  ).toBe(400);
});
