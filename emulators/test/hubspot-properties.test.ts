import { expect, test } from "vitest";
import { ask, startPortal } from "./hubspot-requests.ts";

const property = {
  name: "switchhook_key",
  label: "Switchhook key",
  type: "string",
  fieldType: "text",
  groupName: "call",
  hasUniqueValue: true,
};
const path = "properties/calls";

test("a new property is there at once", async () => {
  const portal = await startPortal();
  expect((await ask(portal, "POST", path, property)).status).toBe(201);
  expect((await ask(portal, "GET", `${path}/switchhook_key`)).body).toMatchObject({
    ...property,
    archived: false,
    modificationMetadata: { readOnlyValue: false },
  });
  expect((await ask(portal, "POST", path, property)).status).toBe(409);
});

test.each<[string, object]>([
  ["without a name", { name: undefined }],
  ["with capitals in its name", { name: "SwitchhookKey" }],
  ["with a reserved name", { name: "hs_key" }],
  ["in a group that does not exist", { groupName: "switchhook" }],
  ["of an unknown type", { type: "text" }],
  ["whose field type is another type's", { fieldType: "number" }],
  ["that is unique and no text or number", { type: "enumeration", fieldType: "select" }],
])("refuses a property %s", async (_, wrong) => {
  const portal = await startPortal();
  expect((await ask(portal, "POST", path, { ...property, ...wrong })).status).toBe(400);
});

test("groups can be added, and then used", async () => {
  const portal = await startPortal();
  await ask(portal, "POST", `${path}/groups`, { name: "switchhook", label: "Switchhook" });
  const groups = await ask(portal, "GET", `${path}/groups`);
  expect(groups.body.results.map((group) => group["name"])).toEqual(["call", "switchhook"]);
  const made = await ask(portal, "POST", path, { ...property, groupName: "switchhook" });
  expect(made.status).toBe(201);
});

test("ten unique properties and no more, on each type", async () => {
  const portal = await startPortal();
  const statuses: number[] = [];
  for (let count = 0; count < 11; count += 1) {
    statuses.push((await ask(portal, "POST", path, { ...property, name: `key_${count}` })).status);
  }
  expect(statuses.filter((status) => status === 201)).toHaveLength(10);
  expect(statuses.at(-1)).toBe(400);
  const onTasks = await ask(portal, "POST", "properties/tasks", { ...property, groupName: "task" });
  expect(onTasks.status).toBe(201);
});

test("a portal may refuse unique properties on calls and tasks, not on contacts", async () => {
  const portal = await startPortal({ callUnique: false });
  expect((await ask(portal, "POST", path, property)).status).toBe(400);
  expect((await ask(portal, "POST", path, { ...property, hasUniqueValue: false })).status).toBe(201);
  const onContacts = { ...property, groupName: "contactinformation" };
  expect((await ask(portal, "POST", "properties/contacts", onContacts)).status).toBe(201);
});

test("dispositions are told by id and label, owners as options, read-only ones as such", async () => {
  const portal = await startPortal();
  const owner = portal.people.addOwner({ email: "anna@example.com", firstName: "Anna", lastName: "Jansen" });
  const one = async (name: string) => (await ask(portal, "GET", `${path}/${name}`)).body;
  expect((await one("hs_call_disposition"))["options"]).toContainEqual(
    expect.objectContaining({ value: "f240bbac-87c9-4f6e-bf70-924b57d47db7", label: "Connected" }),
  );
  expect((await one("hubspot_owner_id"))["options"]).toMatchObject([{ value: owner, label: "Anna Jansen" }]);
  expect((await one("hs_createdate"))["modificationMetadata"]).toMatchObject({ readOnlyValue: true });
  expect((await ask(portal, "GET", `${path}/hs_unique_id`)).status).toBe(404);
});

test("own properties can be archived, HubSpot's cannot; an archived one takes no values", async () => {
  const portal = await startPortal();
  await ask(portal, "POST", path, property);
  expect((await ask(portal, "DELETE", `${path}/hs_call_title`)).status).toBe(400);
  expect((await ask(portal, "DELETE", `${path}/switchhook_key`)).status).toBe(204);
  const properties = { hs_timestamp: "0", switchhook_key: "a" };
  const made = await ask(portal, "POST", "objects/calls", { properties });
  expect(made.body.errors[0]?.code).toBe("PROPERTY_DOESNT_EXIST");
});

test("the account tells where its pages are", async () => {
  const portal = await startPortal({ portalId: 7 });
  const { body } = await ask(portal, "GET", "/account-info/2026-03/details");
  expect(body).toMatchObject({ portalId: 7, uiDomain: "app-eu1.hubspot.com" });
});

test("a recording is announced only for a call that names its source", async () => {
  const portal = await startPortal();
  const id = portal.people.add("calls", { hs_timestamp: "0" });
  const ready = "/crm/extensions/calling/2026-03/recordings/ready";
  expect((await ask(portal, "POST", ready, { engagementId: Number(id) })).status).toBe(400);
  expect((await ask(portal, "POST", ready, { engagementId: 404 })).status).toBe(404);
});
