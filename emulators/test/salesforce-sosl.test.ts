import { expect, test } from "vitest";
import { codeOf, type Org, startOrg } from "./salesforce-requests.ts";

async function idsOf({ search }: Org, sosl: string): Promise<unknown[]> {
  const { body } = await search(sosl);
  return (body as { searchRecords: { Id: string }[] }).searchRecords.map(({ Id }) => Id);
}

const phones = (find: string) =>
  `FIND {${find}} IN PHONE FIELDS RETURNING Contact(Id), Lead(Id), Account(Id)`;

test("finds numbers by all of their digits and by each group of them, not by other parts", async () => {
  const org = await startOrg();
  const { people } = org.salesforce;
  people.addField("Contact", "Direct_Line__c", "phone");
  const writings = [
    "+31 20 123 4567",
    "(020) 123-4567",
    "0031201234567",
    "020 1234567 ext 89",
    "020 765 4321",
  ];
  const ids = writings.map((Phone, index) => people.addContact({ LastName: `C${index}`, OtherPhone: Phone }));
  expect(await idsOf(org, phones("0201234567"))).toEqual([ids[1], ids[3]]);
  expect(await idsOf(org, phones("201234567"))).toEqual([]);
  expect(await idsOf(org, phones("\\+31201234567"))).toEqual([ids[0]]);
  expect(await idsOf(org, phones("4567"))).toEqual([ids[0], ids[1]]);
  expect(await idsOf(org, phones("89"))).toEqual([ids[3]]);
  expect(await idsOf(org, phones("0201234567 OR 0207654321"))).toEqual([ids[1], ids[3], ids[4]]);
  expect(await idsOf(org, phones("0031*"))).toEqual([ids[2]]);
  expect(await idsOf(org, phones("2212345678"))).toEqual([]);
  const direct = people.addContact({ LastName: "Direct", Direct_Line__c: "(020) 999-0000" });
  expect(await idsOf(org, phones("0209990000"))).toEqual([direct]);
});

test("returns what was asked for, object by object", async () => {
  const org = await startOrg();
  const { people } = org.salesforce;
  const account = people.addAccount({ Name: "Acme", Phone: "020 1234567" });
  const [one, two] = ["Bos", "Abel"].map((LastName) =>
    people.addContact({ LastName, AccountId: account, Phone: "020 1234567" }),
  );
  const lead = people.addLead({ LastName: "Vos", Phone: "020 1234567" });
  people.convertLead(people.addLead({ LastName: "Was", Phone: "020 1234567" }));
  const returning =
    "RETURNING Lead(Id WHERE IsConverted = false), Contact(Id, LastName, Account.Name WHERE LastName IN ('Bos', 'Abel') ORDER BY LastName)";
  const { body } = await org.search(`FIND {0201234567} IN PHONE FIELDS ${returning} LIMIT 50`);
  expect(body).toMatchObject({
    searchRecords: [
      { attributes: { type: "Lead" }, Id: lead },
      { Id: two, LastName: "Abel", Account: { Name: "Acme" } },
      { Id: one, LastName: "Bos" },
    ],
  });
  expect(await idsOf(org, `FIND {0201234567} ${returning} LIMIT 2`)).toEqual([lead, two]);
  expect(await idsOf(org, "FIND {0201234567} RETURNING Contact(Id LIMIT 1)")).toHaveLength(1);
  expect(await idsOf(org, "FIND {acme} RETURNING Account")).toContain(account);
});

test("finds words and phrases", async () => {
  const org = await startOrg();
  const id = org.salesforce.people.addContact({
    FirstName: "Anna",
    LastName: "de Vries",
    Email: "a@example.com",
  });
  const find = (text: string) => idsOf(org, `FIND {${text}} IN ALL FIELDS RETURNING Contact(Id)`);
  expect(await find("anna")).toEqual([id]);
  expect(await find("ann*")).toEqual([id]);
  expect(await find("ann")).toEqual([]);
  expect(await find('"de vries"')).toEqual([id]);
  expect(await find("anna AND vries")).toEqual([id]);
  expect(await find("anna AND NOT vries")).toEqual([]);
  expect(await find("(bert OR anna) vries")).toEqual([id]);
  expect(await find("a@example.com")).toEqual([id]);
});

