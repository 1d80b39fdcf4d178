import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import type { Store } from "../../src/store/contract.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { t0 } from "../contracts/store-samples.ts";
import { fill } from "../support/filled-store.ts";

let store: Store;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "switchhook-file-"));
  store = openSqliteStore(folder, () => t0);
  onTestFinished(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
});

/** How often a text stands in the bytes of the database and its log, wherever: pages, free pages, rests of pages. */
function found(text: string): number {
  const files = ["switchhook.db", "switchhook.db-wal"].map((name) => join(folder, name)).filter(existsSync);
  return files.reduce((count, file) => count + readFileSync(file, "latin1").split(text).length - 1, 0);
}

test("no byte of an installation that was erased stays in the files", async () => {
  await fill(store, { calls: 300 });
  const install = { name: "acme", crm: "hubspot", account: "at acme", state: "removed" as const };
  await store.saveInstall({ ...install, body: '{"name":"People at acme"}', version: 1, updatedAt: t0 });
  const others = found("globex");
  expect(found("acme")).toBeGreaterThan(10_000);
  await store.beginErasure("acme", t0, t0);
  await store.eraseInstallation("acme");
  await store.ready();
  expect(found("acme")).toBeLessThan(9); // its name alone, in the step that removes its row
  expect(found("at acme")).toBe(0);
  expect(found("Wants acme")).toBe(0);
  expect(found("acmeacmeacme")).toBe(0);
  expect(found("globex")).toBeGreaterThan(others / 3);
});

test("no byte of a person who was erased stays in the files", async () => {
  await fill(store, { calls: 120 });
  const person = { id: "77", kind: "contact" } as const;
  expect(found("Person 77 at acme")).toBeGreaterThan(1);
  expect(found("600000077")).toBeGreaterThan(1);
  await store.erase("acme", [person], { now: t0, spared: [] });
  expect(found("Person 77 at acme")).toBe(0);
  expect(found("call 77 of acme")).toBe(0);
  expect(found("Person 78 at acme")).toBeGreaterThan(0);
});

test("the log is as large after an erasure as it was before, so that commits stay fast", async () => {
  await fill(store, { calls: 10 });
  const size = () => readFileSync(join(folder, "switchhook.db-wal")).length;
  const before = size();
  await store.erase("acme", [{ id: "1", kind: "contact" }], { now: t0, spared: [] });
  expect(size()).toBeGreaterThanOrEqual(before * 0.9);
});
