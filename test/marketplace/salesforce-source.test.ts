import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { crmIn, readManifest } from "../../src/manifest.ts";
import { watchNetwork } from "./network.ts";
import { type Looked, openSalesforceCli } from "./salesforce-cli.ts";
import { folderOfThisFile, type Spoiled, spoil, writeProject } from "./written.ts";

const home = folderOfThisFile();
const folder = folderOfThisFile();
const network = watchNetwork();
const { package: orgPackage } = crmIn(readManifest(), "salesforce");
const main = "force-app/main/default";
const keyField = `${main}/objects/Activity/fields/Call_Key__c.field-meta.xml`;
const permissionSet = `${main}/permissionsets/Switchhook.permissionset-meta.xml`;
let project = "";
let look: (folder: string) => Promise<Looked>;

beforeAll(async () => {
  look = await openSalesforceCli(home);
  project = await writeProject(folder, "salesforce");
});
afterAll(network.stop);

const committed = resolve(import.meta.dirname, "../../marketplace/salesforce");

test.each<[string, () => string]>([
  ["a freshly written project", () => project],
  ["the committed project", () => committed],
])("%s is what `sf project deploy` sends: all files, each of a type that there is", async (_, where) => {
  const { components, ignored, packageXml, faults } = await look(where());
  expect(faults).toEqual([]);
  expect(ignored).toEqual([]);
  const { fields = [], permissionSets = [] } = orgPackage ?? {};
  expect(components).toEqual(
    [
      ...fields.map(({ name }) => `CustomField: Activity.${name}`),
      ...permissionSets.map(({ name }) => `PermissionSet: ${name}`),
      "ExternalClientApplication: Switchhook",
      "ExtlClntAppOauthSettings: Switchhook_oauth",
      "ExtlClntAppOauthConfigurablePolicies: Switchhook_oauthPlcy",
    ].sort(),
  );
  const { sourceApiVersion } = JSON.parse(readFileSync(join(where(), "sfdx-project.json"), "utf8"));
  expect(packageXml).toContain(`<version>${sourceApiVersion}</version>`);
  for (const one of components) expect(packageXml).toContain(`<members>${one.split(": ")[1]}</members>`);
});

test.each<[string, (spoiled: Spoiled) => void, RegExp]>([
  [
    "a type that there is not",
    ({ write }) => write(`${main}/gadgets/One.gadget-meta.xml`, "<Gadget/>"),
    /gadgets\/One\.gadget-meta\.xml: Could not infer a metadata type/,
  ],
  [
    "a field with another ending",
    ({ move }) => move(keyField, keyField.replace(".field-", ".fields-")),
    /Call_Key__c\.fields-meta\.xml: Could not infer a metadata type/,
  ],
  [
    "an app with another ending",
    ({ move }) => {
      const app = `${main}/externalClientApps/Switchhook`;
      move(`${app}.eca-meta.xml`, `${app}.externalClientApp-meta.xml`);
    },
    /Switchhook\.externalClientApp-meta\.xml: Could not infer a metadata type/,
  ],
  [
    "a file without `-meta`, which would silently stay behind",
    ({ move }) => move(permissionSet, permissionSet.replace("-meta", "")),
    /Switchhook\.permissionset\.xml is part of nothing/,
  ],
  [
    "a field that lies in no object",
    ({ move }) => move(keyField, `${main}/fields/Call_Key__c.field-meta.xml`),
    /Could not infer a metadata type/,
  ],
  [
    "a field on Task instead of Activity",
    ({ move }) => move(keyField, keyField.replace("/Activity/", "/Task/")),
    /^Task\.Call_Key__c belongs on Activity$/,
  ],
  [
    "a field whose file has another name than it",
    ({ replace }) => replace(keyField, /Call_Key__c/g, "Call_Lock__c"),
    /^Activity\.Call_Key__c calls itself Call_Lock__c$/,
  ],
  [
    "broken XML",
    ({ write }) => write(keyField, "<CustomField"),
    /LibraryError: .*Unclosed tag 'CustomField'/,
  ],
  [
    "a file that holds something else than its name says",
    ({ replace }) => replace(permissionSet, /PermissionSet/g, "Profile"),
    /^Switchhook lies where a PermissionSet does, and is a Profile$/,
  ],
  [
    "a project without package directories",
    ({ json }) => json("sfdx-project.json", (value) => ({ ...value, packageDirectories: [] })),
    /packageDirectories must NOT have fewer than 1 items/,
  ],
  [
    "a project with a word that Salesforce does not know",
    ({ json }) => json("sfdx-project.json", (value) => ({ ...value, publicUrl: "https://acme.com" })),
    /must NOT have additional properties.*publicUrl/,
  ],
])("%s is refused", async (_, change, fault) => {
  const spoiled = spoil(project);
  change(spoiled);
  const { faults } = await look(spoiled.folder);
  expect(faults.filter((one) => fault.test(one.split("\n").join(" ")))).not.toEqual([]);
});

test("the consumer key, once retrieved, is not deployed", async () => {
  const spoiled = spoil(project);
  const secret = `${main}/extlClntAppGlobalOauthSets/Switchhook_glbl.ecaGlblOauth-meta.xml`;
  spoiled.write(secret, "<ExtlClntAppGlobalOauthSettings/>");
  const { components, ignored, faults } = await look(spoiled.folder);
  expect([faults, ignored]).toEqual([[], [secret]]);
  expect(components.join()).not.toMatch(/Global/);
});

test("all of that needs no network and leaves nothing in anybody's home", () => {
  expect(network.seen()).toEqual([]);
  expect(readdirSync(home)).toEqual([]);
});
