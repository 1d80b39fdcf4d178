import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import type { StoredInstall } from "../../src/store/contract.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { fill } from "../support/filled-store.ts";
import { cli, server, workFolder, writeAcme } from "./support.ts";

const hour = 3_600_000;
const file = "globex.ndjson";
let folder: string;
/** A data folder in which `globex` was disconnected an hour ago; `acme` is in the config file. */
beforeEach(async () => {
  folder = workFolder();
  writeAcme(folder, { subject: "A call" });
  await withStore(async (store) => {
    await fill(store, { calls: 30 });
    await store.saveInstall(globex());
  });
});

function globex(more: Partial<StoredInstall> = {}): StoredInstall {
  const settings = { region: "NL", providers: { voys: { secret: "the-secret-of-globex" } } };
  return {
    ...{ name: "globex", crm: "hubspot", account: "1", state: "removed", version: 1 },
    ...{ body: JSON.stringify({ settings }), updatedAt: Date.now() - hour, ...more },
  };
}

async function withStore<T>(work: (store: ReturnType<typeof openSqliteStore>) => Promise<T>): Promise<T> {
  const store = openSqliteStore(join(folder, "data"));
  return work(store).finally(() => store.close());
}

const names = () => withStore(async (store) => (await store.installs()).map(({ name }) => name));
const calls = (name: string) =>
  withStore(async (store) => (await store.calls({ installation: name, limit: 100 })).length);

test("exports what was removed into a file that only its owner reads, and overwrites none", async () => {
  const { code, stdout, stderr } = await cli(folder, ["export", "globex", "--file", file]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toBe("globex.ndjson: owners 1, contacts 30, calls 30, answers 30, deliveries 30.\n");
  const text = readFileSync(join(folder, file), "utf8");
  expect(text.trimEnd().split("\n")).toHaveLength(123);
  expect(JSON.parse(text.trimEnd().split("\n").at(-1) ?? "")).toEqual({ type: "end", lines: 122 });
  expect(text).not.toMatch(/the-secret-of-globex|acme/);
  expect(statSync(join(folder, file)).mode & 0o777).toBe(0o600);
  const again = await cli(folder, ["export", "globex", "--file", file]);
  expect([again.code, again.stderr]).toEqual([
    1,
    expect.stringMatching(/^globex\.ndjson is there already\./),
  ]);
  expect(readFileSync(join(folder, file), "utf8")).toBe(text);
});

test("exports one that is at work beside its server, as JSON, and knows what there is", async () => {
  await server(folder);
  const { stdout } = await cli(folder, ["export", "acme", "--file", "acme.ndjson", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({
    ...{ installation: "acme", file: "acme.ndjson" },
    counts: { installation: 1, call: 30, delivery: 30, end: 1 },
  });
  const { code, stderr } = await cli(folder, ["export", "globx", "--file", "x"]);
  expect([code, stderr]).toEqual([1, expect.stringMatching(/no installation "globx".*globex/)]);
  expect(existsSync(join(folder, "x"))).toBe(false);
});

test("says where it cannot write, and leaves nothing there", async () => {
  const { code, stderr } = await cli(folder, ["export", "globex", "--file", "no/such/folder.ndjson"]);
  expect([code, stderr]).toEqual([1, expect.stringMatching(/cannot be written .*--file/)]);
});

test("erases what was removed, once somebody says yes, beside a server as well", async () => {
  await server(folder);
  const asked = await cli(folder, ["erase", "globex"]);
  expect([asked.code, asked.stderr]).toEqual([1, expect.stringMatching(/export globex --file .*--yes/)]);
  expect(await calls("globex")).toBe(30);
  const { code, stdout, stderr } = await cli(folder, ["erase", "globex", "--yes"]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(/^globex is erased \(\d+ rows\)\. What was logged stays in the CRM\.\n$/);
  expect([await names(), await calls("globex"), await calls("acme")]).toEqual([[], 0, 30]);
  const again = await cli(folder, ["erase", "globex", "--yes"]);
  expect([again.code, again.stderr]).toEqual([1, expect.stringMatching(/no installation "globex"/)]);
});

test("goes on with an erasure that was interrupted", async () => {
  await withStore(async (store) => {
    const [install] = await store.installs();
    expect(await store.beginErasure("globex", install?.leftAt ?? 0, Date.now())).toBe(true);
  });
  const { stdout } = await cli(folder, ["erase", "globex", "--yes", "--json"]);
  expect(JSON.parse(stdout)).toEqual({ erased: "globex", rows: expect.any(Number) });
  expect(await names()).toEqual([]);
});

test("refuses to erase what is at work, with the cure", async () => {
  const inFile = await cli(folder, ["erase", "acme", "--yes"]);
  expect([inFile.code, inFile.stderr]).toEqual([1, expect.stringMatching(/acme is in the config file/)]);
  await withStore((store) => store.saveInstall(globex({ updatedAt: Date.now() - 500 })));
  await withStore((store) => store.saveInstall(globex({ state: "active", updatedAt: Date.now() })));
  await withStore((store) => store.saveInstall(globex({ updatedAt: Date.now() })));
  const soon = await cli(folder, ["erase", "globex", "--yes"]);
  expect([soon.code, soon.stderr]).toEqual([
    1,
    expect.stringMatching(/disconnected just now.*again in \d+ sec/),
  ]);
  expect(await calls("globex")).toBe(30);
});

test("refuses to erase one that is connected", async () => {
  const crm = { clientId: "our-app", clientSecret: "our-app-secret-of-the-test" };
  const config = JSON.parse(readFileSync(join(folder, "switchhook.json"), "utf8")) as object;
  writeFileSync(join(folder, "switchhook.json"), JSON.stringify({ ...config, apps: { salesforce: crm } }));
  const body = JSON.stringify({
    account: { id: "1", name: "1" },
    scopes: [],
    changes: [],
    settings: { region: "NL" },
  });
  await withStore((store) =>
    store.saveInstall(globex({ crm: "salesforce", state: "reconnect", body, updatedAt: 1 })),
  );
  const key = { SWITCHHOOK_KEY: "a sealing key that is long enough to be one" };
  const { code, stderr } = await cli(folder, ["erase", "globex", "--yes"], key);
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(/globex is not removed \(it is reconnect\).*DELETE \/api\/installations\/globex/),
  ]);
  expect(await names()).toEqual(["globex"]);
});