test.each([
  ..."&|!{[]^~:'+-".split("").map((character) => `020${character}123`),
  "*123",
  "?123",
  '"020',
  "1",
  "",
  "020 OR",
  "(020",
])("refuses FIND {%s}", async (text) => {
  const { search } = await startOrg();
  expect(codeOf(await search(phones(text)))).toBe("400 MALFORMED_SEARCH");
});

test("takes reserved characters that are escaped", async () => {
  const { search } = await startOrg();
  const text = [..."&|!{}[]^~:'+-*?\"\\"].map((character) => `02${`\\${character}`}12`).join(" OR ");
  expect((await search(phones(text))).status).toBe(200);
});

test.each([
  ["nothing to find", "RETURNING Contact(Id)", "MALFORMED_SEARCH"],
  ["something after the end", "FIND {020} RETURNING Contact(Id) LIMIT 5 PLEASE", "MALFORMED_SEARCH"],
  ["more than there may be", "FIND {020} RETURNING Contact(Id) LIMIT 2001", "MALFORMED_SEARCH"],
  ["an object that nobody has", "FIND {020} RETURNING Nothing(Id)", "INVALID_TYPE"],
  ["a field that nobody has", "FIND {020} RETURNING Contact(Id, Foo)", "INVALID_FIELD"],
])("refuses %s", async (_what, sosl, code) => {
  const { search } = await startOrg();
  expect(codeOf(await search(sosl))).toBe(`400 ${code}`);
});

test("does not know what was written just now", async () => {
  let now = Date.parse("2026-05-01T12:00:00Z");
  const org = await startOrg({ now: () => now, searchLagMs: 5000 });
  const id = org.salesforce.people.addContact({ LastName: "Vos", Phone: "020 1234567" });
  now += 4999;
  expect(await idsOf(org, phones("1234567"))).toEqual([]);
  expect(await org.rows("SELECT Id FROM Contact")).toHaveLength(1);
  now += 1;
  expect(await idsOf(org, phones("1234567"))).toEqual([id]);
  org.salesforce.people.remove("Contact", id);
  expect(await idsOf(org, phones("1234567"))).toEqual([]);
});

test("a search text that is too long loses its operators, then finds nothing", async () => {
  const org = await startOrg();
  org.salesforce.people.addContact({ LastName: "Vos", Phone: "020 1234567" });
  const text = (count: number) => Array.from({ length: count }, () => "1234567 OR 7654321").join(" OR ");
  expect(await idsOf(org, phones(text(100)))).toHaveLength(1);
  expect(await idsOf(org, phones(text(200)))).toEqual([]);
});

test("answers with a bare list before version 37", async () => {
  const { salesforce } = await startOrg();
  const url = `${salesforce.url}/services/data/v36.0/search?q=${encodeURIComponent(phones("020"))}`;
  expect(await (await fetch(url, { headers: { authorization: "Bearer token" } })).json()).toEqual([]);
});

test("finds person accounts by the numbers of their person", async () => {
  const org = await startOrg({ personAccounts: true });
  const account = org.salesforce.people.addAccount({ LastName: "Vos", PersonMobilePhone: "06 12345678" });
  const soql = "SELECT Id, IsPersonAccount, MobilePhone, Account.PersonContactId FROM Contact";
  const [contact] = await org.rows(soql);
  expect(contact).toMatchObject({ IsPersonAccount: true, MobilePhone: "06 12345678" });
  expect(contact).toMatchObject({ Account: { PersonContactId: contact?.["Id"] } });
  expect(await idsOf(org, phones("0612345678"))).toEqual([contact?.["Id"], account]);
  org.salesforce.people.edit("Account", account, { PersonMobilePhone: "06 87654321" });
  expect(await idsOf(org, phones("0687654321"))).toEqual([contact?.["Id"], account]);
});
