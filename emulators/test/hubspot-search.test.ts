import { expect, test } from "vitest";
import type { HubspotEmulator } from "../hubspot/index.ts";
import { ask, startPortal } from "./hubspot-requests.ts";

type Filter = {
  propertyName: string;
  operator: string;
  value?: string;
  values?: string[];
  highValue?: string;
};

const search = (portal: HubspotEmulator, body: object, type = "contacts") =>
  ask(portal, "POST", `objects/${type}/search`, body);

async function names(portal: HubspotEmulator, filters: Filter[], more: object = {}): Promise<unknown[]> {
  const { body } = await search(portal, { filterGroups: [{ filters }], limit: 100, ...more });
  return body.results.map((contact) => contact.properties["firstname"]);
}

async function startWithContacts(): Promise<HubspotEmulator> {
  const portal = await startPortal({ limits: false });
  portal.people.addContact({
    firstname: "Anna",
    email: "anna@one.test",
    lifecyclestage: "lead",
    company: "De Bakker BV",
  });
  portal.people.addContact({ firstname: "Bram", email: "bram@two.test", lifecyclestage: "customer" });
  portal.people.addContact({ firstname: "Carmen", phone: "+33655555555" });
  return portal;
}

test.each<[string, Omit<Filter, "propertyName">, string, string[]]>([
  ["EQ without regard to case", { operator: "EQ", value: "ANNA" }, "firstname", ["Anna"]],
  ["NEQ", { operator: "NEQ", value: "anna" }, "firstname", ["Bram", "Carmen"]],
  ["EQ of an option exactly", { operator: "EQ", value: "Lead" }, "lifecyclestage", []],
  ["IN in lower case", { operator: "IN", values: ["anna", "bram"] }, "firstname", ["Anna", "Bram"]],
  ["IN in upper case: nothing", { operator: "IN", values: ["Anna"] }, "firstname", []],
  ["NOT_IN", { operator: "NOT_IN", values: ["anna"] }, "firstname", ["Bram", "Carmen"]],
  ["HAS_PROPERTY", { operator: "HAS_PROPERTY" }, "email", ["Anna", "Bram"]],
  ["NOT_HAS_PROPERTY", { operator: "NOT_HAS_PROPERTY" }, "email", ["Carmen"]],
  ["CONTAINS_TOKEN of a word", { operator: "CONTAINS_TOKEN", value: "bakker" }, "company", ["Anna"]],
  ["CONTAINS_TOKEN not of a part of a word", { operator: "CONTAINS_TOKEN", value: "bak" }, "company", []],
  ["CONTAINS_TOKEN with a wildcard", { operator: "CONTAINS_TOKEN", value: "bak*" }, "company", ["Anna"]],
  ["CONTAINS_TOKEN of an ending", { operator: "CONTAINS_TOKEN", value: "*@two.test" }, "email", ["Bram"]],
  ["NOT_CONTAINS_TOKEN", { operator: "NOT_CONTAINS_TOKEN", value: "*@two.test" }, "email", ["Anna"]],
  [
    "a searchable number",
    { operator: "EQ", value: "655555555" },
    "hs_searchable_calculated_phone_number",
    ["Carmen"],
  ],
  ["times as milliseconds", { operator: "GT", value: "4102444800000" }, "createdate", []],
  [
    "times as ISO",
    { operator: "LTE", value: "2100-01-01T00:00:00Z" },
    "createdate",
    ["Anna", "Bram", "Carmen"],
  ],
  ["ids", { operator: "BETWEEN", value: "1", highValue: "30000000002" }, "hs_object_id", ["Anna", "Bram"]],
])("finds by %s", async (_, filter, propertyName, expected) => {
  expect(await names(await startWithContacts(), [{ propertyName, ...filter }])).toEqual(expected);
});

