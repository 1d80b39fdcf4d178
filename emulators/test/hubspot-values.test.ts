import { expect, test } from "vitest";
import { ask, startPortal } from "./hubspot-requests.ts";

const at = "2026-11-20T10:00:00Z";
const create = "objects/calls";

test.each<[string, string, unknown, string | null]>([
  ["a time in milliseconds", "hs_timestamp", "1763632800000", "2025-11-20T10:00:00.000Z"],
  ["a time as a number", "hs_timestamp", 1_763_632_800_000, "2025-11-20T10:00:00.000Z"],
  ["a time without milliseconds", "hs_timestamp", at, "2026-11-20T10:00:00.000Z"],
  ["a time of another zone", "hs_timestamp", "2026-11-20T11:00:00+01:00", "2026-11-20T10:00:00.000Z"],
  ["a number", "hs_call_duration", 61_000, "61000"],
  ["an empty text", "hs_call_title", "", null],
  ["null", "hs_call_title", null, null],
  ["a boolean", "hs_call_has_voicemail", true, "true"],
  [
    "an option",
    "hs_call_disposition",
    "f240bbac-87c9-4f6e-bf70-924b57d47db7",
    "f240bbac-87c9-4f6e-bf70-924b57d47db7",
  ],
  [
    "rich text, sanitised",
    "hs_call_body",
    `<p onclick="x()">a<br/>b</p><script>c</script>&#39;`,
    "<p>a<br>b</p>'",
  ],
  ["plain text as it is", "hs_call_title", "<script>a<br/>", "<script>a<br/>"],
])("keeps %s as text", async (_, name, sent, kept) => {
  const portal = await startPortal();
  const made = await ask(portal, "POST", create, { properties: { hs_timestamp: at, [name]: sent } });
  expect(made.status).toBe(201);
  const read = await ask(portal, "GET", `${create}/${made.body.id}?properties=${name}`);
  expect(read.body.properties[name]).toBe(kept);
});

test.each<[string, string, unknown, string]>([
  ["an unknown property", "hs_unique_id", "x", "PROPERTY_DOESNT_EXIST"],
  ["a read-only property", "hs_unique_creation_key", "x", "READ_ONLY_VALUE"],
  ["a text for a number", "hs_call_duration", "1 minute", "INVALID_DOUBLE"],
  ["a text for a time", "hs_timestamp", "yesterday", "INVALID_LONG"],
  ["a label for an option", "hs_call_disposition", "Connected", "INVALID_OPTION"],
  ["an option in another case", "hs_call_direction", "inbound", "INVALID_OPTION"],
  ["another source", "hs_call_source", "SWITCHHOOK", "INVALID_OPTION"],
  ["a free call type", "hs_activity_type", "Phone call", "INVALID_OPTION"],
  ["a word for a boolean", "hs_call_has_voicemail", "yes", "INVALID_BOOLEAN"],
  ["an owner that is not there", "hubspot_owner_id", "1", "INVALID_OWNER_ID"],
  ["a list", "hs_call_title", ["a"], "INVALID_VALUE"],
  ["a text that is too long", "hs_call_body", "x".repeat(65_537), "PROPERTY_VALUE_TOO_LONG"],
])("refuses %s", async (_, name, sent, code) => {
  const portal = await startPortal();
  const answer = await ask(portal, "POST", create, { properties: { hs_timestamp: at, [name]: sent } });
  expect(answer).toMatchObject({ status: 400, body: { status: "error", category: "VALIDATION_ERROR" } });
  expect(answer.body.errors).toMatchObject([{ code, context: { propertyName: [name] } }]);
  expect(JSON.parse(answer.body.message.replace("Property values were not valid: ", ""))).toMatchObject([
    { isValid: false, error: code, name },
  ]);
});

test("tells all that is wrong at once", async () => {
  const portal = await startPortal();
  const properties = { hs_timestamp: "x", hs_call_status: "x", nope: "x" };
  const answer = await ask(portal, "POST", create, { properties });
  expect(answer.body.errors).toHaveLength(3);
});

test("takes an owner by its id", async () => {
  const portal = await startPortal();
  const owner = portal.people.addOwner({ email: "anna@example.com" });
  const properties = { hs_timestamp: at, hubspot_owner_id: owner };
  expect((await ask(portal, "POST", create, { properties })).body.properties["hubspot_owner_id"]).toBe(owner);
});

test("an address belongs to one contact", async () => {
  const portal = await startPortal();
  const id = portal.people.addContact({ email: "Anna@Example.com" });
  const again = await ask(portal, "POST", "objects/contacts", { properties: { email: "anna@example.COM" } });
  expect(again).toMatchObject({
    status: 409,
    body: { category: "CONFLICT", message: `Contact already exists. Existing ID: ${id}` },
  });
});

test("a unique value belongs to one call, until that is archived", async () => {
  const portal = await startPortal({
    properties: [{ objectType: "calls", name: "key", type: "string", hasUniqueValue: true }],
  });
  const properties = { hs_timestamp: at, key: "a" };
  const first = await ask(portal, "POST", create, { properties });
  const second = await ask(portal, "POST", create, { properties });
  expect(second).toMatchObject({ status: 400, body: { errors: [{ code: "UNIQUE_VALUE_CONFLICT" }] } });
  expect(second.body.message).toContain(`${first.body.id} already has that value.`);
  await ask(portal, "DELETE", `${create}/${first.body.id}`);
  expect((await ask(portal, "POST", create, { properties })).status).toBe(201);
});

test("the portal's page plays a recording of this machine, and keeps one line break where there is one", async () => {
  const portal = await startPortal();
  const link = "http://127.0.0.1:8484/recordings/1.mp3";
  const properties = { hs_timestamp: at, hs_call_body: "a<br />\nb", hs_call_recording_url: link };
  await ask(portal, "POST", create, { properties });
  const page = await (await fetch(portal.url)).text();
  expect(page).toContain(`src="${link}"`);
  expect(page).toContain(">a\nb<");
});
