import { describe, expect, test } from "vitest";
import { salesforce } from "../../connectors/salesforce/index.ts";
import { crmIn, readManifest } from "../../src/manifest.ts";
import { compileMapping } from "../../src/mapping/compile.ts";
import { projects } from "../../src/marketplace/index.ts";
import { faultsIn, parseMetadata, texts } from "./metadata.ts";

const manifest = readManifest();
const crm = crmIn(manifest, "salesforce");
const { fields = [], permissionSets = [] } = crm.package ?? {};
const project = projects.salesforce(manifest, "https://calls.acme.example");
const metadata = [...project.keys()].filter((path) => path.endsWith("-meta.xml"));
const parsed = (path: string) => parseMetadata(project.get(`force-app/main/default/${path}`) ?? "");
const settings = salesforce.settings.parse({
  type: "salesforce",
  accessToken: "x",
  apiUrl: "https://x.my.salesforce.com",
});

describe("every metadata file", () => {
  test.each(metadata)("%s is XML of the Metadata API", async (path) => {
    const { type, holds } = await parseMetadata(project.get(path) ?? "");
    expect(Object.keys(holds).length).toBeGreaterThan(2);
    if (/\.(field|permissionset)-meta/.test(path)) expect(faultsIn(type, holds)).toEqual([]);
  });

  test.each<[string, RegExp]>([
    ["CustomField", /^objects\/Activity\/fields\/\w+__c\.field-meta\.xml$/],
    ["PermissionSet", /^permissionsets\/\w+\.permissionset-meta\.xml$/],
    ["ExternalClientApplication", /^externalClientApps\/\w+\.eca-meta\.xml$/],
    ["ExtlClntAppOauthSettings", /^extlClntAppOauthSettings\/\w+_oauth\.ecaOauth-meta\.xml$/],
    [
      "ExtlClntAppOauthConfigurablePolicies",
      /^extlClntAppOauthPolicies\/\w+_oauthPlcy\.ecaOauthPlcy-meta\.xml$/,
    ],
  ])("of type %s lies where the CLI looks for it", async (type, place) => {
    const found = metadata.filter((path) => place.test(path.split("/main/default/")[1] ?? ""));
    expect(found.length).toBeGreaterThan(0);
    for (const path of found) expect((await parseMetadata(project.get(path) ?? "")).type, path).toBe(type);
  });
});

test("the key field is the one that the connector writes: unique, an external id, case-sensitive", async () => {
  const key = fields.filter((field) => field.key);
  expect(key.map(({ name }) => name)).toEqual([settings.keyField]);
  const { holds } = await parsed(`objects/Activity/fields/${settings.keyField}.field-meta.xml`);
  const [fullName, type, length] = ["fullName", "type", "length"].map((name) => texts(holds, name)[0]);
  expect([fullName, type, length]).toEqual([settings.keyField, "Text", "255"]);
  for (const name of ["unique", "externalId", "caseSensitive"])
    expect(texts(holds, name), name).toEqual(["true"]);
});

test("the other fields can be mapped from what the manifest names", () => {
  const mapped = fields.filter(({ key }) => !key).map(({ name, from }) => [name, { from }]);
  const source = { crm: "salesforce", activity: Object.fromEntries(mapped) };
  expect(compileMapping(source, "manifest.json").activityFields).toEqual(mapped.map(([name]) => name));
});

test("the permission set opens every field of ours on tasks and on events, which share it", async () => {
  const { holds } = await parsed("permissionsets/Switchhook.permissionset-meta.xml");
  const opened = (holds["fieldPermissions"] ?? []).flatMap((one) => texts(one, "field"));
  expect(opened).toEqual(fields.flatMap(({ name }) => [`Event.${name}`, `Task.${name}`]).toSorted());
});

test("nobody gets more than the manifest grants: no deletion, no sight of everything", async () => {
  for (const { name, objects, users } of permissionSets) {
    const { holds } = await parsed(`permissionsets/${name}.permissionset-meta.xml`);
    const granted = (holds["objectPermissions"] ?? []).map((one) => [
      texts(one, "object")[0],
      ["Read", "Create", "Edit", "Delete"]
        .filter((right) => texts(one, `allow${right}`)[0] === "true")
        .map((right) => right.toLowerCase()),
    ]);
    expect(Object.fromEntries(granted)).toEqual(objects);
    const all = JSON.stringify(holds["objectPermissions"]);
    expect(all).not.toMatch(/(viewAllRecords|modifyAllRecords)":\["true/);
    expect((holds["userPermissions"] ?? []).flatMap((one) => texts(one, "name"))).toEqual(users);
  }
});