test("groups are alternatives, the filters of a group hold together", async () => {
  const portal = await startWithContacts();
  const eq = (propertyName: string, value: string) => ({ propertyName, operator: "EQ", value });
  const { body } = await search(portal, {
    filterGroups: [
      { filters: [eq("firstname", "anna"), eq("lifecyclestage", "customer")] },
      { filters: [eq("firstname", "bram"), eq("lifecyclestage", "customer")] },
      { filters: [eq("firstname", "carmen")] },
    ],
  });
  expect([body.total, body.results.map((contact) => contact.properties["firstname"])]).toEqual([
    2,
    ["Bram", "Carmen"],
  ]);
});

test("sorts by one property either way and pages with after", async () => {
  const portal = await startWithContacts();
  expect(await names(portal, [], { sorts: ["-firstname"] })).toEqual(["Carmen", "Bram", "Anna"]);
  const ascending = { sorts: [{ propertyName: "firstname", direction: "ASCENDING" }], limit: 2 };
  const first = await search(portal, { filterGroups: [], ...ascending });
  expect(first.body.paging?.next.after).toBe("2");
  const second = await search(portal, { filterGroups: [], ...ascending, after: "2" });
  expect(second.body.results.map((contact) => contact.properties["firstname"])).toEqual(["Carmen"]);
  expect(second.body.paging).toBeUndefined();
});

const filter = { propertyName: "firstname", operator: "EQ", value: "a" };
const group = (size: number) => ({ filters: Array.from({ length: size }, () => filter) });

test.each<[string, object]>([
  ["six groups", { filterGroups: Array.from({ length: 6 }, () => group(1)) }],
  ["seven filters in a group", { filterGroups: [group(7)] }],
  ["nineteen filters", { filterGroups: [group(6), group(6), group(6), group(1)] }],
  ["a body over 3,000 characters", { filterGroups: [], query: "x".repeat(3000) }],
  ["a limit over 200", { filterGroups: [], limit: 201 }],
  ["more than the first 10,000", { filterGroups: [], limit: 100, after: "9901" }],
  ["two sorts", { filterGroups: [], sorts: ["email", "firstname"] }],
  ["an unknown property", { filterGroups: [{ filters: [{ ...filter, propertyName: "nope" }] }] }],
  ["an unknown operator", { filterGroups: [{ filters: [{ ...filter, operator: "LIKE" }] }] }],
  ["IN without values", { filterGroups: [{ filters: [{ ...filter, operator: "IN" }] }] }],
  ["EQ without a value", { filterGroups: [{ filters: [{ propertyName: "firstname", operator: "EQ" }] }] }],
])("refuses %s", async (_, body) => {
  const portal = await startPortal();
  const answer = await search(portal, body);
  expect([answer.status, answer.body.category]).toEqual([400, "VALIDATION_ERROR"]);
});

test("takes what is just within the limits", async () => {
  const portal = await startPortal();
  const most = { filterGroups: [group(6), group(6), group(6)], limit: 100, after: "9900" };
  expect((await search(portal, most)).status).toBe(200);
});

test("sees changes late: new, changed and archived ones as they were before", async () => {
  let now = Date.parse("2026-11-20T10:00:00Z");
  const portal = await startPortal({ limits: false, now: () => now });
  const old = portal.people.addContact({ firstname: "Old" });
  const gone = portal.people.addContact({ firstname: "Gone" });
  now += 60_000;
  portal.indexLagMs = 5_000;
  portal.people.edit("contacts", old, { firstname: "Changed" });
  portal.people.archive("contacts", gone);
  portal.people.addContact({ firstname: "New" });
  now += 4_999;
  expect(await names(portal, [])).toEqual(["Old", "Gone"]);
  expect(await names(portal, [{ propertyName: "firstname", operator: "EQ", value: "changed" }])).toEqual([]);
  now += 1;
  expect(await names(portal, [])).toEqual(["Changed", "New"]);
  portal.indexLagMs = 60_000;
  expect(await names(portal, [])).toEqual(["Old", "Gone"]);
});

test("never returns archived records", async () => {
  const portal = await startPortal();
  portal.people.archive("contacts", portal.people.addContact({ firstname: "Gone" }));
  expect(await names(portal, [])).toEqual([]);
});
