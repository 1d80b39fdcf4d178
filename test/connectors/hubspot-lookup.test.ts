import { generatedContact } from "@switchhook/emulators/hubspot";
import { describe, expect, test } from "vitest";
import { type Portal, readyPortal } from "./hubspot-portal.ts";

const dutch = "+31612345678";

async function idsOf({ connector }: Portal, number: string): Promise<string[]> {
  const contacts = (await connector.findContacts([number])).get(number) ?? [];
  return contacts.map(({ id }) => id).sort();
}

/** The emulator refuses a search that is longer than 3,000 characters or has more than 18 filters. */
const statusesOfSearches = ({ requests }: Portal) =>
  new Set(requests.filter(({ kind }) => kind === "search").map(({ status }) => status));

describe("a number as somebody typed it", () => {
  test.each([
    ["+5511999999999", "+5511999999999", "US"],
    ["+33655555555", "+33655555555", "US"],
    ["513-227-1572", "+15132271572", "US"],
    ["(513) 227 1572", "+15132271572", "US"],
    ["08180854296", "+2348180854296", "NG"],
    ["0612345678", dutch, "NL"],
    ["+31 6 1234 5678", dutch, "US"],
    ["0031612345678", dutch, "NL"],
    ["34648739267", "+34648739267", "US"],
    ["31612345678", dutch, "US"],
    ["098765 43210", "+919876543210", "IN"],
    ["919876543210", "+919876543210", "IN"],
  ])("%s is %s in an account of %s, in either of the two fields", async (typed, number, region) => {
    const portal = await readyPortal({ region });
    const phone = portal.crm.people.addContact({ phone: typed });
    const mobile = portal.crm.people.addContact({ mobilephone: typed });
    portal.crm.people.addContact({ phone: "+31201234567" });
    expect(await idsOf(portal, number)).toEqual([phone, mobile].sort());
    expect(portal.asked()).toEqual(["search"]);
  });

  test.each([
    ["513-227-1572", "+15132271572", "NL"],
    ["513-227-1572", "+31513227157", "NL"],
    ["08180854296", "+15180854296", "US"],
    ["(877) 829-06966777", "+18778290696", "US"],
    ["00004", "+4", "US"],
    ["+44612345678", dutch, "NL"],
  ])("%s is not %s in an account of %s", async (typed, number, region) => {
    const portal = await readyPortal({ region });
    portal.crm.people.addContact({ phone: typed, mobilephone: typed });
    expect(await idsOf(portal, number)).toEqual([]);
  });

  test("one that HubSpot cannot read is found as it stands", async () => {
    const portal = await readyPortal({ region: "NL" });
    const unreadable = "+999123456789";
    const id = portal.crm.people.addContact({ mobilephone: unreadable });
    expect(portal.crm.people.contacts()[0]?.properties).not.toHaveProperty("hs_calculated_mobile_number");
    expect(await idsOf(portal, unreadable)).toEqual([id]);
  });
});

describe("a look-up", () => {
  test("finds all contacts who share a number, and for a number of nobody's none", async () => {
    const portal = await readyPortal();
    const ids = ["Sanne", "Bram"].map((firstname) =>
      portal.crm.people.addContact({ firstname, phone: "06 12 34 56 78" }),
    );
    const found = await portal.connector.findContacts([dutch, "+31201234567"]);
    expect([...found.keys()]).toEqual([dutch]);
    expect(
      found
        .get(dutch)
        ?.map(({ id }) => id)
        .sort(),
    ).toEqual(ids.sort());
  });

  test("finds a contact once who has the number twice", async () => {
    const portal = await readyPortal();
    const id = portal.crm.people.addContact({ phone: dutch, mobilephone: "0612345678" });
    expect(await idsOf(portal, dutch)).toEqual([id]);
  });

  test("says nothing of the other numbers of a contact", async () => {
    const portal = await readyPortal();
    portal.crm.people.addContact({ phone: dutch, mobilephone: "+31201234567" });
    expect([...(await portal.connector.findContacts([dutch])).keys()]).toEqual([dutch]);
  });

  test("asks for nothing when there is no number", async () => {
    const portal = await readyPortal();
    expect((await portal.connector.findContacts([])).size).toBe(0);
    expect(portal.asked()).toEqual([]);
  });

  test("of two hundred numbers takes few searches, none of which is too long", async () => {
    const portal = await readyPortal({ contacts: 1_000 });
    const known = Array.from({ length: 200 }, (_, i) => generatedContact(i * 5));
    const found = await portal.connector.findContacts(known.map(({ number }) => number));
    for (const { id, number } of known) expect(found.get(number)?.map((contact) => contact.id)).toEqual([id]);
    expect(portal.asked().length).toBeLessThanOrEqual(4);
    expect(statusesOfSearches(portal)).toEqual(new Set([200]));
  });

  test("of two hundred numbers of nobody's asks for every writing, none of which is too long", async () => {
    const portal = await readyPortal({ contacts: 10 });
    const id = portal.crm.people.addContact({ mobilephone: "31699999150" });
    const numbers = Array.from({ length: 200 }, (_, i) => `+31699999${String(i).padStart(3, "0")}`);
    const found = await portal.connector.findContacts(numbers);
    expect([...found].map(([number, [contact]]) => [number, contact?.id])).toEqual([["+31699999150", id]]);
    // Twelve for contacts, and the same numbers once more for companies.
    expect(portal.asked().length).toBeLessThanOrEqual(20);
    expect(statusesOfSearches(portal)).toEqual(new Set([200]));
  });

  test("brings what the mapping asks of a contact just now", async () => {
    const contactFields = ["jobtitle"];
    const portal = await readyPortal({ contactFields });
    const owner = portal.crm.people.addOwner({ email: "ravi@example.com" });
    portal.crm.people.addContact({
      ...{ firstname: " Sanne ", lastname: "de Vries", email: "Sanne@example.com", company: "Acme" },
      ...{ phone: dutch, jobtitle: "Buyer", fax: "020", hubspot_owner_id: owner, lifecyclestage: "customer" },
    });
    const look = async () => (await portal.connector.findContacts([dutch])).get(dutch)?.[0];
    expect(await look()).toMatchObject({
      ...{
        kind: "contact",
        name: "Sanne de Vries",
        email: "sanne@example.com",
        company: "Acme",
        ownerId: owner,
      },
      fields: { jobtitle: "Buyer", lifecyclestage: "customer" },
    });
    contactFields.push("fax");
    expect((await look())?.fields).toEqual({ jobtitle: "Buyer", lifecyclestage: "customer", fax: "020" });
  });

  test("sees a new contact as late as HubSpot's index does", async () => {
    const portal = await readyPortal({ indexLagMs: 10_000 });
    const id = portal.crm.people.addContact({ phone: dutch });
    expect(await idsOf(portal, dutch)).toEqual([]);
    portal.passes(10_000);
    expect(await idsOf(portal, dutch)).toEqual([id]);
  });

  test("does not find who was deleted or has another number now", async () => {
    const portal = await readyPortal();
    const [first, second] = [dutch, dutch].map((phone) => portal.crm.people.addContact({ phone }));
    portal.crm.people.archive("contacts", first ?? "");
    portal.crm.people.edit("contacts", second ?? "", { phone: "+31201234567" });
    expect(await idsOf(portal, dutch)).toEqual([]);
  });
});