test("the app has the manifest's scopes, and its policies let only our permission set in", async () => {
  const settingsFile = "extlClntAppOauthSettings/Switchhook_oauth.ecaOauth-meta.xml";
  const { holds: oauth } = await parsed(settingsFile);
  expect(crm.oauth?.scopes).toEqual(["api", "refresh_token"]);
  expect(texts(oauth, "commaSeparatedOauthScopes")).toEqual(["Api, RefreshToken, OpenID"]);
  const policies = metadata.find((path) => path.endsWith(".ecaOauthPlcy-meta.xml")) ?? "";
  expect(policies.startsWith("force-app")).toBe(false);
  const { holds } = await parseMetadata(project.get(policies) ?? "");
  expect(texts(holds, "permittedUsersPolicyType")).toEqual(["AdminApprovedPreAuthorized"]);
  expect(texts(holds, "commaSeparatedPermissionSet")).toEqual(["Switchhook"]);
  expect(texts(holds, "refreshTokenValidityPeriod")).toEqual(["30"]);
  for (const one of [oauth, holds]) expect(texts(one, "externalClientApplication")).toEqual(["Switchhook"]);
});

test("no file has a key or a secret, and the files that would are kept out of git and of deployments", () => {
  expect([...project.keys()].filter((path) => /Global|Glbl/i.test(path))).toEqual([]);
  const xml = metadata.map((path) => project.get(path)).join("");
  expect(xml).not.toMatch(/<(consumerKey|consumerSecret|certificate|callbackUrl)>/);
  for (const file of [".gitignore", ".forceignore"]) {
    expect(project.get(file)?.split("\n")).toContain("**/extlClntAppGlobalOauthSets/");
    expect(project.get(file)?.split("\n")).toContain("**/*.ecaGlblOauth-meta.xml");
  }
});

test("the project names the folders that it has and the connector's API version", () => {
  const sfdx = JSON.parse(project.get("sfdx-project.json") ?? "");
  expect(sfdx).toMatchObject({ namespace: "", sourceApiVersion: settings.apiVersion });
  const folders = new Set(metadata.map((path) => path.split("/")[0]));
  expect(sfdx.packageDirectories.map(({ path }: { path: string }) => path)).toEqual([...folders]);
  expect(sfdx.packageDirectories[0]).toMatchObject({ default: true, versionNumber: "0.1.0.NEXT" });
});

test("what Salesforce hands out is kept in the manifest and comes back in the files", async () => {
  const handedOut = {
    namespace: "swhk",
    packageAliases: { Switchhook: "0Ho000000000001" },
    orgScopedExternalApp: "00D000000000001:Switchhook",
    oauthLink: "00D000000000001:0sh000000000001",
  };
  const known = structuredClone(manifest);
  Object.assign(crmIn(known, "salesforce").package ?? {}, handedOut);
  const files = projects.salesforce(known, "https://calls.acme.example");
  const { namespace, packageAliases, ...links } = handedOut;
  expect(JSON.parse(files.get("sfdx-project.json") ?? "")).toMatchObject({ namespace, packageAliases });
  for (const link of Object.values(links)) expect([...files.values()].join()).toContain(`>${link}<`);
});

test("a manifest that a project cannot be made from is refused with what it lacks", () => {
  const broken = (change: (crm: (typeof manifest.crms)[number]) => void) => {
    const one = structuredClone(manifest);
    change(crmIn(one, "salesforce"));
    return () => projects.salesforce(one, "https://calls.acme.example");
  };
  expect(broken((one) => one.oauth?.scopes.push("full_moon"))).toThrow(/OAuth scope full_moon/);
  expect(broken((one) => delete one.package)).toThrow("the CRM salesforce has no package");
  expect(broken((one) => (one.id = "other"))).toThrow("manifest.json has no CRM salesforce");
});
