import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openHubspotCli } from "./hubspot-cli.ts";
import { watchNetwork } from "./network.ts";
import { folderOfThisFile, type Spoiled, spoil, writeProject } from "./written.ts";

const home = folderOfThisFile();
const folder = folderOfThisFile();
const network = watchNetwork();
const app = "src/app/app-hsmeta.json";
const webhooks = "src/app/webhooks/webhooks-hsmeta.json";
let project = "";
let hs: Awaited<ReturnType<typeof openHubspotCli>>;

beforeAll(async () => {
  hs = await openHubspotCli(home);
  project = await writeProject(folder, "hubspot");
});
afterAll(network.stop);

const committed = resolve(import.meta.dirname, "../../marketplace/hubspot");

test.each<[string, () => string]>([
  ["a freshly written project", () => project],
  ["the committed project", () => committed],
])("%s is what `hs project validate` takes: all of its files, each in its place", async (_, where) => {
  expect(await hs.look(where())).toEqual({
    components: {
      switchhook_app: "app/app-hsmeta.json",
      switchhook_webhooks: "app/webhooks/webhooks-hsmeta.json",
    },
    skipped: [],
    faults: [],
  });
});

type Config = Record<string, Record<string, unknown>>;
const configOf = (change: (config: Config) => object) => (value: Record<string, unknown>) => ({
  ...value,
  config: change(value["config"] as Config),
});

test.each<[string, (spoiled: Spoiled) => void, RegExp]>([
  [
    "an app without a uid",
    ({ json }) => json(app, ({ uid: _, ...rest }) => rest),
    /Missing required field: 'uid'/,
  ],
  [
    "webhooks without a uid",
    ({ json }) => json(webhooks, ({ uid: _, ...rest }) => rest),
    /Missing required field: 'uid'/,
  ],
  [
    "a uid with a space",
    ({ json }) => json(app, (value) => ({ ...value, uid: "our app" })),
    /'uid' should use only letters/,
  ],
  [
    "the same uid twice",
    ({ json }) => json(webhooks, (value) => ({ ...value, uid: "switchhook_app" })),
    /Duplicate uid 'switchhook_app'/,
  ],
  [
    "a type that there is not",
    ({ json }) => json(webhooks, (value) => ({ ...value, type: "gadget" })),
    /webhooks-hsmeta\.json: - Unsupported type: gadget/,
  ],
  [
    "a component without a type",
    ({ json }) => json(webhooks, ({ type: _, ...rest }) => rest),
    /field: 'type'/,
  ],
  [
    "a component without a config",
    ({ json }) => json(app, ({ config: _, ...rest }) => rest),
    /field: 'config'/,
  ],
  [
    "webhooks in the app's own folder",
    ({ move }) => move(webhooks, "src/app/webhooks-hsmeta.json"),
    /directory 'app' is incorrect for type 'webhooks'/,
  ],
  [
    "two apps",
    ({ json, write }) => {
      write("src/app/other-hsmeta.json", "{}");
      json("src/app/other-hsmeta.json", () => ({ uid: "other", type: "app", config: {} }));
    },
    /Only one app component is allowed/,
  ],
  [
    "webhooks without their app",
    ({ move }) => move(app, "app.json"),
    /must be a child of the 'app' component/,
  ],
  ["JSON that is none", ({ write }) => write(app, "{"), /Invalid JSON/],
  [
    "a word beside uid, type and config",
    ({ json }) => json(app, (value) => ({ ...value, version: 1 })),
    /Unexpected top-level properties found: version/,
  ],
  [
    "a platform version that there is not",
    ({ json }) => json("hsproject.json", (value) => ({ ...value, platformVersion: "2024.13" })),
    /Unsupported platform version: '2024\.13'/,
  ],
  [
    "a project that does not say where its source is",
    ({ json }) => json("hsproject.json", ({ srcDir: _, ...rest }) => rest),
    /missing required field\(s\): srcDir/,
  ],
  [
    "an app that people sign in to in another way",
    ({ json }) =>
      json(
        app,
        configOf((config) => ({ ...config, auth: { ...config["auth"], type: "static" } })),
      ),
    /app-hsmeta\.json: .*auth/,
  ],
  [
    "a change of a property that is not named",
    ({ replace }) => replace(webhooks, /"propertyName": "phone",\s*/, ""),
    /webhooks-hsmeta\.json: .*propertyName/,
  ],
])("%s is refused", async (_, change, fault) => {
  const spoiled = spoil(project);
  change(spoiled);
  const { faults } = await hs.look(spoiled.folder);
  expect(faults.filter((one) => fault.test(one))).not.toEqual([]);
});

test("a file in a folder that HubSpot does not know is found out as never uploaded", async () => {
  const spoiled = spoil(project);
  spoiled.move(webhooks, "src/app/hooks/webhooks-hsmeta.json");
  expect((await hs.look(spoiled.folder)).skipped).toEqual(["app/hooks/webhooks-hsmeta.json"]);
});

test("the project is validated for its own platform version, on this machine only, with nothing left in the home folder", () => {
  const path = "/project-components-external/project-schemas/v3/2026.09";
  expect(new Set(hs.asked().map((one) => one.split("?")[0]))).toEqual(new Set([`GET ${path}`]));
  expect(new Set(network.seen())).toEqual(new Set(["TCPCONNECTWRAP"]));
  expect(network.seen().length).toBeLessThanOrEqual(hs.asked().length);
  expect(readdirSync(home)).toEqual([]);
});
