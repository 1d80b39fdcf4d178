import { describe, expect, test } from "vitest";
import type { ContactRef } from "../../src/core/contact.ts";
import {
  callRecord,
  failure,
  type Portal,
  readyPortal,
  saved,
  storedCall,
  withoutSchemas,
} from "./hubspot-portal.ts";

const linksOf = ({ crm }: Portal, place = 0) => crm.people.calls()[place]?.associations ?? {};
const addContact = ({ crm }: Portal): ContactRef => ({
  id: crm.people.addContact({ firstname: "Sanne" }),
  kind: "contact",
});

describe("what a call is associated with", () => {
  test("a company, a deal and a ticket, besides the contact, each once", async () => {
    const portal = await readyPortal();
    const { people } = portal.crm;
    const company = people.add("companies", { name: "Acme" });
    const deal = people.add("deals", { dealname: "A car" });
    const ticket = people.add("tickets", { subject: "Broken", hs_pipeline_stage: "1" });
    const contact = addContact(portal);
    const call = storedCall(portal, callRecord("1", { contact, associate: { company, deal, ticket } }));
    expect(await call.deliver()).toMatchObject({
      wrote: { companyId: company, dealId: deal, ticketId: ticket },
    });
    expect(linksOf(portal)).toEqual({
      contacts: [contact.id],
      companies: [company],
      deals: [deal],
      tickets: [ticket],
    });
    portal.asked();
    await call.deliver();
    expect(portal.asked()).toEqual(["batch read"]);
  });

  test("a record that is not there only warns", async () => {
    const portal = await readyPortal();
    const company = portal.crm.people.add("companies", { name: "Acme" });
    const contact = addContact(portal);
    const results = await portal.connector.saveCalls([
      callRecord("1", { contact, associate: { company: "999" } }),
      callRecord("2", { contact, associate: { company } }),
      callRecord("3", { contact, associate: { company: "999" } }),
    ]);
    expect(results.every((result) => "saved" in result)).toBe(true);
    expect(saved(results).wrote).not.toHaveProperty("companyId");
    expect(linksOf(portal, 1)).toEqual({ contacts: [contact.id], companies: [company] });
    expect(portal.warnings).toEqual([expect.stringMatching(/company 999.*COMPANY=999 is not valid/)]);
  });

  test("without the permission for companies calls are logged all the same, and a warning names the scope", async () => {
    const scopes = withoutSchemas.filter((scope) => !scope.includes("companies"));
    const portal = await readyPortal({ scopes: [...scopes, "crm.schemas.contacts.write"] });
    const company = portal.crm.people.add("companies", { name: "Acme" });
    const deal = portal.crm.people.add("deals", { dealname: "A car" });
    const results = await portal.connector.saveCalls([callRecord("1", { associate: { company, deal } })]);
    expect(saved(results).wrote).toMatchObject({ dealId: deal });
    expect(linksOf(portal)).toEqual({ deals: [deal] });
    expect(portal.warnings).toContainEqual(
      expect.stringMatching(/logged without their companies.*crm\.objects\.companies\.read/),
    );
  });

  test("a type that calls cannot be associated with parks the call, and the reason says which ones there are", async () => {
    const portal = await readyPortal();
    const results = await portal.connector.saveCalls([
      callRecord("1", { associate: { invoice: "1" } }),
      callRecord("2"),
    ]);
    expect(failure(results[0])).toMatchObject({
      retry: "never",
      message: expect.stringMatching(/invoice.*company, deal, ticket/),
    });
    expect(portal.crm.people.calls()).toHaveLength(1);
  });
});

describe.each([
  ["2026-03", {}],
  ["2026-09", { apiVersion: "2026-09" }],
])("a contact that is no longer what it was (%s)", (_name, options) => {
  test("deleted before the association: the call is there, and is matched anew", async () => {
    const portal = await readyPortal(options);
    const contact = addContact(portal);
    portal.crm.people.archive("contacts", contact.id);
    const call = storedCall(portal, callRecord("1", { contact }));
    const result = await call.deliver();
    expect(result).toMatchObject({ contactGone: contact, failed: { retry: "later" } });
    const other = addContact(portal);
    expect(await call.deliver({ contact: other })).toMatchObject({ contact: other, created: false });
    expect(portal.crm.people.calls()).toHaveLength(1);
    expect(linksOf(portal)).toEqual({ contacts: [other.id] });
  });

  test("merged before the association: the call belongs to the one who is left", async () => {
    const portal = await readyPortal(options);
    const [winner, loser, gone] = [addContact(portal), addContact(portal), addContact(portal)];
    portal.crm.people.merge(winner.id, loser.id);
    portal.crm.people.archive("contacts", gone.id);
    const results = await portal.connector.saveCalls([
      callRecord("1", { contact: loser }),
      callRecord("2", { contact: gone }),
    ]);
    expect(results[0]).toHaveProperty("saved");
    expect(linksOf(portal)).toEqual({ contacts: [winner.id] });
  });

  test("one of a hundred: its neighbours are on their contacts", async () => {
    const portal = await readyPortal(options);
    const records = Array.from({ length: 100 }, (_, i) =>
      callRecord(String(i), { contact: addContact(portal) }),
    );
    portal.crm.people.archive("contacts", records[42]?.contact?.id ?? "");
    const results = await portal.connector.saveCalls(records);
    expect(results.flatMap((result) => ("failed" in result ? [result.key] : []))).toEqual(["acme:voys:42"]);
    const linked = portal.crm.people.calls().filter(({ associations }) => associations["contacts"]);
    expect(linked).toHaveLength(99);
  });

  test("a contact of ours that a person deleted is made anew, not asked for again and again", async () => {
    const portal = await readyPortal({ ...options, scopes: withoutSchemas });
    const createContact = { number: "+31612345678", fields: {} };
    await portal.connector.saveCalls([callRecord("1", { createContact })]);
    const [first] = portal.crm.people.contacts();
    portal.crm.people.archive("contacts", first?.id ?? "");
    const call = storedCall(portal, callRecord("2", { createContact }));
    expect(await call.deliver()).toMatchObject({ contactGone: { id: first?.id } });
    portal.passes(120_000);
    expect(await call.deliver()).toMatchObject({ contact: { id: portal.crm.people.contacts()[0]?.id } });
    expect(portal.crm.people.calls()).toHaveLength(2);
  });
});
