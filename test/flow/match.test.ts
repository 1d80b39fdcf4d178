import { afterEach, expect, test } from "vitest";
import type { Contact } from "../../src/core/contact.ts";
import type { Connector } from "../../src/core/crm.ts";
import type { SimulatedCall } from "../../src/core/provider.ts";
import { explainCall } from "../../src/flow/explain/explain.ts";
import { inboundCall, scriptOf, sendAll, settledActivities, synced } from "../support/calls.ts";
import { type ServerOptions, startServer, type TestServer, waitFor } from "../support/server.ts";

let server: TestServer;
afterEach(() => server.stop());

async function start(options: ServerOptions): Promise<void> {
  server = await startServer(options);
  await synced(server);
}

async function tell(given: Partial<SimulatedCall> & { id: string }): Promise<void> {
  await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", given)));
}

/** The activity of a call from this number, and the words for how its contact was found. */
async function callFrom(customer: string) {
  const id = `from ${customer}`;
  await tell({ id, customer });
  await settledActivities(server);
  const key = `acme:voys:${id}`;
  const activity = await waitFor("the activity", () =>
    server.crm().activities.find((one) => one["key"] === key),
  );
  const contact = (await explainCall(server.parts.flow.store, key))?.contact;
  return { activity, contact };
}

/** Replaces how the CRM finds contacts; returns the numbers of each request. */
function crmFinds(find: (numbers: readonly string[]) => Promise<Map<string, Contact[]>>): string[][] {
  const connector = server.parts.installations.get("acme")?.connector as Connector;
  const asked: string[][] = [];
  connector.findContacts = (numbers) => {
    asked.push([...numbers]);
    return find(numbers);
  };
  return asked;
}

const shared = [
  {
    id: "1",
    kind: "company",
    phones: ["020 111 11 11"],
    ownerId: "11",
    activeAt: "2026-10-01T00:00:00.000Z",
  },
  { id: "2", kind: "lead", phones: ["020 111 11 11"], ownerId: "11" },
  { id: "3", kind: "contact", phones: ["+31 20 1111111"] },
  { id: "4", phones: ["+31202222222"], activeAt: "2026-10-01T00:00:00.000Z" },
  { id: "5", phones: ["+31202222222"], ownerId: "12" },
  { id: "6", phones: ["+31203333333"], activeAt: "2026-01-01T00:00:00.000Z" },
  { id: "7", phones: ["+31203333333"], activeAt: "2026-10-01T00:00:00.000Z" },
  { id: "10", phones: ["+31204444444"] },
  { id: "9", phones: ["+31204444444"] },
];

test("national, international and E.164 writings of one number find the same contact", async () => {
  await start({ contacts: [{ id: "2", name: "Piet", phones: ["06-1234 5678"] }] });
  for (const writing of [
    "+31612345678",
    "0612345678",
    "0031 6 12345678",
    "31612345678",
    "tel:+31612345678",
  ]) {
    const { activity, contact } = await callFrom(writing);
    expect(activity["contactId"], writing).toBe("2");
    expect(contact?.reason).toBe("the only one with this number");
  }
});

test("of several with one number it takes the best kind, then the owned, the active, the lowest id, and says so", async () => {
  await start({ contacts: shared });
  for (const [number, winner, reason, losers] of [
    ["+31201111111", "3", "3 have this number: prefers contact before lead before company", ["2", "1"]],
    ["+31202222222", "5", "2 have this number: prefers a contact with an owner", ["4"]],
    ["+31203333333", "7", "2 have this number: prefers the most recently active", ["6"]],
    ["+31204444444", "9", "2 have this number: prefers the lowest id", ["10"]],
  ] as const) {
    const { activity, contact } = await callFrom(number);
    expect(activity["contactId"], number).toBe(winner);
    expect(contact).toMatchObject({ lookup: "index", reason, chosen: { id: winner } });
    expect(contact?.runnersUp.map(({ id }) => id)).toEqual(losers);
  }
});

test("an installation may prefer companies", async () => {
  await start({ contacts: shared, settings: { contactOrder: ["company", "lead"] } });
  const { activity, contact } = await callFrom("+31201111111");
  expect(activity["contactId"]).toBe("1");
  expect(contact?.reason).toBe("3 have this number: prefers company before lead");
  expect(contact?.runnersUp.map(({ id }) => id)).toEqual(["2", "3"]);
});

test.each([
  ["020-123 45 67", "one of the company's own numbers"],
  ["sip:anna@voip.example.com", "a SIP address, not a phone number"],
  ["201", "an extension or short code"],
  ["anonymous", "the caller withheld the number"],
])("a call from %s is logged without looking anybody up: %s", async (customer, why) => {
  await start({
    contacts: [{ id: "1", phones: ["+31201234567", "201", "anonymous"] }],
    settings: { companyNumbers: ["+31 20 123 4567"], unknownCallers: "always" },
  });
  const asked = crmFinds(async () => new Map());
  const { activity, contact } = await callFrom(customer);
  expect(contact?.lookup).toBe(`not looked up: ${why}`);
  expect(activity).not.toHaveProperty("contactId");
  expect(asked).toEqual([]);
  expect(server.crm().contacts).toHaveLength(1);
});

test("whoever the CRM finds is in the index from then on", async () => {
  await start({ contacts: [] });
  const anna: Contact = { id: "77", kind: "contact", name: "Anna", phones: ["06 98765432"], fields: {} };
  const asked = crmFinds(async () => new Map([["+31698765432", [anna]]]));
  const first = await callFrom("+31698765432");
  expect(first.contact).toMatchObject({ lookup: "crm", chosen: { id: "77", name: "Anna" } });
  expect(first.activity["contactId"]).toBe("77");
  const second = await callFrom("0698765432");
  expect(second.contact).toMatchObject({ lookup: "index", chosen: { id: "77", name: "Anna" } });
  expect(second.activity["contactId"]).toBe("77");
  expect(asked).toEqual([["+31698765432"]]);
});

test("calls that wait together ask the CRM once, for each number once", async () => {
  await start({ contacts: [] });
  const gate = Promise.withResolvers<void>();
  const asked = crmFinds(async () => {
    await gate.promise;
    return new Map();
  });
  await tell({ id: "first", customer: "+31611111110" });
  await waitFor("the first request", () => asked.length === 1);
  const others = ["+31611111111", "+31611111112", "+31611111113", "+31611111111"];
  for (const [i, customer] of others.entries()) await tell({ id: `other-${i}`, customer });
  await waitFor("the calls", async () => {
    const { store, now } = server.parts.flow;
    return (await store.dueCalls("acme", now(), 100)).length === 5;
  });
  gate.resolve();
  await settledActivities(server, 5);
  expect(asked.map((numbers) => numbers.sort())).toEqual([["+31611111110"], others.slice(0, 3)]);
});
