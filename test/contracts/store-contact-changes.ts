import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Store } from "../../src/store/contract.ts";
import { type OpenStore, t0 } from "./store-samples.ts";

/** What a store does with reports about contacts. `open` gives an empty one. */
export function testContactChanges(name: string, open: OpenStore): void {
  describe(`${name} keeps what a CRM reported about contacts`, () => {
    let store: Store;
    let reopen: () => Promise<Store>;

    beforeEach(async () => {
      ({ store, reopen } = await open());
    });
    afterEach(() => store.close());

    const report = (changed: string[], removed: string[] = [], now = t0) =>
      store.addContactChanges(
        "acme",
        { changed, removed: removed.map((id) => ({ kind: "contact", id })) },
        now,
      );
    const due = async (now = t0, limit = 100) =>
      (await store.dueContactChanges("acme", now, limit)).map(({ id, removed }) =>
        removed ? `${removed} ${id} is gone` : id,
      );

    test("once for each contact, the oldest first, also when the process ends", async () => {
      await report(["2", "1"], ["9"], t0 + 1);
      await report(["3"]);
      await report(["1", "2"], ["9"], t0 + 2);
      store = await reopen();
      expect(await due(t0 - 1)).toEqual([]);
      expect(await due(t0)).toEqual(["3"]);
      expect((await due(t0 + 2)).slice(1).sort()).toEqual(["1", "2", "contact 9 is gone"]);
      expect(await due(t0 + 2, 1)).toEqual(["3"]);
      expect(await store.dueContactChanges("other", t0 + 2, 1)).toEqual([]);
    });

    test("until it is applied, and longer when it is reported again meanwhile", async () => {
      await report(["1", "2"], ["1"]);
      const read = await store.dueContactChanges("acme", t0, 100);
      await report(["2"]);
      await store.deleteContactChanges("acme", read);
      expect(await due()).toEqual(["2"]);
      await store.deleteContactChanges("acme", await store.dueContactChanges("acme", t0, 100));
      expect(await due()).toEqual([]);
    });

    test("for later when the CRM is away, and says that it waits when it is due", async () => {
      const waiting = async (now: number) =>
        (await store.waitingWork(now, ["contacts"])).map(({ installation }) => installation);
      await report(["1"]);
      expect(await waiting(t0)).toEqual(["acme"]);
      await store.postponeContactChanges("acme", t0 + 5);
      await report(["1"]);
      expect(await waiting(t0 + 4)).toEqual([]);
      expect(await due(t0 + 4)).toEqual([]);
      expect(await waiting(t0 + 5)).toEqual(["acme"]);
      expect(await due(t0 + 5)).toEqual(["1"]);
    });

    test("of ten thousand contacts that changed, and of all that are gone", async () => {
      const ids = Array.from({ length: 10_001 }, (_, i) => String(i));
      await report(ids);
      await report(["20000"], ["20001"]);
      const found = await due(t0, 20_000);
      expect(found).toHaveLength(10_001);
      expect(found).toContain("contact 20001 is gone");
    });

    test("until the installation is erased", async () => {
      await report(["1"], ["2"]);
      await store.eraseInstallation("acme", {});
      expect(await due()).toEqual([]);
    });
  });
}
