import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Store, WorkKind } from "../../src/store/contract.ts";
import { callOf, decodedCall, deliveryOf, type OpenStore, t0 } from "./store-samples.ts";

const kinds: WorkKind[] = ["deliveries", "lines", "calls", "follow-ups", "polls", "recordings", "contacts"];

/** What a store says about all installations at once. `open` gives an empty one. */
export function testWaitingStore(name: string, open: OpenStore): void {
  describe(`${name} finds the work of all installations`, () => {
    let store: Store;

    beforeEach(async () => {
      ({ store } = await open());
    });
    afterEach(() => store.close());

    const found = async (now: number, only: readonly WorkKind[] = kinds) =>
      (await store.waitingWork(now, only))
        .map(({ installation, waiting }) => `${installation} ${waiting}`)
        .sort();
    const saved = (installation: string, id: string, more: object = {}) => {
      const call = callOf(id, { installation, key: `${installation}:voys:${id}` });
      return store.saveDecoded(installation, [], [decodedCall(id, { call, ...more })]);
    };

    test("none in an empty store", async () => {
      expect(await found(t0)).toEqual([]);
      expect(await store.oldestDue()).toEqual([]);
      expect(await store.quietCalls(t0)).toEqual([]);
      expect(await store.lastUses()).toEqual([]);
    });

    test("deliveries until they are decoded", async () => {
      for (const installation of ["globex", "acme", "initech", "acme"])
        await store.append(deliveryOf(`{"of": "${installation}"}`, { installation }));
      expect(await found(t0)).toEqual(["acme deliveries", "globex deliveries", "initech deliveries"]);
      for (const { id, digest } of await store.newDeliveries("globex", 10))
        await store.saveDecoded("globex", [{ id, digest, kind: "test", events: 0 }], []);
      expect(await found(t0)).toEqual(["acme deliveries", "initech deliveries"]);
      expect(await found(t0, ["calls"])).toEqual([]);
    });

    test("calls, polls and recordings once they are due", async () => {
      await saved("acme", "a", { dueAt: t0 + 5 });
      await saved("acme", "b", { dueAt: t0 + 3, pollAt: t0 + 8 });
      await saved("globex", "c", { dueAt: t0 + 9, audioAt: t0 + 7 });
      await saved("initech", "d", { state: "open", dueAt: undefined });
      expect(await found(t0 + 2)).toEqual([]);
      expect(await found(t0 + 3)).toEqual(["acme calls"]);
      expect(await found(t0 + 9)).toEqual(["acme calls", "acme polls", "globex calls", "globex recordings"]);
      expect(await store.oldestDue()).toEqual([
        { installation: "acme", due: t0 + 3 },
        { installation: "globex", due: t0 + 9 },
      ]);
    });

    test("follow-ups that can be closed, and not those that were never made", async () => {
      await saved("acme", "a", { dueAt: undefined });
      const call = (await store.call("acme:voys:a"))?.row.id ?? 0;
      const subject = { number: "+31501234567" };
      await store.saveSending(
        "acme",
        [{ id: call, ours: {}, followUp: { since: t0, fields: {}, ...subject } }],
        t0,
      );
      await store.markReached("acme", [{ call, key: "acme:voys:b", at: t0 + 1, ...subject }], t0 + 5);
      expect(await found(t0 + 5)).toEqual([]);
      await store.changeFollowUps([{ call, state: "open", attempts: 0, closeAt: t0 + 5 }]);
      expect(await found(t0 + 4)).toEqual([]);
      expect(await found(t0 + 5)).toEqual(["acme follow-ups"]);
    });

    test("own lines whose earlier calls are to be folded again", async () => {
      const line = { number: "201", openBefore: 9 };
      await saved("acme", "a", { dueAt: undefined, lines: [line] });
      expect(await found(t0)).toEqual(["acme lines"]);
      await store.saveDecoded("acme", [], [], { provider: "voys", number: "201" });
      expect(await found(t0)).toEqual([]);
    });

    test("calls that are not over and have gone quiet", async () => {
      await saved("acme", "a", { state: "open", dueAt: undefined });
      await saved("globex", "b");
      const later = Date.now() + 60_000;
      expect(await store.quietCalls(later)).toEqual(["acme"]);
      expect(await store.quietCalls(0)).toEqual([]);
    });

    test("when each was last synced, and had its newest call", async () => {
      await saved("acme", "a");
      await store.saveSyncState("acme", { generation: 1, finishedAt: t0 });
      await store.saveSyncState("globex", { generation: 1 });
      await store.saveNumbering("globex", "2 NL");
      const uses = (await store.lastUses()).sort((a, b) => a.installation.localeCompare(b.installation));
      expect(uses).toEqual([
        { installation: "acme", syncedAt: t0, calledAt: expect.any(Number) },
        { installation: "globex", numbering: "2 NL" },
      ]);
    });
  });
}
