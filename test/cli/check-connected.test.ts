import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { crmIn, readManifest } from "../../src/manifest.ts";
import { type InstallSite, installSite } from "../support/install-site.ts";
import { cli, withToken } from "./support.ts";

const companies = "crm.objects.companies.read";
const { features = {} } = crmIn(readManifest(), "hubspot").oauth ?? {};

let site: InstallSite;
beforeEach(async () => {
  site = await installSite("hubspot");
});
afterEach(() => site.stop());

async function connect(without: string): Promise<string> {
  const { consent, cookie } = await site.begin();
  consent.searchParams.set("_without", without);
  const answer = await site.comeBack(await site.agree(consent), cookie);
  return /<code>([\w-]+)<\/code>/.exec(await answer.text())?.[1] ?? "";
}

/** The command in another process, over the same data. */
function check(...args: string[]) {
  const { folder, parts } = site.server;
  const { apps, sealingKeys, publicUrl } = parts.config;
  const acme = {
    crm: { type: "local", file: "crm.json" },
    region: "NL",
    providers: { voys: { secret: "voys-secret" } },
  };
  writeFileSync(
    join(folder, "switchhook.json"),
    JSON.stringify({ publicUrl, apps, installations: { acme } }),
  );
  return cli(folder, ["check", ...args], {
    ...withToken,
    SWITCHHOOK_DATA: join(folder, "data"),
    SWITCHHOOK_KEY: sealingKeys.join(","),
  });
}

test("looks at connected accounts, too, and says what is off there, and why", async () => {
  const name = await connect(companies);
  const { code, stdout } = await check();
  expect(stdout).toContain(`ok     ${name}: connection: account 62515`);
  expect(stdout).toContain(
    `off    ${name}: ${features[companies]}: HubSpot did not grant ${companies}: connect the account again at https://hooks.example.com/install/hubspot`,
  );
  expect(stdout).toMatch(new RegExp(`ok {5}${name}: hubspot: reachable`));
  expect(stdout).toMatch(new RegExp(`ok {5}${name}: hubspot fields: all exist`));
  expect(stdout.match(/^off/gm)).toHaveLength(1);
  expect(code).toBe(0);
  expect(site.portal.requests.filter(({ status }) => status === 403)).toEqual([]);
});

test("has nothing off where everything was granted, in JSON as well", async () => {
  const name = await connect("");
  const { code, stdout } = await check("--json");
  const { checks } = JSON.parse(stdout) as { checks: { check: string; off?: boolean }[] };
  expect(checks.filter(({ off }) => off)).toEqual([]);
  expect(checks.map(({ check }) => check)).toContain(`${name}: connection`);
  expect(code).toBe(0);
});

test("an account that is not connected any more is a fault, with the way to mend it", async () => {
  const name = await connect("");
  await site.server.parts.flow.store.installs().then(async ([install]) => {
    if (!install) throw new Error("nothing was installed");
    await site.server.parts.flow.store.saveInstall({
      ...install,
      ...{ state: "reconnect", reason: "uninstalled", version: install.version + 1 },
    });
  });
  const { code, stdout } = await check();
  expect(stdout).toMatch(
    new RegExp(
      `FAULT {2}${name}: connection: .*\\(uninstalled\\).*https://hooks.example.com/install/hubspot`,
    ),
  );
  expect(stdout).not.toContain(`${name}: hubspot`);
  expect(code).toBe(1);
});
