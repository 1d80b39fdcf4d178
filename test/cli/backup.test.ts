import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, test } from "vitest";
import { readCrm } from "../support/crm-files.ts";
import { overwrite } from "../support/damage.ts";
import { cli, refusedServer, server, settled, until, workFolder, writeAcme } from "./support.ts";

const simulate = ["simulate", "voys", "--installation", "acme", "--direction", "inbound"];

test("a backup of a server that takes webhooks all the time is whole, and is restored with the CRM's file", async () => {
  const folder = workFolder();
  writeAcme(folder, { subject: "A call" });
  const running = await server(folder);
  const { settings } = running;
  await cli(folder, [...simulate, "--calls", "30", "--rate", "100"], settings);
  await settled(folder, 30, "crm.json");
  const traffic = cli(folder, [...simulate, "--calls", "200", "--rate", "60"], settings);
  const made = await cli(folder, ["backup", "kept.backup", "--json"], settings);
  expect([made.code, made.stderr]).toEqual([0, ""]);
  expect(JSON.parse(made.stdout)).toEqual({ file: "kept.backup", files: ["acme", "acme activities"] });
  expect(statSync(join(folder, "kept.backup")).mode & 0o077).toBe(0);
  expect(readdirSync(folder).filter((name) => name.startsWith("kept"))).toEqual(["kept.backup"]);
  await traffic;
  const all = (await settled(folder, 230, "crm.json")).length;
  expect(await cli(folder, ["backup", "kept.backup"], settings)).toMatchObject({ code: 1 });

  const refused = await cli(folder, ["restore", "kept.backup"], settings);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(/working.*Stop it first/)]);
  running.signal("SIGKILL");
  await running.ended;
  rmSync(join(folder, "data", "switchhook.db"));
  rmSync(join(folder, "data", "switchhook.db-wal"));
  rmSync(join(folder, "crm.json"));
  rmSync(join(folder, "crm.activities.ndjson"));
  const done = await cli(folder, ["restore", "kept.backup"], settings);
  expect([done.code, done.stderr]).toEqual([0, ""]);
  const crm = readCrm(join(folder, "crm.json"));
  expect(crm.activities.length).toBeGreaterThanOrEqual(30);
  expect(crm.activities.length).toBeLessThan(all);

  const again = await server(folder, settings);
  await until("the loss to be said", () => again.output().includes("not in the database"));
  expect(again.output()).toMatch(/webhooks that were acknowledged.*a backup was restored/);
  await settled(folder, crm.activities.length, "crm.json");
  expect((await cli(folder, ["explain", "--json"], settings)).code).toBe(0);
}, 120_000);

