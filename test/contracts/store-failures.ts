import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Store } from "../../src/store/contract.ts";
import { callOf, decodedCall, type OpenStore, t0 } from "./store-samples.ts";

const retry = (id: string, overrides: object = {}) => ({
  id,
  startedBy: "Noor",
  createdAt: t0,
  ...overrides,
});
const none = { waiting: 0, logged: 0, dead: 0, other: 0 };

/** What every store does with calls that a CRM refused. `open` gives an empty one. */
export function testFailureStore(name: string, open: OpenStore): void {
  describe(`${name} retries many dead calls`, () => {
    let store: Store;
    let reopen: () => Promise<Store>;
    let ids: number[];

    beforeEach(async () => {
      ({ store, reopen } = await open());
      const dead = { state: "dead", reason: "no such field" } as const;
      const acme = ["a", "b", "c"].map((id) => decodedCall(id, dead));
      await store.saveDecoded("acme", [], [...acme, decodedCall("alive")]);
      const call = callOf("d", { installation: "globex", key: "globex:voys:d" });
      await store.saveDecoded("globex", [], [decodedCall("d", { call, ...dead })]);
      ids = (await store.deadCalls({ installation: "acme", after: 0, limit: 9 })).map(({ id }) => id);
    });
    afterEach(() => store.close());

    const keys = async (search: object) =>
      (await store.deadCalls({ limit: 9, ...search })).map(({ key }) => key.split(":")[2]);

    test("lists dead calls alone, the latest first, or after one in the order of their ids", async () => {
      expect(await keys({})).toEqual(["d", "c", "b", "a"]);
      expect(await keys({ installation: "acme", limit: 2 })).toEqual(["c", "b"]);
      expect(await keys({ installation: "acme", before: ids[1] ?? 0 })).toEqual(["a"]);
      expect(await keys({ installation: "acme", after: ids[0] ?? 0 })).toEqual(["b", "c"]);
      expect((await store.deadCalls({ installation: "globex", limit: 1 }))[0]).toMatchObject({
        ...{ key: "globex:voys:d", installation: "globex", reason: "no such field" },
      });
    });

    test("makes each call due once in a retry, also when two do it at once, and counts where they are", async () => {
      await store.addRetry(retry("r", { installation: "acme" }));
      const calls = ids.slice(0, 2);
      const two = { calls, place: calls[1] ?? 0, now: t0 + 5 };
      const done = await Promise.all([store.retryCalls("r", two), store.retryCalls("r", two)]);
      expect(done.toSorted()).toEqual([0, 2]);
      expect(await store.retriedCounts("r")).toEqual({ ...none, waiting: 2 });
      expect(await store.callById(ids[0] ?? 0)).toMatchObject({
        state: "waiting",
        dueAt: t0 + 5,
        attempts: 0,
      });
      expect(await keys({ installation: "acme", notIn: "r" })).toEqual(["c"]);
      store = await reopen();
      expect(await store.openRetries()).toMatchObject([{ id: "r", installation: "acme", place: calls[1] }]);
      await store.retryCalls("r", { calls: ids, place: 0, now: t0 + 6 });
      expect(await store.retriedCounts("r")).toEqual({ ...none, waiting: 3 });
    });

    test("retries no call that is not dead any more", async () => {
      await store.addRetry(retry("r"));
      await store.retry("acme:voys:a", t0 + 1);
      expect(await store.retryCalls("r", { calls: ids, place: 0, now: t0 + 5 })).toBe(2);
      expect((await store.callById(ids[0] ?? 0))?.dueAt).toBe(t0 + 1);
    });

    test("gives the retry that is under way with the same filter", async () => {
      expect(await store.addRetry(retry("one", { installation: "acme", failure: "f" }))).toBe("one");
      expect(await store.addRetry(retry("two", { installation: "acme", failure: "f" }))).toBe("one");
      expect(await store.addRetry(retry("three", { installation: "acme" }))).toBe("three");
      expect(await store.addRetry(retry("four"))).toBe("four");
      await store.cancelRetry("one");
      expect(await store.addRetry(retry("five", { installation: "acme", failure: "f" }))).toBe("five");
      expect((await store.retries("acme")).map(({ id }) => id).toSorted()).toEqual(["five", "one", "three"]);
      expect(await store.retries()).toHaveLength(4);
    });

    test("makes no call due of one that was cancelled, and remembers what it did when it has ended", async () => {
      await store.addRetry(retry("r", { installation: "acme" }));
      await store.retryCalls("r", { calls: ids.slice(0, 1), place: 0, now: t0 });
      expect(await store.cancelRetry("r")).toBe(true);
      expect(await store.cancelRetry("r")).toBe(false);
      await store.countCancelled("r", 2);
      expect(await store.retryCalls("r", { calls: ids, place: 0, now: t0 })).toBe(0);
      const counts = { waiting: 0, logged: 1, dead: 0, other: 0 };
      await store.endRetry("r", counts, t0 + 9);
      expect(await store.retryById("r")).toEqual({
        ...retry("r", { installation: "acme" }),
        ...{ place: 0, cancelled: 2, endedAt: t0 + 9, counts },
      });
      expect([await store.openRetries(), await store.retriedCounts("r")]).toEqual([[], none]);
      expect(await store.retryById("other")).toBeUndefined();
    });

    test("remembers which groups are ignored, of each installation, until they are shown again", async () => {
      const one = { installation: "acme", failure: "f", at: t0 };
      await store.ignoreFailure({ ...one, at: t0 - 1 });
      await store.ignoreFailure(one);
      await store.ignoreFailure({ ...one, installation: "globex" });
      expect(await store.ignoredFailures("acme")).toEqual([one]);
      expect(await store.ignoredFailures()).toHaveLength(2);
      expect(await store.showFailure("acme", "f")).toBe(true);
      expect(await store.showFailure("acme", "f")).toBe(false);
      expect(await store.ignoredFailures("acme")).toEqual([]);
    });
  });
}
