import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { ExtraProperty } from "@switchhook/emulators/hubspot/definitions";
import { describe, expect, onTestFinished, test } from "vitest";
import { createHubspot } from "../../connectors/hubspot/index.ts";
import { callRecord, type Portal, readyPortal, saved, withoutSchemas } from "./hubspot-portal.ts";

const hubspot = createHubspot();

const number = "+31201112233";

const phoneProperty = (name: string): ExtraProperty => ({
  objectType: "contacts",
  name,
  type: "string",
  fieldType: "phonenumber",
});

async function lookUp({ connector }: Portal, wanted = number) {
  return (await connector.findContacts([wanted])).get(wanted) ?? [];
}

async function listed({ connector }: Portal, from?: string) {
  const contacts = [];
  let cursor = from;
  for (let more = true; more; ) {
    const page = await connector.changedContacts?.(cursor);
    if (!page) throw new Error("no changes are told");
    contacts.push(...page.contacts);
    ({ cursor, more } = page);
  }
  return { contacts, cursor };
}

describe("a phone property that the account's admin added", () => {
  test.each(["+31201112233", "020 111 2233", "020-1112233", "0201112233", "31201112233"])(
    "is searched and indexed: %s",
    async (typed) => {
      const portal = await readyPortal({ properties: [phoneProperty("direct_line")] });
      const id = portal.crm.people.addContact({ firstname: "Sanne", direct_line: typed });
      expect((await lookUp(portal)).map((one) => one.id)).toEqual([id]);
      expect((await listed(portal)).contacts[0]?.phones).toContain(typed);
    },
  );

  test("is one of many, more than one search can ask for", async () => {
    const names = Array.from({ length: 12 }, (_, i) => `line_${i}`);
    const portal = await readyPortal({ properties: names.map(phoneProperty) });
    const id = portal.crm.people.addContact({ firstname: "Sanne", line_11: number });
    expect((await lookUp(portal)).map((one) => one.id)).toEqual([id]);
  });

  test("a fax machine calls nobody", async () => {
    const portal = await readyPortal();
    portal.crm.people.addContact({ fax: number });
    expect(await lookUp(portal)).toEqual([]);
    expect((await listed(portal)).contacts[0]?.phones).toEqual([]);
  });
});

describe("a company", () => {
  test("is found by its main line, in any usual writing", async () => {
    const portal = await readyPortal();
    const owner = portal.crm.people.addOwner({ email: "ravi@example.com" });
    const id = portal.crm.people.add("companies", {
      ...{ name: "Groninger Fietsen", phone: "020 111 2233", hubspot_owner_id: owner },
    });
    const company = { id, kind: "company", name: "Groninger Fietsen", ownerId: owner };
    expect(await lookUp(portal)).toMatchObject([company]);
    expect((await listed(portal)).contacts[0]).toMatchObject(company);
  });

  test("is not looked for where a contact has the number", async () => {
    const portal = await readyPortal();
    portal.crm.people.add("companies", { name: "Groninger Fietsen", phone: number });
    const id = portal.crm.people.addContact({ firstname: "Sanne", phone: number });
    expect((await lookUp(portal)).map((one) => one.id)).toEqual([id]);
    expect(portal.asked()).toEqual(["search"]);
  });

  test("that changes or goes is told by the sync, however many there are", async () => {
    const portal = await readyPortal({ contacts: 250 });
    const ids = Array.from({ length: 250 }, (_, i) =>
      portal.crm.people.add("companies", { name: `No. ${i}` }),
    );
    const first = await listed(portal);
    const companies = first.contacts.filter(({ kind }) => kind === "company");
    expect(new Set(companies.map(({ id }) => id))).toEqual(new Set(ids));
    portal.passes(1_800_000);
    portal.crm.people.edit("companies", ids[3] ?? "", { phone: number });
    const second = await listed(portal, first.cursor);
    expect(second.contacts.find(({ id }) => id === ids[3])).toMatchObject({
      kind: "company",
      phones: [number],
    });
    portal.crm.people.archive("companies", ids[3] ?? "");
    portal.passes(3_600_000);
    const page = await portal.connector.changedContacts?.(second.cursor);
    const last = await portal.connector.changedContacts?.(page?.cursor);
    expect([...(page?.removed ?? []), ...(last?.removed ?? [])]).toEqual([{ id: ids[3], kind: "company" }]);
  });

  test("gets the call", async () => {
    const portal = await readyPortal();
    const id = portal.crm.people.add("companies", { name: "Groninger Fietsen", phone: number });
    const result = await portal.connector.saveCalls([callRecord("1", { contact: { id, kind: "company" } })]);
    expect(saved(result).contact).toEqual({ id, kind: "company" });
    expect(portal.crm.people.calls()[0]?.associations).toEqual({ companies: [id] });
  });

  test("is left alone in an account that does not show its companies", async () => {
    const scopes = withoutSchemas.filter((one) => !/companies/.test(one));
    const portal = await readyPortal({ scopes, granted: () => [] });
    portal.crm.people.add("companies", { name: "Groninger Fietsen", phone: number });
    expect(await lookUp(portal)).toEqual([]);
    expect(portal.warnings).toContainEqual(expect.stringMatching(/^calls are not matched with companies/));
  });
});

test.each([
  ["+5215598765432", "+525598765432", "MX"],
  ["+553198765432", "+5531998765432", "BR"],
  ["+5491198765432", "+541198765432", "AR"],
  ["011 15-9876-5432", "+541198765432", "AR"],
])("a search finds %s as %s in an account of %s", async (typed, wanted, region) => {
  const portal = await readyPortal({ region });
  const id = portal.crm.people.addContact({ phone: typed });
  expect((await lookUp(portal, wanted)).map((one) => one.id)).toEqual([id]);
});

test("search bodies have every member that HubSpot's specification of 2026-03 requires", async () => {
  const bodies: Record<string, unknown>[] = [];
  const server = createServer(async (request, response) => {
    const body = await text(request);
    if (request.url?.endsWith("/search")) bodies.push(JSON.parse(body));
    const properties = [{ name: "phone", type: "string", fieldType: "phonenumber" }];
    const results = request.url?.includes("/properties/") ? properties : [];
    response.setHeader("content-type", "application/json").end(JSON.stringify({ total: 0, results }));
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  onTestFinished(() => void server.close());
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const settings = hubspot.settings.parse({ type: "hubspot", token: "secret", apiUrl });
  const context = {
    installation: "acme",
    region: "NL",
    contactFields: () => [],
    now: Date.now,
    warn: () => {},
  };
  const connector = hubspot.connect(settings, context);
  onTestFinished(() => connector.close?.());
  await connector.findContacts([number]);
  expect(bodies.length).toBeGreaterThan(0);
  for (const body of bodies)
    expect(Object.keys(body).sort()).toEqual(["after", "filterGroups", "limit", "properties", "sorts"]);
});
