import { afterEach, beforeEach, expect, test } from "vitest";
import type { Connector } from "../../src/core/crm.ts";
import { matchableMs } from "../../src/flow/contacts/index-contacts.ts";
import { syncContacts } from "../../src/flow/contacts/sync.ts";
import { inboundCall, scriptOf, sendAll, settledActivities, synced } from "../support/calls.ts";
import { writeCrm } from "../support/crm-files.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

let server: TestServer;
const stranger = "+31687654321";
beforeEach(async () => {
  server = await startServer({ contacts: [] });
  await synced(server);
});
afterEach(() => server.stop());

async function logCall(id: string, customer = stranger): Promise<void> {
  await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", { id, customer })));
  await settledActivities(server);
}

function addToFile(contact: object): void {
  const file = server.crm();
  writeCrm(server.crmFile, { ...file, contacts: [...file.contacts, contact] });
}

const vera = { id: "9", name: "Vera", phones: ["06-87654321"], ownerId: "12" };

test("a contact that is added later gets its logged calls by itself, and nobody else's", async () => {
  await logCall("early-1");
  await logCall("early-2");
  await logCall("other", "+31611112222");
  expect(server.crm().activities.map(({ contactId }) => contactId)).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
  addToFile(vera);
  await waitFor(
    "both calls to be hers",
    () => server.crm().activities.filter(({ contactId }) => contactId === "9").length === 2,
  );
  const activities = await settledActivities(server, 3);
  expect(activities.map(({ key, contactId }) => [key, contactId])).toEqual([
    ["acme:voys:early-1", "9"],
    ["acme:voys:early-2", "9"],
    ["acme:voys:other", undefined],
  ]);
  expect(activities[0]).toMatchObject({ subject: expect.stringContaining("Vera") });
});

test("a number that is added to a known contact brings the calls of that number", async () => {
  addToFile({ ...vera, phones: ["+31600000001"] });
  await logCall("early");
  const file = server.crm();
  expect(file.activities[0]).not.toHaveProperty("contactId");
  const contacts = [{ ...vera, phones: ["+31600000001", stranger] }];
  writeCrm(server.crmFile, { ...file, contacts });
  await waitFor("the call to be hers", () => server.crm().activities[0]?.["contactId"] === "9");
});

test.each([
  ["just within 30 days is still associated", -60_000, 1],
  ["longer ago stays as it is", 60_000, 0],
])("a call %s", async (_, beyondMs, matched) => {
  await logCall("old");
  const { flow, installations } = server.parts;
  const installation = installations.get("acme");
  if (!installation) throw new Error("no acme");
  const [row] = await flow.store.calls({ installation: "acme", limit: 1 });
  const now = (row?.createdAt ?? 0) + matchableMs + beyondMs;
  const changedContacts = async () => ({
    contacts: [{ id: "9", kind: "contact" as const, phones: [stranger], fields: {} }],
    removed: [],
    cursor: "later",
    more: false,
  });
  const later = { ...installation, connector: { ...installation.connector, changedContacts } };
  expect(await syncContacts({ ...flow, now: () => now }, later)).toMatchObject({ contacts: 1, matched });
});

test("a person's own association is not overwritten when the number becomes known", async () => {
  addToFile({ id: "5", name: "Reception", phones: [] });
  await logCall("by hand");
  const file = server.crm();
  const activities = file.activities.map((activity) => ({ ...activity, contactId: "5" }));
  writeCrm(server.crmFile, { ...file, activities, contacts: [...file.contacts, vera] });
  const { store } = server.parts.flow;
  await waitFor("the contact", async () => (await store.contactsByNumber("acme", [stranger])).size === 1);
  const [activity] = await settledActivities(server);
  expect(activity).toMatchObject({ contactId: "5" });
});

test("a contact that becomes known while its call is on the way to the CRM gets the call", async () => {
  const connector = server.parts.installations.get("acme")?.connector as Connector;
  const { saveCalls } = connector;
  const gate = Promise.withResolvers<void>();
  let saving = false;
  connector.saveCalls = async (records) => {
    saving = true;
    await gate.promise;
    return saveCalls(records);
  };
  const call = inboundCall("voys", { id: "on its way", customer: stranger });
  await sendAll(server, "voys", scriptOf(server, "voys", call));
  await waitFor("the save", () => saving);
  addToFile(vera);
  const { store } = server.parts.flow;
  await waitFor("the contact", async () => (await store.contactsByNumber("acme", [stranger])).size === 1);
  gate.resolve();
  await waitFor("the call to be hers", () => server.crm().activities[0]?.["contactId"] === "9", 4);
});
