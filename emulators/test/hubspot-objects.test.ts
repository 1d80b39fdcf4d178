import { expect, test } from "vitest";
import { ask, startPortal } from "./hubspot-requests.ts";

const at = "2026-11-20T10:00:00Z";

test("tells only the usual properties unless asked for more, and null for those without a value", async () => {
  const portal = await startPortal();
  const id = portal.people.add("calls", { hs_timestamp: at, hs_call_title: "Hello" });
  const usual = await ask(portal, "GET", `objects/calls/${id}`);
  expect(Object.keys(usual.body.properties).sort()).toEqual([
    "hs_createdate",
    "hs_lastmodifieddate",
    "hs_object_id",
  ]);
  const asked = await ask(portal, "GET", `objects/calls/${id}?properties=hs_call_title,hs_call_body,nope`);
  expect(asked.body.properties).toMatchObject({ hs_call_title: "Hello", hs_call_body: null });
  expect(asked.body.properties).not.toHaveProperty("nope");
});

test("every write moves the time of the last change", async () => {
  let now = Date.parse(at);
  const portal = await startPortal({ now: () => now });
  const id = portal.people.addContact({ firstname: "Anna" });
  now += 1000;
  const changed = await ask(portal, "PATCH", `objects/contacts/${id}`, { properties: { firstname: "Anne" } });
  expect(changed.body).toMatchObject({
    createdAt: "2026-11-20T10:00:00.000Z",
    updatedAt: "2026-11-20T10:00:01.000Z",
    properties: { firstname: "Anne", lastmodifieddate: "2026-11-20T10:00:01.000Z" },
  });
});

test("an update without properties is refused", async () => {
  const portal = await startPortal();
  const id = portal.people.addContact({ firstname: "Anna" });
  expect((await ask(portal, "PATCH", `objects/contacts/${id}`, { properties: {} })).status).toBe(400);
});

test("a call on a contact is a change of the contact", async () => {
  let now = Date.parse(at);
  const portal = await startPortal({ now: () => now });
  const contact = portal.people.addContact({ firstname: "Anna" });
  const call = portal.people.add("calls", { hs_timestamp: at });
  now += 1000;
  await ask(portal, "PUT", `objects/calls/${call}/associations/default/contacts/${contact}`);
  expect(portal.people.contacts()[0]?.properties).toMatchObject({
    lastmodifieddate: "2026-11-20T10:00:01.000Z",
    notes_last_updated: "2026-11-20T10:00:01.000Z",
  });
});

test("finds one by a unique property, and tells its associations", async () => {
  const portal = await startPortal();
  const contact = portal.people.addContact({ email: "anna@example.com" });
  const call = portal.people.add("calls", { hs_timestamp: at });
  portal.people.associate(call, "contacts", contact);
  const found = await ask(
    portal,
    "GET",
    "objects/contacts/anna@example.com?idProperty=email&associations=calls,tasks",
  );
  expect(found.body.id).toBe(contact);
  expect(found.body.associations).toEqual({ calls: { results: [{ id: call, type: "contact_to_call" }] } });
});

test("archived ones are not found, unless archived ones are asked for", async () => {
  const portal = await startPortal();
  const id = portal.people.add("calls", { hs_timestamp: at });
  for (const _ of ["once", "twice"]) {
    expect((await ask(portal, "DELETE", `objects/calls/${id}`)).status).toBe(204);
  }
  expect(await ask(portal, "GET", `objects/calls/${id}`)).toMatchObject({
    status: 404,
    body: { category: "OBJECT_NOT_FOUND" },
  });
  const archived = await ask(portal, "GET", `objects/calls/${id}?archived=true`);
  expect(archived.body).toMatchObject({ id, archived: true, archivedAt: expect.any(String) });
  expect((await ask(portal, "GET", "objects/calls")).body.results).toEqual([]);
  expect((await ask(portal, "GET", "objects/calls?archived=true")).body.results).toMatchObject([{ id }]);
});

test("lists in pages of at most a hundred", async () => {
  const portal = await startPortal();
  const ids = Array.from({ length: 11 }, () => portal.people.addContact({ firstname: "A" }));
  const first = await ask(portal, "GET", "objects/contacts");
  expect([first.body.results.length, first.body.paging?.next.after]).toEqual([10, ids[9]]);
  const second = await ask(portal, "GET", `objects/contacts?after=${ids[9]}`);
  expect([second.body.results.map(({ id }) => id), second.body.paging]).toEqual([[ids[10]], undefined]);
  expect((await ask(portal, "GET", "objects/contacts?limit=101")).status).toBe(400);
});

test("creates one with its associations, and answers with everything that it has", async () => {
  const portal = await startPortal();
  const contact = portal.people.addContact({ firstname: "Anna" });
  const made = await ask(portal, "POST", "objects/tasks", {
    properties: { hs_timestamp: at, hs_task_subject: "Call back", hs_task_status: "NOT_STARTED" },
    associations: [{ to: { id: contact }, types: [{ associationTypeId: 204 }] }],
  });
  expect([made.status, made.body.properties["hs_task_subject"]]).toEqual([201, "Call back"]);
  expect(portal.people.tasks()[0]?.associations).toEqual({ contacts: [contact] });
});

test.each([
  ["/crm/v3/objects/contacts", "dated"],
  ["/crm/v4/objects/contacts", "dated"],
  ["/crm/objects/2026-03", "not found"],
  ["/crm/objects/2025-01/contacts", "not found"],
])("%s does not exist", async (path, words) => {
  const portal = await startPortal();
  const answer = await ask(portal, "GET", path);
  expect([answer.status, answer.body.message]).toEqual([404, expect.stringContaining(words)]);
});

test("old paths are served to those who ask for them", async () => {
  const portal = await startPortal({ legacyPaths: true });
  const paths = ["/crm/v3/objects/contacts", "/crm/v3/owners/", "/crm/v3/properties/calls"];
  const statuses = await Promise.all(paths.map(async (path) => (await ask(portal, "GET", path)).status));
  expect(statuses).toEqual([200, 200, 200]);
});

test.each(["{", "[]", '"text"'])("refuses the body %s", async (body) => {
  const portal = await startPortal();
  const response = await fetch(`${portal.url}/crm/objects/2026-03/contacts`, {
    method: "POST",
    headers: { authorization: `Bearer ${portal.token}`, "content-type": "application/json" },
    body,
  });
  expect([response.status, await response.json()]).toEqual([
    400,
    expect.objectContaining({ category: "VALIDATION_ERROR" }),
  ]);
});
