import { Signature } from "@hubspot/api-client";
import { expect, test } from "vitest";
import { type HubspotOptions, signV3, startHubspot } from "../hubspot/index.ts";
import { startWithApp } from "./hubspot-app.ts";
import { ask } from "./hubspot-requests.ts";
import { listen, type Received } from "./hubspot-webhooks.ts";

async function listening(statuses: number[] = [], options: HubspotOptions = {}) {
  const app = await listen(...statuses);
  const webhookUrl = `${app.url}/hubspot/webhooks?portal=a%3Ab`;
  const started = await startWithApp({ webhookUrl, retryMs: 1, ...options });
  started.portal.people.install();
  const { portal } = started;
  const events = async () => {
    await portal.webhooksSettled();
    return app.received.flatMap((received) => received.events);
  };
  return { ...app, ...started, people: portal.people, events };
}

const isSigned = ({ url, headers, body }: Received, clientSecret = "secret-1") => {
  const timestamp = Number(headers["x-hubspot-request-timestamp"]);
  const signature = headers["x-hubspot-signature-v3"] ?? "";
  // The official client leaves the decoding of the URL to its caller.
  const decoded = url.replaceAll("%3A", ":");
  const signed = { method: "POST", url: decoded, requestBody: body, timestamp, signature, clientSecret };
  return Signature.isValid({ signatureVersion: "v3", ...signed });
};

test("a new contact is told, signed as the official client checks it", async () => {
  const { people, events, received } = await listening([], { now: Date.now });
  const id = people.addContact({ firstname: "Anna Müller", phone: "+31612345678" });
  expect(await events()).toEqual([
    {
      eventId: expect.any(Number),
      subscriptionId: expect.any(Number),
      portalId: 62_515,
      appId: 777,
      occurredAt: expect.any(Number),
      subscriptionType: "object.creation",
      attemptNumber: 0,
      objectId: Number(id),
      objectTypeId: "0-1",
      changeSource: expect.any(String),
    },
  ]);
  const [first] = received as [Received];
  expect([isSigned(first), isSigned(first, "guess")]).toEqual([true, false]);
  expect(isSigned({ ...first, body: `${first.body} ` })).toBe(false);
});

test("a signature decodes only what HubSpot decodes", () => {
  const signed = { method: "POST", body: "[]", secret: "s", timestamp: 1 };
  const sign = (url: string) => signV3({ ...signed, url });
  expect(sign("https://a.test/x?y=%3a%2F%40%21%24%27%28%29%2A%2C%3B%3F")).toBe(
    sign("https://a.test/x?y=:/@!$'()*,;?"),
  );
  for (const kept of ["%20", "%26", "%3D", "%23"]) {
    expect(sign(`https://a.test/${kept}`)).not.toBe(sign(`https://a.test/${decodeURIComponent(kept)}`));
  }
});

test("changes of watched properties are told one by one, others not", async () => {
  const { people, events } = await listening([], { webhookProperties: ["phone", "email"] });
  const id = people.addContact({ firstname: "Anna", phone: "+31612345678", email: "a@example.com" });
  people.edit("contacts", id, { phone: "+31687654321", email: "", firstname: "Anne" });
  people.edit("contacts", id, { phone: "+31687654321" });
  const changes = (await events()).filter((event) => event.subscriptionType === "object.propertyChange");
  const told = changes.map(({ objectId, propertyName, propertyValue }) => [
    objectId,
    propertyName,
    propertyValue,
  ]);
  expect(told.sort()).toEqual([
    [Number(id), "email", ""],
    [Number(id), "phone", "+31687654321"],
  ]);
});

test("writes over the API are told too", async () => {
  const { portal, events } = await listening();
  const made = await ask(portal, "POST", "objects/contacts", { properties: { firstname: "Anna" } });
  await ask(portal, "DELETE", `objects/contacts/${made.body.id}`);
  const told = (await events()).map(({ subscriptionType }) => subscriptionType);
  expect(told.sort()).toEqual(["object.creation", "object.deletion"]);
});

test("a merge tells who stays and who goes, and no deletion", async () => {
  const { people, events } = await listening();
  const [winner = "", loser = ""] = ["A", "B"].map((firstname) => people.addContact({ firstname }));
  people.merge(winner, loser);
  const told = await events();
  expect(told.find((event) => event.subscriptionType === "object.merge")).toMatchObject({
    objectId: Number(winner),
    primaryObjectId: Number(winner),
    mergedObjectIds: [Number(loser)],
  });
  expect(told.map((event) => event.subscriptionType)).not.toContain("object.deletion");
});

