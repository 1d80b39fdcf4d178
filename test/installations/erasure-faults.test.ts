import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { createErasure, type ErasureOptions } from "../../src/installations/erasure.ts";
import type { Store, StoredInstall } from "../../src/store/contract.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { t0 } from "../contracts/store-samples.ts";
import { failingStore } from "../support/failing-store.ts";
import { fill } from "../support/filled-store.ts";

const day = 86_400_000;
const install: StoredInstall = {
  ...{ name: "acme", crm: "hubspot", account: "1", state: "removed", version: 1, updatedAt: t0 },
  body: "{}",
};

/** A store with two installations, of which `acme` left at `t0`, and what erases in it. */
async function world() {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-erasure-"));
  const store = openSqliteStore(folder, () => t0);
  onTestFinished(async () => {
    await store.close();
    rmSync(folder, { recursive: true });
  });
  await fill(store, { calls: 60 });
  await store.saveInstall(install);
  await store.saveInstall({ ...install, name: "globex", account: "2", state: "active" });
  const logged: string[] = [];
  const note = (_: object, sentence: string) => void logged.push(sentence);
  const open = (over: Store, options: Partial<ErasureOptions> = {}) =>
    createErasure({
      ...{ store: over, now: () => t0 + 31 * day, removedDays: 30, quietMs: 0 },
      ...{ remove: async () => {}, beforeErase: async () => {} },
      log: { info: note, warn: note, error: note },
      ...options,
    });
  const kept = async (name: string) =>
    (await store.countContacts(name)) + (await store.keptOf(name)).things.length;
  return { store, open, kept, logged, names: async () => (await store.installs()).map(({ name }) => name) };
}

test.each([
  [1, "before"],
  [1, "after"],
  [2, "before"],
  [2, "after"],
] as const)("an erasure whose write %i fails, %s it, is done by the next run", async (n, when) => {
  const { store, open, kept, logged, names } = await world();
  const failing = failingStore(n, when, ["beginErasure", "eraseInstallation"]);
  await open(failing.wrap(store)).run();
  expect(failing.struck()).toBe(true);
  expect(logged).toEqual([expect.stringContaining("could not be erased")]);
  await open(store).run();
  expect(await names()).toEqual(["globex"]);
  expect([await kept("acme"), await kept("globex")]).toEqual([0, 61]);
});

test("an erasure that was killed between two stretches is done by the next run", async () => {
  const { store, open, kept, names } = await world();
  const killed: Store = {
    ...store,
    async eraseInstallation(name, options) {
      const stopping = new AbortController();
      const onProgress = (rows: number) => rows > 60 && stopping.abort();
      await store.eraseInstallation(name, { ...options, onProgress, signal: stopping.signal });
      throw new Error("killed");
    },
  };
  await open(killed).run();
  expect(await names()).toEqual(["acme", "globex"]);
  await open(store).run();
  expect(await names()).toEqual(["globex"]);
  expect([await kept("acme"), await kept("globex")]).toEqual([0, 61]);
});

test("what is kept elsewhere goes before the rows that lead to it, and is asked for again when that failed", async () => {
  const { store, open, kept, names } = await world();
  const asked: number[] = [];
  const beforeErase = async () => {
    asked.push(await kept("acme"));
    if (asked.length === 1) throw new Error("the archive is away");
  };
  const erasure = open(store, { beforeErase });
  await erasure.run();
  expect(await names()).toEqual(["acme", "globex"]);
  await erasure.run();
  expect(asked).toEqual([61, 61]);
  expect(await names()).toEqual(["globex"]);
});

test("one that cannot be erased does not keep the next one", async () => {
  const { store, open, names } = await world();
  await store.saveInstall({ ...install, name: "initech", account: "3" });
  const beforeErase = async (name: string) => {
    if (name === "acme") throw new Error("the archive is away");
  };
  await open(store, { beforeErase }).run();
  expect(await names()).toEqual(["acme", "globex"]);
});

test("a stop ends a run at once, and the rest waits for the next start", async () => {
  const { store, open, names } = await world();
  const erasure = open(store, { beforeErase: async () => void erasure.stop() });
  await erasure.run();
  expect(await names()).toEqual(["acme", "globex"]);
  await open(store).run();
  expect(await names()).toEqual(["globex"]);
});

test("somebody who is connecting it again just then keeps it", async () => {
  const { store, open, names } = await world();
  const later = t0 + 31 * day;
  await store.claimInstall("acme", later, later + 90_000);
  await open(store).run();
  await store.saveInstall({ ...install, state: "active", updatedAt: later }, later + 90_000);
  await store.releaseInstall("acme", later + 90_000);
  await open(store).run();
  expect(await names()).toEqual(["acme", "globex"]);
});
