import { signV3 } from "@switchhook/emulators/hubspot";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { providers } from "../../src/providers/index.ts";
import { type InstallSite, installSite } from "../support/install-site.ts";
import { waitFor } from "../support/server.ts";

const number = "+31611112222";

let site: InstallSite;
let name: string;
beforeEach(async () => {
  site = await installSite("hubspot", { webhooks: true });
  ({ name } = await site.install());
  await waitFor("the first sync", async () => (await state()).finishedAt);
});
afterEach(() => site.stop());

const store = () => site.server.parts.flow.store;
const state = () => store().syncState(name);
const known = async (of = number) => (await store().contactsByNumber(name, [of])).get(of)?.[0];
const add = (phone = number) => site.world.addContact({ name: "Noor", phone });
const asked = (kind: string) => site.portal.requests.filter((request) => request.kind === kind).length;

/** Posts to our public URL, signed as HubSpot signs. */
function post(body: string, change: { secret?: string; timestamp?: number } = {}) {
  const url = `${site.publicUrl}/webhooks/hubspot`;
  const { secret = site.clientSecret, timestamp = Date.now() } = change;
  const headers = {
    "content-type": "application/json",
    "x-hubspot-signature-v3": signV3({ method: "POST", url, body, secret, timestamp }),
    "x-hubspot-request-timestamp": String(timestamp),
  };
  return fetch(url, { method: "POST", headers, body });
}

describe("a contact in HubSpot", () => {
  test("that is new is known to an AI agent's inbound call within seconds, with HubSpot away", async () => {
    const path = `/api/installations/${name}/settings`;
    const { settings, version } = (await (await site.get(path)).json()) as {
      settings: { providers: object };
      version: number;
    };
    const retell = { apiKey: "retell-key" };
    const changed = { ...settings, providers: { ...settings.providers, retell } };
    const before = (await state()).finishedAt ?? 0;
    await fetch(`${site.server.url}${path}`, {
      method: "PUT",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ version, settings: changed }),
    });
    await waitFor("a sync with the new settings", async () => ((await state()).finishedAt ?? 0) > before);
    add();
    await waitFor("the index", () => known());
    site.world.fail();
    const call_inbound = { from_number: number, to_number: "+31201234567" };
    const body = Buffer.from(JSON.stringify({ event: "call_inbound", call_inbound }));
    const request = { afterSeconds: 0, method: "POST" as const, query: "", headers: {}, body };
    const url = `${site.publicUrl}/webhooks/${name}/retell`;
    const proof = { now: Date.now(), url };
    const asked = site.server.parts.installations.get(name)?.providers["retell"]?.settings;
    const { headers } = providers["retell"]?.simulate.sign(request, asked as never, proof) ?? request;
    const answer = await fetch(url, { method: "POST", headers, body });
    expect(JSON.stringify(await answer.json())).toContain("Noor");
  });

  test("gets its new owner and number, and loses the old one", async () => {
    const id = add();
    await waitFor("the index", () => known());
    const owner = site.world.addOwner("eva@example.com");
    const phone = "+31633334444";
    site.portal.people.edit("contacts", id, { hubspot_owner_id: owner, phone });
    await waitFor("the new number", async () => (await known(phone))?.ownerId === owner);
    expect(await known()).toBeUndefined();
  });

  test("that is deleted is unknown", async () => {
    const id = add();
    await waitFor("the index", () => known());
    site.world.removeContact(id);
    await waitFor("its end", async () => (await known()) === undefined);
  });

  test("that is merged away answers for the survivor", async () => {
    const winner = add();
    const loser = add("+31633334444");
    await waitFor("the index", async () => (await known()) && known("+31633334444"));
    site.portal.people.merge(winner, loser);
    await waitFor("the loser's end", async () => {
      const gone = await store().contact(name, { id: loser, kind: "contact" });
      return gone === undefined && (await store().contact(name, { id: winner, kind: "contact" }));
    });
  });

  test("whose call was logged before it was there gets it", async () => {
    const stranger = site.portal.people.contacts()[0]?.id ?? "";
    site.portal.people.edit("contacts", stranger, { phone: "" });
    await waitFor("the number's end", async () => (await known("+31687654321")) === undefined);
    await site.sendCall(name, "early");
    await waitFor("the call in the CRM", () => site.world.calls().length === 1);
    const id = add("+31687654321");
    await waitFor("its contact", () => site.world.calls()[0]?.contactId === id);
  });
});

test("a thousand events are few requests", async () => {
  const before = asked("batch read");
  for (let i = 0; i < 1_000; i += 1) add(`+316${String(20_000_000 + i)}`);
  await site.portal.webhooksSettled();
  await waitFor("the last of them", () => known("+31620000999"));
  await waitFor("all of them", async () => (await store().countContacts(name)) === 1_001);
  expect(asked("batch read") - before).toBeLessThanOrEqual(12);
});

describe("a request that is not HubSpot's", () => {
  test("is refused: another secret, an old one, no signature", async () => {
    expect((await post("[]", { secret: "another" })).status).toBe(401);
    expect((await post("[]", { timestamp: Date.now() - 301_000 })).status).toBe(401);
    expect((await post("[]", { timestamp: Date.now() + 301_000 })).status).toBe(401);
    const bare = await fetch(`${site.publicUrl}/webhooks/hubspot`, { method: "POST", body: "[]" });
    expect(bare.status).toBe(401);
    expect((await post("[]")).status).toBe(200);
  });

  test("is refused when it is no list or too large, and of a CRM without webhooks", async () => {
    expect((await post("{")).status).toBe(400);
    expect((await post("{}")).status).toBe(400);
    expect((await post(" ".repeat(1_000_001))).status).toBe(413);
    const other = await fetch(`${site.publicUrl}/webhooks/salesforce`, { method: "POST", body: "[]" });
    expect(other.status).toBe(404);
  });

  test("and one about an account that nobody connected here changes nothing", async () => {
    const id = add();
    await waitFor("the index", () => known());
    const of = (portalId: number) =>
      JSON.stringify([{ portalId, subscriptionType: "object.deletion", objectId: Number(id) }]);
    expect((await post(of(99))).status).toBe(200);
    add("+31633334444");
    await waitFor("a later round", () => known("+31633334444"));
    expect(await known()).toBeDefined();
    expect((await post(of(62_515))).status).toBe(200);
    await waitFor("its end", async () => (await known()) === undefined);
  });
});

test("whoever asks HubSpot to be erased is erased here before HubSpot is answered", async () => {
  const id = add();
  await waitFor("the index", () => known());
  await site.sendCall(name, "first", number);
  await waitFor("the call in the CRM", () => site.world.calls()[0]?.contactId === id);
  const key = `${name}:voys:first`;
  await waitFor("its contact in the store", async () => (await store().call(key))?.row.contact);
  site.portal.people.privacyDelete(id);
  await site.portal.webhooksSettled();
  expect(site.portal.deliveries.at(-1)?.status).toBe(200);
  expect(await known()).toBeUndefined();
  const found = await (await site.get(`/api/calls/${key}`)).text();
  expect(found).toContain("erased on request");
  expect(found).not.toMatch(/11112222|Noor/);
  expect(await store().newDeliveries(name, 10)).toEqual([]);
  expect(await store().deliveriesIn({ installation: name }, 0, 10)).toEqual([]);
});
