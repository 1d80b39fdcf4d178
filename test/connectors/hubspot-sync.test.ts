import { describe, expect, test } from "vitest";
import type { Contact, ContactRef } from "../../src/core/contact.ts";
import { type Portal, readyPortal } from "./hubspot-portal.ts";

type Pages = { contacts: Contact[]; removed: ContactRef[]; cursor: string; full: boolean[]; pages: number };

/** Reads on until there is no more. `pauseMs`: passes between two pages. */
async function readAll(portal: Portal, from?: string, mostPages = 500, pauseMs = 0): Promise<Pages> {
  const all: Pages = { contacts: [], removed: [], cursor: from ?? "", full: [], pages: 0 };
  for (let more = true; more && all.pages < mostPages; ) {
    const page = await portal.connector.changedContacts?.(all.cursor || undefined);
    if (!page) throw new Error("no changes are told");
    all.contacts.push(...page.contacts);
    all.removed.push(...page.removed);
    all.full.push(page.full === true);
    all.pages += 1;
    ({ cursor: all.cursor, more } = page);
    portal.passes(pauseMs);
  }
  return all;
}

const idsOf = (list: readonly { id: string }[]) => list.map(({ id }) => id);
const hour = 3_600_000;

describe("the first sync", () => {
  test("lists all contacts by pages, and says at the first one only that it is complete", async () => {
    const portal = await readyPortal({ contacts: 450 });
    const { contacts, full } = await readAll(portal);
    expect(new Set(idsOf(contacts)).size).toBe(450);
    expect(full).toEqual([true, ...Array(full.length - 1).fill(false)]);
    // The companies, of which there are none, are one page more.
    expect(portal.asked().filter((kind) => kind === "list")).toHaveLength(6);
  });

  test("goes on where it was, also after a restart", async () => {
    const portal = await readyPortal({ contacts: 450 });
    const first = await readAll(portal, undefined, 2);
    portal.reconnect();
    const rest = await readAll(portal, first.cursor);
    expect(rest.full).not.toContain(true);
    const ids = idsOf([...first.contacts, ...rest.contacts]);
    expect(new Set(ids).size).toBe(450);
    expect(ids).toHaveLength(450);
  });

  test("misses nobody who changed while it was under way", async () => {
    const portal = await readyPortal({ contacts: 250 });
    const first = await readAll(portal, undefined, 2);
    const [early] = first.contacts;
    portal.passes(1_000);
    portal.crm.people.edit("contacts", early?.id ?? "", { phone: "+31201234567" });
    const rest = await readAll(portal, first.cursor);
    expect(rest.contacts.find(({ id }) => id === early?.id)?.phones).toContain("+31201234567");
  });

  test("starts anew from a cursor that is not ours", async () => {
    const portal = await readyPortal({ contacts: 3 });
    for (const cursor of ["nonsense", "{}", "null", '{"step":"list"}'])
      expect(await readAll(portal, cursor)).toMatchObject({ full: [true, false], contacts: { length: 3 } });
  });
});

