import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ExportedItem, Store, StoredInstall, StoredPosition } from "../../src/store/contract.ts";
import { fill, names } from "../support/filled-store.ts";
import type { OpenStore } from "./store-samples.ts";
import { t0 } from "./store-samples.ts";

const day = 86_400_000;
const install: StoredInstall = {
  ...{ name: "acme", crm: "hubspot", account: "1", state: "active", version: 1, updatedAt: t0 },
  ...{ body: '{"settings":{"region":"NL"}}', sealed: "s1.x" },
};

/** The contract that every store keeps. `open` gives an empty one. */
export function testInstallStore(name: string, open: OpenStore): void {
  describe(`${name} keeps installations`, () => {
    let store: Store;
    let reopen: () => Promise<Store>;
    beforeEach(async () => {
      ({ store, reopen } = await open());
    });
    afterEach(() => store.close());

    const stored = async () => (await store.installs()).find((one) => one.name === "acme");
    const all = async (installation: string): Promise<ExportedItem[]> => {
      const things: ExportedItem[] = [];
      for (let from: StoredPosition | undefined, more = true; more; more = from !== undefined) {
        const page = await store.exportPage(installation, from);
        things.push(...page.items);
        from = page.next;
      }
      return things;
    };

    test("knows since when one has left, whatever is changed meanwhile", async () => {
      await store.saveInstall(install);
      expect(await stored()).not.toHaveProperty("leftAt");
      await store.saveInstall({ ...install, state: "reconnect", updatedAt: t0 + 1 });
      await store.saveInstall({ ...install, state: "reconnect", version: 2, updatedAt: t0 + 2 });
      expect(await stored()).toMatchObject({ leftAt: t0 + 1, updatedAt: t0 + 2 });
      await store.saveInstall({ ...install, state: "removed", updatedAt: t0 + 3 });
      expect(await stored()).toMatchObject({ leftAt: t0 + 3 });
      await store.claimInstall("acme", t0, t0 + day);
      await store.saveInstall({ ...install, state: "removed", updatedAt: t0 + 4 }, t0 + day);
      expect(await stored()).toMatchObject({ leftAt: t0 + 3, updatedAt: t0 + 4 });
      await store.saveInstall({ ...install, updatedAt: t0 + 5 }, t0 + day);
      expect(await stored()).not.toHaveProperty("leftAt");
    });

    test("begins to erase only one that left then, and that nobody is busy with", async () => {
      await store.saveInstall(install);
      expect(await store.beginErasure("acme", t0, t0 + 9)).toBe(false);
      await store.saveInstall({ ...install, state: "removed" });
      expect(await store.beginErasure("acme", t0 - 1, t0 + 9)).toBe(false);
      await store.claimInstall("acme", t0, t0 + 20);
      expect(await store.beginErasure("acme", t0, t0 + 9)).toBe(false);
      expect(await stored()).toMatchObject({ account: "1", state: "removed" });
      expect(await store.beginErasure("acme", t0, t0 + 20)).toBe(true);
      expect(await stored()).toMatchObject({ state: "erasing", body: "{}", updatedAt: t0 + 20 });
      expect(await stored()).not.toHaveProperty("sealed");
    });

    test("saves nothing over one that is being erased, whose account may be connected anew", async () => {
      await store.saveInstall({ ...install, state: "removed" });
      await store.beginErasure("acme", t0, t0);
      expect(await store.saveInstall(install)).toBe(false);
      await store.claimInstall("acme", t0, t0 + 20);
      expect(await store.saveInstall(install, t0 + 20)).toBe(false);
      expect(await stored()).toMatchObject({ state: "erasing" });
      expect(await store.saveInstall({ ...install, name: "acme-2" })).toBe(true);
    });

    test("tells all that is kept of one, once, and nothing of the others", async () => {
      await fill(store, { calls: 450 });
      for (const name of names) {
        const things = await all(name);
        const told = (type: ExportedItem["type"]) => things.filter((thing) => thing.type === type);
        expect(new Set(things.map((thing) => JSON.stringify(thing))).size).toBe(things.length);
        expect(
          ["owner", "contact", "call", "answer", "delivery"].map((type) => told(type as "owner").length),
        ).toEqual([1, 450, 450, 450, 450]);
        expect(JSON.stringify(things)).not.toMatch(names.find((other) => other !== name) ?? "");
      }
      expect(await all("nobody")).toEqual([]);
    });

    test("leaves nothing of one that is erased, and all of the others", async () => {
      await fill(store, { calls: 450 });
      await store.saveInstall({ ...install, state: "removed" });
      await store.beginErasure("acme", t0, t0);
      const before = await all("globex");
      const progress: number[] = [];
      expect(await store.eraseInstallation("acme", { onProgress: (rows) => progress.push(rows) })).toBe(true);
      expect(await all("acme")).toEqual([]);
      expect(await store.syncState("acme")).toEqual({ generation: 0 });
      expect(await store.newDeliveries("acme", 10)).toEqual([]);
      expect(await store.counts()).toEqual([expect.objectContaining({ installation: "globex" })]);
      expect(await stored()).toBeUndefined();
      expect(await all("globex")).toEqual(before);
      expect(progress.at(-1)).toBeGreaterThan(450 * 5);
    });

    test("goes on with an erasure that was stopped at any point", async () => {
      await fill(store, { calls: 250 });
      await store.saveInstall({ ...install, state: "removed" });
      await store.beginErasure("acme", t0, t0);
      const before = await all("globex");
      for (let stretches = 1, done = false; !done; stretches += 1) {
        const stopping = new AbortController();
        let seen = 0;
        const onProgress = () => {
          seen += 1;
          if (seen >= stretches) stopping.abort();
        };
        done = await store.eraseInstallation("acme", { signal: stopping.signal, onProgress });
        expect((await stored()) === undefined).toBe(done);
        store = await reopen();
      }
      expect(await all("acme")).toEqual([]);
      expect(await all("globex")).toEqual(before);
    });
  });
}
