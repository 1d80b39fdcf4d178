import { expect, test } from "vitest";
import { ask, callRow, keyProperty, startPortal, startPortalWithKey } from "./hubspot-requests.ts";

const upsert = "objects/calls/batch/upsert";
const bad = { hs_call_direction: "sideways" };

test("one bad row without trace ids refuses the whole batch and nothing is written", async () => {
  const portal = await startPortalWithKey();
  const inputs = [callRow("good"), callRow("bad", bad)].map(({ objectWriteTraceId: _, ...row }) => row);
  const answer = await ask(portal, "POST", upsert, { inputs });
  expect([answer.status, answer.body.category]).toEqual([400, "VALIDATION_ERROR"]);
  expect(answer.body.message).toMatch(
    /^Property values were not valid: \[\{"isValid":false,"message":"sideways/,
  );
  expect(portal.people.calls()).toEqual([]);
});

test("trace ids that are not unique are no trace ids", async () => {
  const portal = await startPortalWithKey();
  const inputs = [callRow("good", {}, "same"), callRow("bad", bad, "same")];
  expect((await ask(portal, "POST", upsert, { inputs })).status).toBe(400);
  expect(portal.people.calls()).toEqual([]);
});

test("with trace ids only the bad row fails, and says which it was", async () => {
  const portal = await startPortalWithKey();
  const answer = await ask(portal, "POST", upsert, { inputs: [callRow("good"), callRow("bad", bad)] });
  expect(answer.status).toBe(207);
  expect(answer.body.results.map((row) => row.objectWriteTraceId)).toEqual(["good"]);
  expect(answer.body.errors.map(({ context }) => context)).toEqual([{ objectWriteTraceId: ["bad"] }]);
  expect(portal.people.calls().map(({ properties }) => properties[keyProperty])).toEqual(["good"]);
});

test("the same key twice refuses the whole batch, with trace ids too", async () => {
  const portal = await startPortalWithKey();
  const inputs = [callRow("a", {}, "1"), callRow("b", {}, "2"), callRow("a", {}, "3")];
  const answer = await ask(portal, "POST", upsert, { inputs });
  expect([answer.status, answer.body.message]).toEqual([
    400,
    "Duplicate IDs found in batch input: [a]. IDs must be unique",
  ]);
  expect(answer.body.context).toEqual({ ids: ["a"] });
  expect(portal.people.calls()).toEqual([]);
});

test("a property that is not unique cannot be the key", async () => {
  const portal = await startPortalWithKey();
  const row = { ...callRow("a"), idProperty: "hs_call_external_id" };
  const answer = await ask(portal, "POST", upsert, { inputs: [row] });
  expect([answer.status, answer.body.message]).toEqual([
    400,
    "Unable to perform upsert by non-unique 0-48 property hs_call_external_id in portal ID 62515",
  ]);
});

test.each([
  ["no rows", []],
  ["more than a hundred rows", Array.from({ length: 101 }, (_, at) => callRow(`k${at}`))],
])("%s are refused", async (_, inputs) => {
  const portal = await startPortalWithKey();
  expect((await ask(portal, "POST", upsert, { inputs })).status).toBe(400);
  expect(portal.people.calls()).toEqual([]);
});

test("results come back in another order than they were sent, unless asked otherwise", async () => {
  const keys = Array.from({ length: 20 }, (_, at) => `k${at}`);
  const inputs = keys.map((key) => callRow(key));
  const orders = await Promise.all(
    [true, false].map(async (shuffle) => {
      const portal = await startPortalWithKey({ shuffle });
      const answer = await ask(portal, "POST", upsert, { inputs });
      return answer.body.results.map((row) => row.properties[keyProperty]);
    }),
  );
  expect(orders[0]).not.toEqual(keys);
  expect([...(orders[0] ?? [])].sort()).toEqual([...keys].sort());
  expect(orders[1]).toEqual(keys);
});

test("a new call needs its time, an update does not", async () => {
  const portal = await startPortalWithKey();
  const untimed = { ...callRow("a"), properties: { hs_call_title: "Hello" } };
  const refused = await ask(portal, "POST", upsert, { inputs: [untimed] });
  expect(refused.body.errors[0]?.context).toEqual({
    properties: ["hs_timestamp"],
    objectWriteTraceId: ["a"],
  });
  await ask(portal, "POST", upsert, { inputs: [callRow("a")] });
  expect((await ask(portal, "POST", upsert, { inputs: [untimed] })).status).toBe(200);
});

test("an archived call is gone for its key: the next upsert makes a new one", async () => {
  const portal = await startPortalWithKey();
  const first = await ask(portal, "POST", upsert, { inputs: [callRow("a")] });
  portal.people.archive("calls", first.body.results[0]?.id ?? "");
  const again = await ask(portal, "POST", upsert, { inputs: [callRow("a")] });
  expect(again.body.results[0]).toMatchObject({ new: true });
  expect(again.body.results[0]?.id).not.toBe(first.body.results[0]?.id);
});

test("reading tells what was not found; archived ones are read only when asked for", async () => {
  const portal = await startPortalWithKey();
  const made = await ask(portal, "POST", upsert, { inputs: [callRow("live"), callRow("dead")] });
  const dead = made.body.results.find((row) => row.properties[keyProperty] === "dead")?.id ?? "";
  portal.people.archive("calls", dead);
  const body = {
    inputs: [{ id: "live" }, { id: "dead" }, { id: "never" }],
    idProperty: keyProperty,
    properties: [keyProperty],
  };
  const read = await ask(portal, "POST", "objects/calls/batch/read", body);
  expect([read.status, read.body.results.length]).toEqual([207, 1]);
  expect(read.body.errors[0]).toMatchObject({
    category: "OBJECT_NOT_FOUND",
    context: { ids: ["dead", "never"] },
  });
  const archived = await ask(portal, "POST", "objects/calls/batch/read?archived=true", body);
  expect(archived.body.results).toMatchObject([{ id: dead, archived: true }]);
});

test("an update of what does not exist fails alone, with its id", async () => {
  const portal = await startPortal();
  const id = portal.people.add("calls", { hs_timestamp: "0" });
  const properties = { hs_call_title: "x" };
  const answer = await ask(portal, "POST", "objects/calls/batch/update", {
    inputs: [
      { id, properties, objectWriteTraceId: "1" },
      { id: "404", properties, objectWriteTraceId: "2" },
    ],
  });
  expect(answer.status).toBe(207);
  expect(answer.body.errors).toMatchObject([
    { category: "OBJECT_NOT_FOUND", context: { ids: ["404"], objectWriteTraceId: ["2"] } },
  ]);
});

test("creates calls with their contacts in one request, and refuses contacts that do not exist", async () => {
  const portal = await startPortal();
  const contact = portal.people.addContact({ firstname: "Anna" });
  const row = (to: string) => ({
    objectWriteTraceId: to,
    properties: { hs_timestamp: "2026-11-20T10:00:00Z" },
    associations: [
      { to: { id: to }, types: [{ associationCategory: "HUBSPOT_DEFINED", associationTypeId: 194 }] },
    ],
  });
  const answer = await ask(portal, "POST", "objects/calls/batch/create", {
    inputs: [row(contact), row("1")],
  });
  expect([answer.status, answer.body.numErrors]).toEqual([207, 1]);
  expect(portal.people.calls().map(({ associations }) => associations)).toEqual([{ contacts: [contact] }]);
});

test("archives a batch, and does not mind what is not there", async () => {
  const portal = await startPortal();
  const id = portal.people.add("calls", { hs_timestamp: "0" });
  const inputs = [{ id }, { id: "404" }];
  expect((await ask(portal, "POST", "objects/calls/batch/archive", { inputs })).status).toBe(204);
  expect(portal.people.calls()).toEqual([]);
});
