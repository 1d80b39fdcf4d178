import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { connectors } from "../../connectors/index.ts";
import { loadConfig } from "../../src/config/index.ts";
import type { Flow } from "../../src/flow/installation.ts";
import { providers } from "../../src/providers/index.ts";
import { openInstalled } from "../../src/server/installed.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";

test("settings of another instance are used, also when a token was read from the store before", async () => {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-reload-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const text = JSON.stringify({
    publicUrl: "https://calls.example.com",
    apps: { hubspot: { clientId: "our-app", clientSecret: "our-app-secret-of-the-test" } },
  });
  const environment = {
    SWITCHHOOK_DATA: folder,
    SWITCHHOOK_KEY: "a sealing key that is long enough to be one",
    SWITCHHOOK_ADMIN_TOKEN: "an admin token of the test",
  };
  const kinds = { providers, connectors };
  const file = join(folder, "switchhook.json");
  const config = loadConfig({ file, text }, environment, kinds, (path) => readFileSync(path, "utf8"));
  const store = openSqliteStore(folder);
  onTestFinished(() => store.close());
  const stored = (version: number, region: string) => ({
    ...{
      name: "hubspot-1",
      crm: "hubspot",
      account: "1",
      state: "active" as const,
      version,
      updatedAt: version,
    },
    body: JSON.stringify({
      ...{ account: { id: "1" }, scopes: [], changes: [] },
      settings: { region, providers: { voys: { secret: "a secret of the provider voys" } } },
    }),
  });
  await store.saveInstall(stored(1, "NL"));
  const flow = { store, now: Date.now } as unknown as Flow;
  const installed = openInstalled({ config, flow, onRequest() {}, kinds: connectors });
  const [loaded] = (await installed?.load()) ?? [];
  expect(loaded?.settings.region).toBe("NL");
  await store.saveInstall(stored(2, "BE"));
  await loaded?.keeper.refresh();
  const install = await store.install("hubspot-1");
  if (!installed || !install) throw new Error("it is stored");
  expect((await installed.reload(install))?.settings.region).toBe("BE");
  expect(await installed.reload(install)).toBeUndefined();
});
