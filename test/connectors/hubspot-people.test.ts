import { describe, expect, test } from "vitest";
import type { ContactRef } from "../../src/core/contact.ts";
import { callRecord, type PortalOptions, readyPortal, saved, storedCall } from "./hubspot-portal.ts";

const accounts: [string, PortalOptions][] = [
  ["with our property", {}],
  ["of the next version", { apiVersion: "2026-09" }],
  ["without our property", { callUnique: false }],
];

/** A logged call on Sanne, and what people can do to it. */
async function loggedCall(options: PortalOptions) {
  const portal = await readyPortal(options);
  const { people } = portal.crm;
  const person = (firstname: string): ContactRef => ({
    id: people.addContact({ firstname }),
    kind: "contact",
  });
  const [sanne, bram] = [person("Sanne"), person("Bram")];
  const ravi = people.addOwner({ email: "ravi@example.com" });
  const call = storedCall(portal, callRecord("1", { contact: sanne, ownerId: ravi }));
  const { saved: id } = saved([await call.deliver()]);
  const seen = () => people.calls()[0];
  return { portal, people, call, id, sanne, bram, ravi, seen };
}

describe.each(accounts)("what people do to a logged call (account %s)", (_name, options) => {
  test("a field that a rep wrote stays, the others go on", async () => {
    const { people, call, id, seen } = await loggedCall(options);
    people.edit("calls", id, { hs_call_title: "Wants a car" });
    const fields = {
      ...call.record().fields,
      hs_call_title: "Inbound call of 61 s",
      hs_call_duration: 61_000,
    };
    expect(await call.deliver({ fields })).toMatchObject({
      kept: ["hs_call_title"],
      wrote: { hs_call_duration: 61_000 },
    });
    expect(await call.deliver()).toMatchObject({ kept: ["hs_call_title"], wrote: {} });
    expect(seen()?.properties).toMatchObject({ hs_call_title: "Wants a car", hs_call_duration: "61000" });
  });

  test("a field that a rep emptied stays empty", async () => {
    const { people, call, id, seen } = await loggedCall(options);
    people.edit("calls", id, { hs_call_title: "" });
    expect(await call.deliver({ fields: { hs_call_title: "Another" } })).toMatchObject({
      kept: ["hs_call_title"],
    });
    expect(seen()?.properties).not.toHaveProperty("hs_call_title");
  });

  test("another owner stays", async () => {
    const { people, call, id, ravi, seen } = await loggedCall(options);
    const eva = people.addOwner({ email: "eva@example.com" });
    people.edit("calls", id, { hubspot_owner_id: eva });
    expect(await call.deliver({ ownerId: ravi, fields: { hs_call_title: "b" } })).toMatchObject({
      kept: ["ownerId"],
      wrote: { hs_call_title: "b" },
    });
    expect(seen()?.properties["hubspot_owner_id"]).toBe(eva);
  });

  test("a change of ours of the owner goes through when nobody else made one", async () => {
    const { people, call, seen } = await loggedCall(options);
    const eva = people.addOwner({ email: "eva@example.com" });
    expect(await call.deliver({ ownerId: eva })).toMatchObject({ kept: [], wrote: { ownerId: eva } });
    expect(seen()?.properties["hubspot_owner_id"]).toBe(eva);
  });

  test("a call that was moved to another contact stays there", async () => {
    const { people, call, id, sanne, bram, seen } = await loggedCall(options);
    people.dissociate(id, "contacts", sanne.id);
    people.associate(id, "contacts", bram.id);
    await call.deliver({ fields: { hs_call_title: "b" } });
    expect(seen()).toMatchObject({
      associations: { contacts: [bram.id] },
      properties: { hs_call_title: "b" },
    });
  });

  test("a call that was taken off its contact stays off", async () => {
    const { people, call, id, sanne, seen } = await loggedCall(options);
    people.dissociate(id, "contacts", sanne.id);
    await call.deliver({ fields: { hs_call_title: "b" } });
    expect(seen()?.associations).toEqual({});
  });

  test("a contact that a rep gave to a call of nobody's stays, and we learn of it", async () => {
    const portal = await readyPortal(options);
    const { people } = portal.crm;
    const [sanne, bram] = ["Sanne", "Bram"].map((firstname) => people.addContact({ firstname }));
    const call = storedCall(portal, callRecord("1"));
    const { saved: id } = saved([await call.deliver()]);
    people.associate(id, "contacts", bram ?? "");
    const contact: ContactRef = { id: sanne ?? "", kind: "contact" };
    expect(await call.deliver({ contact })).toMatchObject({ contact: { id: bram }, kept: ["contactId"] });
    expect(people.calls()[0]?.associations).toEqual({ contacts: [bram] });
  });

  test("a call of nobody's gets the contact that is known later", async () => {
    const portal = await readyPortal(options);
    const call = storedCall(portal, callRecord("1"));
    await call.deliver();
    const id = portal.crm.people.addContact({ firstname: "Sanne" });
    const contact: ContactRef = { id, kind: "contact" };
    expect(await call.deliver({ contact })).toMatchObject({ contact, wrote: { contactId: id } });
    expect(portal.crm.people.calls()[0]?.associations).toEqual({ contacts: [id] });
  });

  test("a deleted call stays deleted", async () => {
    const { people, call, id } = await loggedCall(options);
    people.archive("calls", id);
    expect(await call.deliver({ fields: { hs_call_title: "b" } })).toEqual({
      key: "acme:voys:1",
      gone: true,
    });
    expect(people.calls()).toEqual([]);
  });

  test("a call that is deleted while we write stays deleted, and its neighbours are written", async () => {
    const { portal, people, call, id } = await loggedCall(options);
    const other = storedCall(portal, callRecord("2"));
    await other.deliver();
    const records = [call, other].map((one) => ({ ...one.record(), fields: { hs_call_title: "b" } }));
    portal.crm.faults.add({ type: "slow", ms: 400, match: "batch update" });
    const saving = portal.connector.saveCalls(records);
    await expect.poll(() => portal.asked().includes("batch update"), { interval: 1 }).toBe(true);
    people.archive("calls", id);
    expect(await saving).toMatchObject([{ gone: true }, { wrote: { hs_call_title: "b" } }]);
    expect(people.calls()).toMatchObject([{ properties: { hs_call_title: "b" } }]);
  });
});
