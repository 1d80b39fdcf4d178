import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { startSalesforce } from "@switchhook/emulators/salesforce";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { createSealer } from "../../src/lib/seal.ts";
import type { StoredInstall } from "../../src/store/contract.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { cli, refusedServer, server, until, workFolder } from "../cli/support.ts";

const [oldKey = "", newKey = "", wrongKey = ""] = ["old", "new", "wrong"].map((name) =>
  `${name} sealing key `.padEnd(40, "x"),
);
const client = { clientId: "our-app", clientSecret: "our-app-secret-of-the-test" };
const names = ["salesforce-a", "salesforce-b", "salesforce-c"];

let folder: string;
let refreshes: () => number;
/** A data folder with accounts that were connected while the old key was in use, and an app to renew them with. */
beforeEach(async () => {
  folder = workFolder();
  const emulator = await startSalesforce(client);
  onTestFinished(() => emulator.stop());
  refreshes = () => emulator.tokenRequests;
  const crm = { type: "local", file: "crm.json" };
  const providers = { voys: { secret: "voys-secret" } };
  const acme = { crm, providers, region: "NL", timeZone: "UTC" };
  const apps = { salesforce: { ...client, loginUrl: emulator.url } };
  writeFileSync(join(folder, "switchhook.json"), JSON.stringify({ apps, installations: { acme } }));
  writeFileSync(join(folder, "crm.json"), '{"contacts":[],"owners":[],"activities":[]}');
  const sealer = createSealer([oldKey]);
  await withStore(async (store) => {
    for (const name of names) {
      const grant = {
        ...{ accessToken: "expired", refreshToken: emulator.approve(), scopes: [] },
        ...{ url: emulator.url, expiresAt: 1 },
      };
      const settings = { region: "NL", timeZone: "UTC", providers };
      await store.saveInstall({
        ...{ name, crm: "salesforce", account: name, state: "active", version: 1, updatedAt: 1 },
        body: JSON.stringify({ account: { id: name, name }, scopes: [], changes: [], settings }),
        sealed: sealer.seal(JSON.stringify(grant), name),
      });
    }
  });
});

async function withStore<T>(work: (store: ReturnType<typeof openSqliteStore>) => Promise<T>): Promise<T> {
  const store = openSqliteStore(join(folder, "data"));
  return work(store).finally(() => store.close());
}

const stored = (): Promise<StoredInstall[]> => withStore((store) => store.installs());
const rotate = (keys: string) => cli(folder, ["keys", "rotate"], { SWITCHHOOK_KEY: keys });
const opens = (key: string, { name, sealed = "" }: StoredInstall): string =>
  (JSON.parse(createSealer([key]).open(sealed, name)) as { refreshToken: string }).refreshToken;

test("a wrong old key changes nothing, and is named", async () => {
  const before = await stored();
  const { code, stderr } = await rotate(`${newKey},${wrongKey}`);
  expect([code, stderr]).toEqual([1, expect.stringMatching(/tokens of salesforce-a cannot be opened/)]);
  expect(stderr).not.toContain("sealing key");
  expect(await stored()).toEqual(before);
});

test("after a rotation the new key alone opens everything, and the old one nothing", async () => {
  const { code, stdout, stderr } = await rotate(`${newKey},${oldKey}`);
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  expect(stdout).toContain("3 installations resealed, of 3");
  for (const install of await stored()) {
    expect(opens(newKey, install)).toMatch(/^5Aep/);
    expect(() => opens(oldKey, install)).toThrow("another key");
  }
  expect((await rotate(`${newKey},${oldKey}`)).stdout).toContain("0 installations resealed, of 3");
  const late = await refusedServer(folder, { SWITCHHOOK_KEY: oldKey });
  expect(late.output).toMatch(/SWITCHHOOK_KEY.*does not open the tokens of the installation salesforce-a/);
  expect(late.code).toBe(1);
  const running = await server(folder, { SWITCHHOOK_KEY: newKey });
  await until("all accounts to be renewed", () => refreshes() === 3);
  running.signal("SIGTERM");
  expect(await running.ended).toBe(0);
  expect((await stored()).map(({ state }) => state)).toEqual(["active", "active", "active"]);
});

test("a rotation beside a running server loses no token that the server renews meanwhile", async () => {
  const running = server(folder, { SWITCHHOOK_KEY: `${newKey},${oldKey}` });
  const rotated = await rotate(`${newKey},${oldKey}`);
  expect(rotated.code, rotated.stderr).toBe(0);
  const { signal, ended } = await running;
  await until("all accounts to be renewed", () => refreshes() === 3);
  signal("SIGTERM");
  expect(await ended).toBe(0);
  const tokens = (await stored()).map((install) => opens(newKey, install));
  expect(new Set(tokens).size).toBe(3);
  const again = await server(folder, { SWITCHHOOK_KEY: newKey });
  expect(again.output()).toContain("listening");
  expect((await stored()).map(({ state }) => state)).toEqual(["active", "active", "active"]);
});