describe("a later sync", () => {
  test("tells only those who changed since, and then nobody", async () => {
    const portal = await readyPortal({ contacts: 1_000 });
    const { cursor } = await readAll(portal);
    portal.passes(hour / 2);
    portal.crm.people.edit("contacts", "1000500", { firstname: "Sanne" });
    const added = portal.crm.people.addContact({ firstname: "Bram" });
    portal.asked();
    const second = await readAll(portal, cursor);
    expect(idsOf(second.contacts)).toEqual(["1000500", added]);
    expect(portal.asked()).toEqual(["search", "search"]);
    // Windows overlap, because HubSpot's index is late: those of the last moments come twice.
    portal.passes(hour / 8);
    const third = await readAll(portal, second.cursor);
    portal.passes(hour / 8);
    expect(await readAll(portal, third.cursor)).toMatchObject({ contacts: [], removed: [], pages: 1 });
  });

  test("sees a change that HubSpot's index showed late", async () => {
    const portal = await readyPortal({ contacts: 10, indexLagMs: 20_000 });
    const { cursor } = await readAll(portal);
    portal.passes(hour / 2);
    portal.crm.people.edit("contacts", "1000005", { firstname: "Sanne" });
    portal.passes(1_000);
    const second = await readAll(portal, cursor);
    expect(second.contacts).toEqual([]);
    portal.passes(60_000);
    expect(idsOf((await readAll(portal, second.cursor)).contacts)).toEqual(["1000005"]);
  });

  test("reads more changes than one search can show, each of them", async () => {
    const portal = await readyPortal();
    const { cursor } = await readAll(portal);
    portal.passes(hour / 2);
    for (let i = 0; i < 10_150; i += 1) portal.crm.people.addContact({ firstname: `Number ${i}` });
    portal.asked();
    const { contacts } = await readAll(portal, cursor, 500, 1_000);
    expect(new Set(idsOf(contacts)).size).toBe(10_150);
    expect(new Set(portal.asked())).toEqual(new Set(["search"]));
  });

  test("goes on in the middle of many changes", async () => {
    const portal = await readyPortal();
    const { cursor } = await readAll(portal);
    portal.passes(hour / 2);
    for (let i = 0; i < 500; i += 1) portal.crm.people.addContact({ firstname: `Number ${i}` });
    const first = await readAll(portal, cursor, 1);
    portal.reconnect();
    portal.passes(1_000);
    const rest = await readAll(portal, first.cursor);
    expect(new Set(idsOf([...first.contacts, ...rest.contacts])).size).toBe(500);
    expect(rest.contacts).toHaveLength(300);
  });

  test("tells who was deleted, an hour later at most", async () => {
    const portal = await readyPortal({ contacts: 300 });
    const { cursor } = await readAll(portal);
    const gone = Array.from({ length: 150 }, (_, i) => String(1_000_001 + i));
    for (const id of gone) portal.crm.people.archive("contacts", id);
    portal.passes(hour);
    const second = await readAll(portal, cursor);
    expect(idsOf(second.removed).sort()).toEqual(gone);
    portal.passes(hour / 2);
    expect((await readAll(portal, second.cursor)).removed).toEqual([]);
  });

  test("tells who was merged into another, with the next change", async () => {
    const portal = await readyPortal({ contacts: 10 });
    const { cursor } = await readAll(portal);
    portal.passes(hour / 2);
    portal.crm.people.merge("1000002", "1000003");
    const { contacts, removed } = await readAll(portal, cursor);
    expect(idsOf(contacts)).toEqual(["1000002"]);
    expect(removed).toEqual([{ id: "1000003", kind: "contact" }]);
  });

  test("lists all anew when the mapping asks for other fields of a contact", async () => {
    const contactFields = ["jobtitle"];
    const portal = await readyPortal({ contacts: 10, contactFields });
    const { cursor } = await readAll(portal);
    contactFields.push("fax");
    const again = await readAll(portal, cursor);
    expect(again.full[0]).toBe(true);
    expect(again.contacts).toHaveLength(10);
    expect((await readAll(portal, again.cursor)).full).toEqual([false]);
  });

  test("lists all anew once a week", async () => {
    const portal = await readyPortal({ contacts: 10 });
    const { cursor } = await readAll(portal);
    portal.passes(6 * 24 * hour);
    const { cursor: later, full } = await readAll(portal, cursor);
    expect(full).not.toContain(true);
    portal.passes(25 * hour);
    expect((await readAll(portal, later)).full[0]).toBe(true);
  });
});

describe("owners", () => {
  test("are read, all pages of them, and those who left are marked", async () => {
    const portal = await readyPortal();
    const ids = Array.from({ length: 230 }, (_, i) =>
      portal.crm.people.addOwner({ email: `${i}@example.com`, firstName: "Ravi", lastName: String(i) }),
    );
    portal.crm.people.archiveOwner(ids[7] ?? "");
    const owners = (await portal.connector.owners?.()) ?? [];
    expect(owners).toHaveLength(230);
    expect(owners.filter(({ left }) => left)).toEqual([
      { id: ids[7], name: "Ravi 7", email: "7@example.com", left: true },
    ]);
    expect(owners[0]).toEqual({ id: ids[0], name: "Ravi 0", email: "0@example.com" });
  });
});