test("a restore that was interrupted, and a backup that is damaged, leave no new store", async () => {
  const folder = workFolder();
  writeAcme(folder, { subject: "A call" });
  const running = await server(folder);
  const { settings } = running;
  await cli(folder, [...simulate, "--calls", "5"], settings);
  const before = await settled(folder, 5, "crm.json");
  await cli(folder, ["backup", "kept.backup"], settings);
  running.signal("SIGKILL");
  await running.ended;

  const file = join(folder, "kept.backup");
  const bytes = readFileSync(file);
  const { root, pageSize } = rootIn(file, "calls");
  overwrite(file, (root - 1) * pageSize, Buffer.alloc(pageSize, 0x5a));
  const damaged = await cli(folder, ["restore", "kept.backup"]);
  expect([damaged.code, damaged.stderr]).toEqual([1, expect.stringMatching(/backup is damaged/)]);
  const inFile = Buffer.from(bytes);
  // A word that only the CRM's file has.
  inFile.write("Owners", inFile.lastIndexOf('"owners"') + 1);
  writeFileSync(file, inFile);
  const changed = await cli(folder, ["restore", "kept.backup"]);
  expect([changed.code, changed.stderr]).toEqual([1, expect.stringMatching(/CRM's file of acme is not/)]);
  writeFileSync(file, bytes.subarray(0, bytes.length / 2));
  expect((await cli(folder, ["restore", "kept.backup"])).code).toBe(1);
  writeFileSync(file, "no database");
  expect((await cli(folder, ["restore", "kept.backup"])).code).toBe(1);
  expect(databaseOf(folder).calls).toBe(5);

  // As a kill leaves it between the two renames: the old one is away, the new one is not there yet.
  const db = join(folder, "data", "switchhook.db");
  renameSync(db, `${db}.away`);
  const refused = await refusedServer(folder, settings);
  expect(refused.code).toBe(1);
  expect(refused.output).toMatch(/is not there any more.*switchhook restore/s);
  writeFileSync(file, bytes);
  expect((await cli(folder, ["restore", "kept.backup"])).code).toBe(0);
  expect(databaseOf(folder).calls).toBe(5);
  await server(folder, settings);
  expect(await settled(folder, 5, "crm.json")).toEqual(before);
}, 120_000);

test("an empty store is made only when it is said", async () => {
  const folder = workFolder();
  writeAcme(folder, { subject: "A call" });
  const running = await server(folder);
  await cli(folder, [...simulate, "--calls", "2"], running.settings);
  await settled(folder, 2, "crm.json");
  running.signal("SIGKILL");
  await running.ended;
  rmSync(join(folder, "data"), { recursive: true });

  const refused = await refusedServer(folder, running.settings);
  expect(refused.code).toBe(1);
  expect(refused.output).toMatch(/crm\.activities\.ndjson has calls.*switchhook restore --empty/s);
  expect((await cli(folder, ["check"])).code).toBe(1);
  expect(existsSync(join(folder, "data", "switchhook.db"))).toBe(false);
  expect((await cli(folder, ["restore", "--empty"])).code).toBe(0);
  const started = await server(folder, running.settings);
  expect(started.output()).toContain("listening");
}, 120_000);

test("repair says that there is nothing to repair, and makes a damaged index anew", async () => {
  const folder = workFolder();
  writeAcme(folder, { subject: "A call" });
  const running = await server(folder);
  await cli(folder, [...simulate, "--calls", "2"], running.settings);
  await settled(folder, 2, "crm.json");
  expect(await cli(folder, ["repair"])).toMatchObject({ code: 1, stderr: expect.stringMatching(/Stop it/) });
  running.signal("SIGTERM");
  await running.ended;
  expect(await cli(folder, ["repair"])).toMatchObject({ code: 0, stdout: expect.stringMatching(/in order/) });
  const { root, pageSize } = databaseOf(folder);
  overwrite(join(folder, "data", "switchhook.db"), (root - 1) * pageSize, Buffer.alloc(pageSize, 0x5a));
  const checked = await cli(folder, ["check"]);
  expect([checked.code, checked.stdout]).toEqual([1, expect.stringMatching(/is damaged.*switchhook repair/)]);
  const repaired = await cli(folder, ["repair"]);
  expect([repaired.code, repaired.stdout]).toEqual([0, expect.stringMatching(/in order again/)]);
  expect((await cli(folder, ["check"])).code).toBe(0);
  expect(databaseOf(folder).calls).toBe(2);
}, 120_000);

function databaseOf(folder: string): { calls: number; root: number; pageSize: number } {
  return rootIn(join(folder, "data", "switchhook.db"), "calls_installation");
}

function rootIn(file: string, name: string): { calls: number; root: number; pageSize: number } {
  const db = new DatabaseSync(file);
  const value = (sql: string) => Number(Object.values(db.prepare(sql).get() ?? {})[0]);
  const found = {
    calls: value("SELECT COUNT(*) FROM calls NOT INDEXED"),
    root: value(`SELECT rootpage FROM sqlite_schema WHERE name = '${name}'`),
    pageSize: value("PRAGMA page_size"),
  };
  db.close();
  return found;
}
