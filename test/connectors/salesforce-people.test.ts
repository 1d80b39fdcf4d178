import { proceduralNumber } from "@switchhook/emulators/salesforce";
import { afterEach, describe, expect, test } from "vitest";
import { type ArrangedOrg, type ArrangeOptions, arrangeOrg } from "./salesforce-org.ts";

const dutch = "+31612345678";

describe("finding callers in Salesforce", () => {
  let crm: ArrangedOrg;
  const arrange = async (options: ArrangeOptions = {}) => {
    crm = await arrangeOrg(options);
    await crm.connector.prepare?.();
    crm.asked();
    return crm;
  };
  const found = async (number: string) => (await crm.connector.findContacts([number])).get(number) ?? [];
  afterEach(() => crm.tearDown());

  test("finds contacts, leads and companies with all that is known of them", async () => {
    const { org } = await arrange({
      contactFields: () => ["Department", "Industry", "Title", "NoSuchField"],
    });
    const account = org.people.addAccount({ Name: "Acme", Phone: dutch });
    const owner = org.people.addUser({ LastName: "Owner" });
    const contact = org.people.addContact({
      FirstName: "Sanne",
      LastName: "Bos",
      Email: "sanne@example.com",
      AccountId: account,
      OwnerId: owner,
      HomePhone: "06 1234 5678",
      MobilePhone: "+31 20 123 4567",
      Department: "Sales",
    });
    const lead = org.people.addLead({
      LastName: "Lead",
      Company: "Prospect",
      Phone: "06-12345678",
      Title: "Boss",
    });
    const people = await found(dutch);
    expect(people.map(({ kind, id }) => `${kind} ${id}`).sort()).toEqual(
      [`company ${account}`, `contact ${contact}`, `lead ${lead}`].sort(),
    );
    expect(people.find(({ id }) => id === contact)).toEqual({
      id: contact,
      kind: "contact",
      name: "Sanne Bos",
      email: "sanne@example.com",
      company: "Acme",
      ownerId: owner,
      phones: expect.arrayContaining(["06 1234 5678", "+31 20 123 4567"]),
      activeAt: expect.stringMatching(/Z$/),
      fields: { Department: "Sales" },
    });
    expect(people.find(({ id }) => id === lead)).toMatchObject({
      company: "Prospect",
      fields: { Title: "Boss" },
    });
  });

  test("does not take a number for another that contains it", async () => {
    const { org } = await arrange();
    org.people.addContact({ Phone: `${dutch}9` });
    expect(await found(dutch)).toEqual([]);
  });

  test.each([
    "(213) 777-1234",
    "213-777-1234",
    "+1 213 777 1234",
    "2137771234",
    "12137771234",
    "+12137771234",
  ])("finds an American number written %s, also while the search index lags", async (Phone) => {
    const { org } = await arrange({ region: "US", org: { searchLagMs: 3_600_000 } });
    const id = org.people.addContact({ Phone });
    expect(await found("+12137771234")).toMatchObject([{ id }]);
    org.settings.searchLagMs = 0;
    expect(await found("+12137771234")).toMatchObject([{ id }]);
    expect(crm.asked()).toEqual(["search", "composite", "search"]);
  });

  test("leaves converted leads to their contacts", async () => {
    const { org } = await arrange();
    const lead = org.people.addLead({ Phone: dutch });
    const contact = org.people.convertLead(lead);
    expect((await found(dutch)).map(({ id }) => id)).toContain(contact);
    expect((await found(dutch)).map(({ id }) => id)).not.toContain(lead);
  });

  test("takes a person account for its contact", async () => {
    const { org } = await arrange({ org: { personAccounts: true } });
    const account = org.people.addAccount({ LastName: "Bos", PersonMobilePhone: dutch });
    const contact = org.people.get("Account", account)?.["PersonContactId"];
    expect(await found(dutch)).toMatchObject([{ id: contact, kind: "contact", name: "Bos" }]);
  });

  test("looks up eighty numbers with one search, among a hundred thousand contacts", async () => {
    await arrange({ org: { contacts: 100_000 } });
    const numbers = Array.from({ length: 80 }, (_, i) => proceduralNumber(i * 1_000));
    const people = await crm.connector.findContacts(numbers);
    expect([...people.keys()].sort()).toEqual(numbers);
    expect(crm.asked()).toEqual(["search"]);
    expect(crm.connector.lookupSize).toBe(80);
  });

  test("halves a search that finds more than Salesforce tells", async () => {
    const { org } = await arrange();
    const numbers = [dutch, "+31687654321"];
    for (const Phone of numbers) for (let i = 0; i < 1_100; i += 1) org.people.addContact({ Phone });
    const people = await crm.connector.findContacts(numbers);
    expect(numbers.map((number) => people.get(number)?.length)).toEqual([1_100, 1_100]);
    expect(crm.asked()).toEqual(["search", "search", "search"]);
  });

  test("takes as many searches as more numbers need", async () => {
    await arrange({ org: { contacts: 1_000 } });
    const numbers = Array.from({ length: 300 }, (_, i) => proceduralNumber(i));
    expect((await crm.connector.findContacts(numbers)).size).toBe(300);
    expect(crm.asked().every((kind) => kind === "search")).toBe(true);
  });

  test("asks with one request more for the numbers that the index does not know, however many", async () => {
    const { org } = await arrange({ org: { searchLagMs: 3_600_000 } });
    const id = org.people.addLead({ MobilePhone: "06-12345678" });
    const numbers = [dutch, ...Array.from({ length: 79 }, (_, i) => proceduralNumber(i))];
    expect((await crm.connector.findContacts(numbers)).get(dutch)).toMatchObject([{ id, kind: "lead" }]);
    expect(crm.asked()).toEqual(["search", "composite"]);
  });
});