test("whoever is deleted for privacy is told, and found nowhere", async () => {
  const { portal, people, events } = await listening([], { contacts: 10 });
  const listed = async (query = "") =>
    (await ask(portal, "GET", `objects/contacts?limit=100${query}`)).body.results.map(({ id }) => id);
  const [generated = ""] = await listed();
  const added = people.addContact({ firstname: "Anna", email: "a@example.com" });
  const call = people.add("calls", { hs_timestamp: "2026-11-20T10:00:00Z" });
  people.associate(call, "contacts", added);
  for (const id of [generated, added]) {
    people.privacyDelete(id);
    expect((await ask(portal, "GET", `objects/contacts/${id}`)).status).toBe(404);
    expect((await ask(portal, "GET", `objects/contacts/${id}?archived=true`)).status).toBe(404);
    expect([...(await listed()), ...(await listed("&archived=true"))]).not.toContain(id);
  }
  const search = await ask(portal, "POST", "objects/contacts/search", { query: "a@example.com" });
  expect(search.body.total).toBe(0);
  expect(people.calls().map(({ id, associations }) => [id, associations])).toEqual([[call, {}]]);
  const told = (await events()).filter((event) => event.subscriptionType === "contact.privacyDeletion");
  expect(told.map(({ objectId }) => String(objectId)).sort()).toEqual([generated, added].sort());
});

test("events come in batches of up to a hundred, in no order", async () => {
  const { people, events, received } = await listening();
  const ids = Array.from({ length: 250 }, (_, at) => Number(people.addContact({ firstname: `C${at}` })));
  const told = (await events()).map(({ objectId }) => objectId);
  expect(received.map((delivery) => delivery.events.length).sort()).toEqual([100, 100, 50]);
  expect(told).not.toEqual(ids);
  expect([...told].sort((a, b) => a - b)).toEqual(ids);
});

test("a failed delivery comes again until it is taken", async () => {
  const { people, events, portal } = await listening([500, 0, 302, 404]);
  people.addContact({ firstname: "Anna" });
  const told = await events();
  expect(told.map(({ attemptNumber }) => attemptNumber)).toEqual([0, 1, 2, 3, 4]);
  expect(new Set(told.map(({ eventId }) => eventId)).size).toBe(1);
  expect(portal.deliveries.map(({ status }) => status)).toEqual([500, 0, 302, 404, 204]);
});

test("after ten more attempts an event is given up", async () => {
  const { people, events } = await listening(Array.from({ length: 20 }, () => 503));
  people.addContact({ firstname: "Anna" });
  expect(await events()).toHaveLength(11);
});

test("nothing is told after the emulator stops, though it waits to try again", async () => {
  const { people, portal, received } = await listening([500], { retryMs: 60_000 });
  people.addContact({ firstname: "Anna" });
  await expect.poll(() => portal.deliveries[0]?.status).toBe(500);
  await portal.stop();
  await portal.webhooksSettled();
  expect(received).toHaveLength(1);
});

test("an event can come twice", async () => {
  const { people, portal, events } = await listening();
  portal.faults.add({ type: "duplicate", match: "object.deletion", times: 1 });
  const ids = ["A", "B"].map((firstname) => people.addContact({ firstname }));
  for (const id of ids) people.archive("contacts", id);
  const told = (await events()).filter((event) => event.subscriptionType === "object.deletion");
  expect(told.map(({ objectId }) => objectId).sort()).toEqual([ids[0], ids[0], ids[1]].map(Number));
  expect(new Set(told.map(({ eventId }) => eventId)).size).toBe(2);
});

test("nothing is told before the app is installed, after it is uninstalled, and of anything but contacts", async () => {
  const { people, portal, events } = await listening();
  people.add("companies", { name: "Company" });
  people.uninstall();
  people.addContact({ firstname: "Anna" });
  expect(await events()).toEqual([]);
  people.install();
  portal.webhookUrl = undefined;
  people.addContact({ firstname: "Bram" });
  expect(await events()).toEqual([]);
});

test("webhooks need an app, whose secret signs them", async () => {
  await expect(startHubspot({ webhookUrl: "http://localhost/" })).rejects.toThrow("webhooks are an app's");
});
