import { expect, test } from "vitest";
import { generatedContact, type HubspotEmulator } from "../hubspot/index.ts";
import { ask, startPortal } from "./hubspot-requests.ts";

const many = 1_000_000;
const national = (index: number) => generatedContact(index).number.slice(3);

async function found(portal: HubspotEmulator, propertyName: string, filter: object): Promise<string[]> {
  const { body } = await ask(portal, "POST", "objects/contacts/search", {
    filterGroups: [{ filters: [{ propertyName, ...filter }] }],
    limit: 200,
  });
  return body.results.map(({ id }) => id);
}

test("a million contacts are listed from anywhere", async () => {
  const portal = await startPortal({ contacts: many });
  const last = generatedContact(many - 1).id;
  const page = await ask(
    portal,
    "GET",
    `objects/contacts?limit=2&after=${Number(last) - 3}&properties=phone`,
  );
  expect(page.body.results.map(({ id }) => id)).toEqual(
    [many - 3, many - 2].map((at) => generatedContact(at).id),
  );
  const end = await ask(portal, "GET", `objects/contacts?limit=2&after=${Number(last) - 1}`);
  expect([end.body.results.length, end.body.paging]).toEqual([1, undefined]);
});

test.each([0, 1, 2, 123_456, 999_999])("contact %i is found by its number in every way", async (index) => {
  const portal = await startPortal({ contacts: many, limits: false });
  const { id, number, property, email } = generatedContact(index);
  const kind = property === "phone" ? "phone" : "mobile";
  const digits = national(index);
  const searchable = `hs_searchable_calculated_${kind}_number`;
  const queries: [string, object][] = [
    [searchable, { operator: "EQ", value: digits }],
    [searchable, { operator: "IN", values: ["1", digits] }],
    [searchable, { operator: "CONTAINS_TOKEN", value: `*${digits}` }],
    [`hs_searchable_calculated_international_${kind}_number`, { operator: "EQ", value: number.slice(1) }],
    [`hs_calculated_${kind}_number`, { operator: "EQ", value: number }],
    ["email", { operator: "EQ", value: email }],
    ["hs_object_id", { operator: "EQ", value: id }],
  ];
  for (const [name, filter] of queries)
    expect([name, await found(portal, name, filter)]).toEqual([name, [id]]);
  const read = await ask(portal, "GET", `objects/contacts/${id}?properties=${property}`);
  expect(read.body.properties[property]?.replaceAll(" ", "")).toBe(number);
});

test("numbers that nobody has are not found", async () => {
  const portal = await startPortal({ contacts: 10 });
  const name = "hs_searchable_calculated_phone_number";
  expect(await found(portal, name, { operator: "EQ", value: national(10) })).toEqual([]);
  expect(await found(portal, "phone", { operator: "EQ", value: "+15132271572" })).toEqual([]);
});

test("a changed contact is found by what it has now only, and still counts once", async () => {
  const portal = await startPortal({ contacts: 10 });
  const { id } = generatedContact(3);
  portal.people.edit("contacts", id, { phone: "+33655555555", email: "new@example.com" });
  const name = "hs_searchable_calculated_phone_number";
  expect(await found(portal, name, { operator: "EQ", value: national(3) })).toEqual([]);
  expect(await found(portal, name, { operator: "EQ", value: "655555555" })).toEqual([id]);
  const listed = await ask(portal, "GET", "objects/contacts?limit=100");
  expect(listed.body.results.map((contact) => contact.id)).toEqual(
    Array.from({ length: 10 }, (_, index) => generatedContact(index).id),
  );
  const counts = await (await fetch(`${portal.url}/_emulator`)).json();
  expect(counts).toMatchObject({ objects: { contacts: 10 } });
});

test("the same address cannot be taken twice, and an archived contact is gone", async () => {
  const portal = await startPortal({ contacts: 10 });
  const { id, email } = generatedContact(4);
  const taken = await ask(portal, "POST", "objects/contacts", { properties: { email } });
  expect([taken.status, taken.body.message]).toEqual([409, `Contact already exists. Existing ID: ${id}`]);
  portal.people.archive("contacts", id);
  expect(await found(portal, "email", { operator: "EQ", value: email })).toEqual([]);
  expect((await ask(portal, "POST", "objects/contacts", { properties: { email } })).status).toBe(201);
});

test("changes are followed by time and by id, either way", async () => {
  const portal = await startPortal({ contacts: 100, limits: false });
  const since = new Date(generatedContact(97).madeAt).toISOString();
  const ids = (...indexes: number[]) => indexes.map((index) => generatedContact(index).id);
  const after = { operator: "GTE", value: since };
  expect(await found(portal, "lastmodifieddate", after)).toEqual(ids(97, 98, 99));
  expect(await found(portal, "hs_object_id", { operator: "GT", value: generatedContact(97).id })).toEqual(
    ids(98, 99),
  );
  const backwards = await ask(portal, "POST", "objects/contacts/search", {
    filterGroups: [{ filters: [{ propertyName: "lastmodifieddate", ...after }] }],
    sorts: ["-lastmodifieddate"],
    limit: 2,
  });
  expect([backwards.body.total, backwards.body.results.map(({ id }) => id)]).toEqual([3, ids(99, 98)]);
});

test("a search that finds more than can be paged still counts them all", async () => {
  const portal = await startPortal({ contacts: 20_000 });
  const { body } = await ask(portal, "POST", "objects/contacts/search", { limit: 1, after: "9999" });
  expect([body.total, body.results.map(({ id }) => id)]).toEqual([20_000, [generatedContact(9999).id]]);
  const newest = { sorts: ["-createdate"], limit: 1 };
  const backwards = await ask(portal, "POST", "objects/contacts/search", newest);
  expect(backwards.body.results.map(({ id }) => id)).toEqual([generatedContact(19_999).id]);
});
