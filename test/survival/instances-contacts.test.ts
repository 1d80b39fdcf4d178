import { signV3 } from "@switchhook/emulators/hubspot";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import type { InstallBody } from "../../src/installations/installer.ts";
import { createSealer } from "../../src/lib/seal.ts";
import { crmIn, readManifest } from "../../src/manifest.ts";
import { hubspotWorld } from "../support/crm-worlds.ts";
import { openInstancesWorld } from "../support/instances-world.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { seeded } from "../support/random.ts";
import { waitFor } from "../support/server.ts";

const key = "a sealing key that is long enough to be one";
const client = { clientId: "our-app", clientSecret: "our-app-secret-of-the-test" };
const publicUrl = "https://hooks.example.com";
const name = "hubspot";
const vera = "+31687654321";
const portalId = 62_515;

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

/** Two instances with an account of HubSpot that has one contact, which both have seen. */
async function openWorld() {
  const { oauth } = crmIn(readManifest(), "hubspot");
  const { scopes = [], optionalScopes = [] } = oauth ?? {};
  const app = { ...client, appId: 7, redirectUris: [], requiredScopes: scopes, optionalScopes };
  const portal = await hubspotWorld({ app });
  onTestFinished(() => portal.emulator.stop());
  const contact = portal.addContact({ name: "Vera", phone: vera });
  const { accessToken, refreshToken = "" } = portal.portal.people.install();
  const settings = { region: "NL", providers: {} };
  const body: InstallBody = { account: { id: name, name }, scopes: [], changes: [], settings };
  const world = await openInstancesWorld({
    postgres,
    random: seeded(1),
    instances: 2,
    crms: {},
    file: { publicUrl, apps: { hubspot: { ...client, apiUrl: portal.emulator.url } } },
    environment: { SWITCHHOOK_KEY: key, SWITCHHOOK_ADMIN_TOKEN: "the-admin-token-of-the-instances" },
    prepare: async (store) => {
      await store.saveInstall({
        ...{
          name,
          crm: "hubspot",
          account: String(portalId),
          state: "active",
          version: 1,
          updatedAt: Date.now(),
        },
        body: JSON.stringify(body),
        sealed: createSealer([key]).seal(JSON.stringify({ accessToken, refreshToken, scopes: [] }), name),
      });
    },
  });
  const known = async () => (await world.store.contactsByNumber(name, [vera])).has(vera);
  await waitFor("the first sync", known, 60);
  return { world, contact, known };
}

/** As HubSpot reports to our app; resolves once it is acknowledged. */
async function report(url: string, subscriptionType: string, objectId: number): Promise<void> {
  const body = JSON.stringify([{ portalId, subscriptionType, objectId }]);
  const timestamp = Date.now();
  const target = { method: "POST", url: `${publicUrl}/webhooks/hubspot`, body };
  const headers = {
    "content-type": "application/json",
    "x-hubspot-signature-v3": signV3({ ...target, secret: client.clientSecret, timestamp }),
    "x-hubspot-request-timestamp": String(timestamp),
  };
  const answer = await fetch(`${url}/webhooks/hubspot`, { method: "POST", headers, body });
  expect(answer.status).toBe(200);
}

test.each(["the one that works for the account", "another one"])(
  "a contact whose removal was reported to an instance that is killed is unknown: %s",
  { timeout: 180_000 },
  async (which) => {
    const { world, contact, known } = await openWorld();
    const claims = await world.claims();
    const holder = claims.findLast(({ installation }) => installation === name)?.instance;
    const receiver = world.instances.find(({ number }) => (number === holder) === (which !== "another one"));
    if (!receiver) throw new Error("no such instance");
    await report(receiver.url, "object.deletion", Number(contact));
    await world.kill(receiver);
    await waitFor("its end", async () => !(await known()), 60);
    const waiting = () => world.store.dueContactChanges(name, Date.now(), 1);
    await waitFor("the end of the report", async () => (await waiting()).length === 0);
  },
);
