import { startHubspot } from "@switchhook/emulators/hubspot";
import { startSalesforce } from "@switchhook/emulators/salesforce";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createHubspot } from "../../connectors/hubspot/index.ts";
import { salesforce } from "../../connectors/salesforce/index.ts";
import type { Connector } from "../../src/core/crm.ts";

const hubspot = createHubspot();

/** What a CRM has, and the number that is looked up in it, region NL. All numbers are made up. */
const found = [
  ["06 - 87 65 43 01", "+31687654301"],
  ["+310687654302", "+31687654302"],
  ["+31 (0)6 87654303", "+31687654303"],
  ["0031687654304", "+31687654304"],
  ["M 06-87654305", "+31687654305"],
  ["06-87654306 (Axel)", "+31687654306"],
  ["06-87654307 (na 18u)", "+31687654307"],
  ["+31687654308, +31207654308", "+31207654308"],
  ["0687654309 / 0207654309", "+31687654309"],
  ["+1-203-555-0110 x204", "+12035550110"],
  ["+44 20 7946 0111 ext 12", "+442079460111"],
  ["tel:+1-203-555-0112;ext=204", "+12035550112"],
  ["+5215598765413", "+525598765413"],
  ["+5491198765414", "+541198765414"],
  ["+54 11 15 9876 5415", "+541198765415"],
  ["+553198765416", "+5531998765416"],
  ["+22507123417", "+2250707123417"],
] as const;

const context = {
  installation: "acme",
  region: "NL",
  contactFields: () => [],
  now: Date.now,
  warn: () => {},
};
const connectors: Record<string, Connector> = {};
const stops: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  const [portal, org] = await Promise.all([
    startHubspot({ limits: false, region: "NL" }),
    startSalesforce({ clientId: "client", clientSecret: "secret" }),
  ]);
  for (const [typed] of found) {
    portal.people.addContact({ firstname: typed, phone: typed });
    org.people.addContact({ LastName: typed, Phone: typed });
  }
  const hub = { type: "hubspot", token: portal.token, apiUrl: portal.url };
  const force = { type: "salesforce", loginUrl: org.url, clientId: "client", clientSecret: "secret" };
  connectors["HubSpot"] = hubspot.connect(hubspot.settings.parse(hub), context);
  connectors["Salesforce"] = salesforce.connect(salesforce.settings.parse(force), context);
  stops.push(portal.stop, org.stop);
});
afterAll(async () => {
  for (const connector of Object.values(connectors)) await connector.close?.();
  for (const stop of stops) await stop();
});

test.each(["HubSpot", "Salesforce"].flatMap((crm) => found.map((row) => [crm, ...row] as const)))(
  "%s's own search finds %s as %s",
  async (crm, typed, number) => {
    const contacts = (await connectors[crm]?.findContacts([number]))?.get(number) ?? [];
    expect(contacts.map(({ name }) => name)).toEqual([typed]);
  },
);
