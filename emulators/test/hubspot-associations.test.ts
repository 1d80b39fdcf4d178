import { expect, test } from "vitest";
import type { HubspotEmulator } from "../hubspot/index.ts";
import { ask, startPortal } from "./hubspot-requests.ts";

const pair = (from: string, to: string) => ({ from: { id: from }, to: { id: to } });

async function startWithCall(): Promise<{ portal: HubspotEmulator; call: string; contact: string }> {
  const portal = await startPortal();
  const call = portal.people.add("calls", { hs_timestamp: "2026-11-20T10:00:00Z" });
  return { portal, call, contact: portal.people.addContact({ firstname: "Anna" }) };
}

const linked = (portal: HubspotEmulator) => portal.people.calls().map(({ associations }) => associations);

test.each(["2026-03", "2026-09"])(
  "%s: default associations of a batch are 200, with errors inside",
  async (version) => {
    const { portal, call, contact } = await startWithCall();
    const path = `/crm/associations/${version}/calls/contacts/batch/associate/default`;
    const inputs = [pair(call, contact), pair(call, "404")];
    const answer = await ask(portal, "POST", path, { inputs });
    expect([answer.status, answer.body.numErrors]).toEqual([200, 1]);
    expect(answer.body.errors[0]).toMatchObject({
      context: { fromObjectId: [call], toObjectId: ["404"] },
      message: expect.stringContaining("CONTACT=404 is not valid"),
    });
    expect(linked(portal)).toEqual([{ contacts: [contact] }]);
  },
);

test.each([
  ["2026-03", "create", 201],
  ["2026-09", "create", 200],
  ["2026-03", "archive", 200],
  ["2026-09", "archive", 200],
  ["v4", "create", 201],
  ["v4", "archive", 204],
])("%s: batch %s answers %i", async (version, verb, status) => {
  const portal = await startPortal({ legacyPaths: true });
  const call = portal.people.add("calls", { hs_timestamp: "0" });
  const contact = portal.people.addContact({ firstname: "Anna" });
  const base = version === "v4" ? "/crm/v4/associations" : `/crm/associations/${version}`;
  const types = [{ associationCategory: "HUBSPOT_DEFINED", associationTypeId: 194 }];
  const row =
    verb === "create" ? { ...pair(call, contact), types } : { ...pair(call, contact), to: [{ id: contact }] };
  const answer = await ask(portal, "POST", `${base}/calls/contacts/batch/${verb}`, { inputs: [row] });
  expect(answer.status).toBe(status);
  expect(linked(portal)).toEqual([verb === "create" ? { contacts: [contact] } : {}]);
});

test("reads the associations of many, and names those that have none", async () => {
  const { portal, call, contact } = await startWithCall();
  const alone = portal.people.add("calls", { hs_timestamp: "0" });
  portal.people.associate(call, "contacts", contact);
  const inputs = [{ id: call }, { id: alone }];
  const answer = await ask(portal, "POST", "associations/calls/contacts/batch/read", { inputs });
  expect(answer.status).toBe(207);
  expect(answer.body.results).toEqual([
    {
      from: { id: call },
      to: [
        {
          toObjectId: Number(contact),
          associationTypes: [{ category: "HUBSPOT_DEFINED", typeId: 194, label: null }],
        },
      ],
    },
  ]);
  expect(answer.body.errors[0]?.context).toEqual({ fromObjectId: [alone] });
});

test("lists the associations of one, except in 2026-09", async () => {
  const { portal, call, contact } = await startWithCall();
  portal.people.associate(call, "contacts", contact);
  const list = (version: string) =>
    ask(portal, "GET", `/crm/objects/${version}/contacts/${contact}/associations/calls`);
  expect((await list("2026-03")).body.results).toMatchObject([{ toObjectId: Number(call) }]);
  expect((await list("2026-09")).status).toBe(404);
});

test("a labelled association replaces the labels of the pair", async () => {
  const portal = await startPortal();
  const contact = portal.people.addContact({ firstname: "Anna" });
  const company = portal.people.add("companies", { name: "Bakker" });
  const path = "associations/contacts/companies/batch";
  const label = async (associationTypeId: number) => {
    const types = [{ associationCategory: "HUBSPOT_DEFINED", associationTypeId }];
    await ask(portal, "POST", `${path}/create`, { inputs: [{ ...pair(contact, company), types }] });
    const read = await ask(portal, "POST", `${path}/read`, { inputs: [{ id: contact }] });
    return read.body.results[0]?.["to"];
  };
  expect(await label(1)).toMatchObject([{ associationTypes: [{ typeId: 1 }, { typeId: 279 }] }]);
  expect(await label(279)).toMatchObject([{ associationTypes: [{ typeId: 279 }] }]);
  const wrong = [{ associationCategory: "HUBSPOT_DEFINED", associationTypeId: 194 }];
  const refused = await ask(portal, "POST", `${path}/create`, {
    inputs: [{ ...pair(contact, company), types: wrong }],
  });
  expect([refused.status, refused.body.results]).toEqual([207, []]);
});

test.each([
  ["associate/default", 2000, (id: string) => pair(id, id)],
  ["read", 1000, (id: string) => ({ id })],
  ["archive", 100, (id: string) => ({ from: { id }, to: [{ id }] })],
])("batch %s takes %i rows, not one more", async (verb, most, row) => {
  const portal = await startPortal();
  const path = `associations/calls/contacts/batch/${verb}`;
  const inputs = Array.from({ length: most + 1 }, (_, at) => row(String(at)));
  expect((await ask(portal, "POST", path, { inputs })).status).toBe(400);
  expect((await ask(portal, "POST", path, { inputs: inputs.slice(1) })).status).toBeLessThan(300);
});

test("refuses types that do not exist and rows without both ends", async () => {
  const { portal, call } = await startWithCall();
  const inputs = [pair(call, call)];
  expect((await ask(portal, "POST", "associations/calls/meetings/batch/read", { inputs })).status).toBe(400);
  expect((await ask(portal, "POST", "associations/calls/tasks/batch/read", { inputs })).status).toBe(400);
  const half = await ask(portal, "POST", "associations/calls/contacts/batch/associate/default", {
    inputs: [{ from: { id: call } }],
  });
  expect(half.status).toBe(400);
});
