import { afterEach, describe, expect, test } from "vitest";
import type { Contact, ContactRef } from "../../src/core/contact.ts";
import type { Connector } from "../../src/core/crm.ts";
import { type ArrangedOrg, type ArrangeOptions, arrangeOrg } from "./salesforce-org.ts";

const dayMs = 86_400_000;
const number = "+31612345678";

type Round = { contacts: Contact[]; removed: ContactRef[]; cursor: string; pages: number; full: boolean };

describe("keeping contacts of Salesforce up to date", () => {
  let crm: ArrangedOrg;
  let now: number;
  const arrange = async (options: ArrangeOptions = {}) => {
    now = Date.now();
    crm = await arrangeOrg({ ...options, now: () => now });
    return crm;
  };
  const round = async (from?: string, connector: Connector = crm.connector): Promise<Round> => {
    const all: Round = { contacts: [], removed: [], cursor: "", pages: 0, full: false };
    for (let cursor = from, more = true; more; all.pages += 1) {
      const page = await connector.changedContacts?.(cursor);
      if (!page) throw new Error("no page");
      if (page.full) expect(all.pages).toBe(0);
      all.full ||= page.full === true;
      all.contacts.push(...page.contacts);
      all.removed.push(...page.removed);
      cursor = all.cursor = page.cursor;
      more = page.more;
    }
    return all;
  };
  afterEach(() => crm.tearDown());

  test("reads all of them first, page by page, and then only what changed", async () => {
    const { org } = await arrange({ org: { contacts: 1_200 } });
    const lead = org.people.addLead({ Phone: number });
    const account = org.people.addAccount({ Phone: number });
    org.people.convertLead(org.people.addLead({ LastName: "Converted" }));
    now += 3_600_000;
    const first = await round();
    expect(first).toMatchObject({ full: true, pages: 3, removed: [] });
    expect(new Set(first.contacts.map(({ id }) => id)).size).toBe(1_200 + 4);
    expect(first.contacts.filter(({ kind }) => kind === "lead").map(({ id }) => id)).toEqual([lead]);
    expect(first.contacts.map(({ id }) => id)).toContain(account);
    now += dayMs;
    expect(await round(first.cursor)).toMatchObject({ full: false, pages: 1, contacts: [], removed: [] });
    org.people.edit("Contact", first.contacts[7]?.id ?? "", { Phone: number });
    const third = await round(first.cursor);
    expect(third.contacts).toMatchObject([
      { id: first.contacts[7]?.id, phones: expect.arrayContaining([number]) },
    ]);
  });

  test("tells what was deleted, merged or converted", async () => {
    const { org } = await arrange();
    const { people } = org;
    const [deleted, winner, loser, back] = ["a", "b", "c", "d"].map((LastName) =>
      people.addContact({ LastName }),
    );
    const lead = people.addLead({});
    const account = people.addAccount({});
    const { cursor } = await round();
    now += dayMs;
    people.remove("Contact", deleted ?? "");
    people.merge(winner ?? "", loser ?? "");
    people.remove("Account", account);
    const contact = people.convertLead(lead);
    people.remove("Contact", back ?? "");
    people.edit("Contact", back ?? "", { IsDeleted: false });
    now += 60_000;
    const { removed, contacts } = await round(cursor);
    expect(removed.map(({ kind, id }) => `${kind} ${id}`).sort()).toEqual(
      [`contact ${deleted}`, `contact ${loser}`, `lead ${lead}`, `company ${account}`].sort(),
    );
    expect(contacts.map(({ id }) => id)).toEqual(expect.arrayContaining([contact, back]));
  });

  test("goes on in the middle after a restart", async () => {
    const { connector } = await arrange({ org: { contacts: 1_200 } });
    const first = await connector.changedContacts?.(undefined);
    expect(first).toMatchObject({ more: true, full: true });
    const rest = await round(first?.cursor, crm.again());
    expect(rest.full).toBe(false);
    const ids = [...(first?.contacts ?? []), ...rest.contacts].map(({ id }) => id);
    expect(ids).toHaveLength(1_200);
    expect(new Set(ids).size).toBe(1_200);
  });

  test("loses nothing that changes while the first list is read", async () => {
    const { org, connector } = await arrange({ org: { contacts: 2_500 } });
    const first = await connector.changedContacts?.(undefined);
    const late = org.people.addContact({ Phone: number });
    const early = first?.contacts[0]?.id ?? "";
    org.people.edit("Contact", early, { Phone: "+31687654321" });
    const deleted = first?.contacts[1]?.id ?? "";
    org.people.remove("Contact", deleted);
    const rest = await round(first?.cursor);
    expect(rest.contacts.map(({ id }) => id)).toEqual(expect.arrayContaining([late, early]));
    now += 2 * 60_000;
    expect((await round(rest.cursor)).removed).toContainEqual({ id: deleted, kind: "contact" });
  });

  test("reads a change again that became visible late", async () => {
    const { org } = await arrange();
    const { cursor } = await round();
    const id = org.people.addContact({ SystemModstamp: new Date(now - 120_000).toISOString() });
    now += dayMs;
    expect((await round(cursor)).contacts).toMatchObject([{ id }]);
  });

  test("keeps who was taken out of the recycle bin again", async () => {
    const { org } = await arrange();
    const id = org.people.addContact({});
    const { cursor } = await round();
    const body = { deletedRecords: [{ id, deletedDate: new Date(now).toISOString() }] };
    org.faults.add({ type: "status", status: 200, body, match: "/sobjects/Contact/deleted", times: 1 });
    expect(await round(cursor)).toMatchObject({ contacts: [{ id }], removed: [] });
  });

  test("pages through many that changed in the same second", async () => {
    const { org } = await arrange();
    const ids = Array.from({ length: 700 }, (_, i) => org.people.addContact({ LastName: String(i) }));
    const first = await round();
    expect(first).toMatchObject({ pages: 2 });
    expect(first.contacts.map(({ id }) => id).sort()).toEqual(ids.sort());
  });

  test("starts anew when the mapping asks for other fields, or after a month", async () => {
    let fields = ["Title"];
    const { org } = await arrange({ contactFields: () => fields });
    org.people.addContact({ Title: "Boss", Department: "Sales" });
    const first = await round();
    expect(first.contacts).toMatchObject([{ fields: { Title: "Boss" } }]);
    fields = ["Department"];
    const second = await round(first.cursor);
    expect(second).toMatchObject({ full: true, contacts: [{ fields: { Department: "Sales" } }] });
    now += 30 * dayMs;
    expect(await round(second.cursor)).toMatchObject({ full: true });
  });

  test("starts anew when Salesforce no longer knows what was deleted", async () => {
    const { org } = await arrange();
    org.people.addContact({});
    const { cursor } = await round();
    const body = [
      { errorCode: "INVALID_REPLICATION_DATE", message: "startDate before org replication enabled date" },
    ];
    org.faults.add({ type: "status", status: 400, body, match: "deleted", times: 1 });
    expect(await round(cursor)).toMatchObject({ full: true, contacts: [{ kind: "contact" }] });
    expect(await round("not a cursor of ours")).toMatchObject({ full: true });
  });

  test("lists a person account once, as its contact", async () => {
    const { org } = await arrange({ org: { personAccounts: true } });
    org.people.addAccount({ LastName: "Bos", PersonMobilePhone: number });
    const { contacts } = await round();
    expect(contacts).toMatchObject([{ kind: "contact", name: "Bos", phones: [number] }]);
  });
});
