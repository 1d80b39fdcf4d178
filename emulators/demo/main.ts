import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { runServer } from "../../src/cli/serve.ts";
import { demoInstallation } from "../../src/demo.ts";
import { startHubspot } from "../hubspot/index.ts";
import { startSalesforce } from "../salesforce/index.ts";
import { demoCalls } from "./calls.ts";
import { openProviders } from "./providers.ts";

/**
 * Switchhook with an emulated HubSpot or Salesforce: the same people as in the built-in demo, calls of every provider,
 * and a page with what a rep sees. Everything is on loopback, and gone with the next start.
 */
const root = join(import.meta.dirname, "../..");
const crm = process.argv[2] === "salesforce" ? "salesforce" : "hubspot";
const port = Number(process.env["PORT"] ?? 8484);
const crmPort = Number(process.env["CRM_PORT"] ?? 8585);
const local = `http://127.0.0.1:${port}`;

type Sample = {
  contacts: {
    name: string;
    phones: string[];
    email?: string;
    company?: string;
    ownerId?: string;
    kind?: string;
  }[];
  owners: { id: string; name: string; email: string }[];
};
const sample = JSON.parse(readFileSync(join(root, "connectors/local/sample.json"), "utf8")) as Sample;
const halves = (name: string) => {
  const [first = "", ...rest] = name.split(" ");
  return { first, last: rest.join(" ") || first };
};

async function openHubspot() {
  const emulator = await startHubspot({ port: crmPort, region: demoInstallation.region });
  const owners = new Map<string | undefined, string>();
  for (const { id, name, email } of sample.owners) {
    const { first, last } = halves(name);
    owners.set(id, emulator.people.addOwner({ email, firstName: first, lastName: last }));
  }
  for (const { name, phones, email, company, ownerId } of sample.contacts) {
    const { first, last } = halves(name);
    const [phone = "", mobilephone = ""] = phones;
    const owner = owners.get(ownerId);
    const known = {
      ...(email && { email }),
      ...(company && { company }),
      ...(owner && { hubspot_owner_id: owner }),
    };
    emulator.people.addContact({ firstname: first, lastname: last, phone, mobilephone, ...known });
  }
  return {
    emulator,
    settings: { type: "hubspot", token: emulator.token, apiUrl: emulator.url, plainLinks: true },
  };
}

async function openSalesforce() {
  const client = { clientId: "demo-client", clientSecret: "demo-secret" };
  const emulator = await startSalesforce({ port: crmPort, timeZone: demoInstallation.timeZone, ...client });
  const owners = new Map<string | undefined, string>();
  for (const { id, name, email } of sample.owners) {
    const { first, last } = halves(name);
    owners.set(id, emulator.people.addUser({ FirstName: first, LastName: last, Email: email }));
  }
  for (const { name, phones, email, company, ownerId, kind } of sample.contacts) {
    const { first, last } = halves(name);
    const [Phone = null, MobilePhone = null] = phones;
    const owner = owners.get(ownerId);
    const person = { FirstName: first, LastName: last, Phone, MobilePhone, ...(email && { Email: email }) };
    const fields = { ...person, ...(owner && { OwnerId: owner }) };
    if (kind === "lead") emulator.people.addLead({ ...fields, Company: company ?? "Unknown" });
    else emulator.people.addContact(fields);
  }
  return { emulator, settings: { type: "salesforce", loginUrl: emulator.url, ...client } };
}

const { emulator, settings } = crm === "hubspot" ? await openHubspot() : await openSalesforce();
const folder = join(root, "data", `demo-${crm}`);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true, mode: 0o700 });
const config = join(folder, "switchhook.json");
const providers = await openProviders();
const installations = {
  demo: { ...demoInstallation, crm: settings, providers: providers.settings, reconcile: true },
};
writeFileSync(config, JSON.stringify({ port, installations }, null, 2));
process.env["LOG_LEVEL"] ??= "warn";
await runServer({ config, data: folder });

await providers.sendCalls(local);
await setTimeout(2_000);
const calls = emulator.requests.length;
console.log(
  [
    `Switchhook with an emulated ${crm === "hubspot" ? "HubSpot" : "Salesforce"} is running; ${demoCalls.length} calls were sent to it:`,
    `${[...new Set(demoCalls.map(({ kind }) => kind))].join("; ")};`,
    "and 3 more were found by asking the providers: their webhooks never came. Every link to a recording plays.",
    `  what a rep sees    ${emulator.url}/`,
    `  Switchhook         http://127.0.0.1:${port}/`,
    `  requests so far    ${emulator.url}/_emulator   (${calls})`,
    `  one more call      npm run switchhook -- simulate voys --config ${join("data", `demo-${crm}`, "switchhook.json")} --installation demo`,
    `  let the CRM fail   curl -d '{"type":"status","status":503,"times":5}' -H 'content-type: application/json' ${emulator.url}/_emulator/faults`,
    "  stop               Ctrl-C",
  ].join("\n"),
);
