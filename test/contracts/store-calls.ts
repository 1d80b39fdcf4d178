import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { endLimits } from "../../src/core/call.ts";
import type { Store } from "../../src/store/contract.ts";
import { callOf, contact, decodedCall, deliveryOf, type OpenStore, t0 } from "./store-samples.ts";

/** The contract that every store keeps. `open` gives an empty one. */
export function testCallStore(name: string, open: OpenStore): void {
  describe(`${name} keeps calls`, () => {
    let store: Store;

    beforeEach(async () => {
      ({ store } = await open());
    });
    afterEach(() => store.close());

    test("stores a call with its events once, however often they come", async () => {
      await store.saveDecoded("acme", [], [decodedCall("x")]);
      const [group] = await store.groupsOf("acme", [{ provider: "voys", callId: "x" }]);
      expect(group).toMatchObject({
        row: { state: "waiting", dueAt: t0, call: { key: "acme:voys:x" } },
        events: [{ callId: "x" }],
      });
      const row = group?.row;
      await store.saveDecoded(
        "acme",
        [],
        [decodedCall("x", { ...(row && { row }), call: callOf("x", { revision: 2 }) })],
      );
      const [after] = await store.groupsOf("acme", [{ provider: "voys", callId: "x" }]);
      expect(after?.events).toHaveLength(1);
      expect(after?.row.call.revision).toBe(2);
    });

    test("tells how large calls are, without what is replayed, and reads no more than the limits", async () => {
      const rang = (i: number) => ({
        event: { callId: "x", at: new Date(t0 + i).toISOString(), kind: "ringing", facts: {} },
        delivery: i,
      });
      const events = Array.from({ length: endLimits.events + 5 }, (_, i) => rang(i));
      await store.saveDecoded("acme", [], [decodedCall("x", { events })]);
      const [x, y] = ["x", "y"].map((callId) => ({ provider: "voys", callId }));
      if (!x || !y) throw new Error("two legs were expected");
      const sizes = await store.sizesOf("acme", [x, y], [0, 1, 2, 99_999]);
      const bytes = events.slice(3).reduce((sum, { event }) => sum + JSON.stringify(event).length, 0);
      expect(sizes).toMatchObject([{ leg: x, events: events.length - 3, bytes }]);
      const [group] = await store.groupsOf("acme", [x]);
      expect(group?.from.toSorted((a, b) => a - b)).toEqual(
        events.slice(0, endLimits.events).map(({ delivery }) => delivery),
      );
    });

    test("gives due calls in the order they became due, and tells when the next one is", async () => {
      await store.saveDecoded(
        "acme",
        [],
        [
          decodedCall("late", { dueAt: t0 + 5_000 }),
          decodedCall("second", { dueAt: t0 - 1 }),
          decodedCall("first", { dueAt: t0 - 2 }),
        ],
      );
      const due = await store.dueCalls("acme", t0, 10);
      expect(due.map(({ call }) => call.callId)).toEqual(["first", "second"]);
      expect(await store.nextDue("acme")).toBe(t0 - 2);
      expect(await store.nextDue("other")).toBeUndefined();
    });

    test("remembers what was delivered, and keeps a call due that changed meanwhile", async () => {
      await store.saveDecoded("acme", [], [decodedCall("x")]);
      const [row] = await store.dueCalls("acme", t0, 10);
      if (!row) throw new Error("no call is due");
      await store.saveSending("acme", [{ id: row.id, ours: { subject: ["Call"] } }], 5);
      await store.saveDecoded(
        "acme",
        [],
        [decodedCall("x", { row, call: callOf("x", { revision: 2 }), dueAt: t0 + 9 })],
      );
      const step = { at: t0, step: "created", detail: { activity: "1" } };
      const done = {
        id: row.id,
        key: row.call.key,
        installation: "acme",
        state: "logged" as const,
        attempts: 0,
        step,
      };
      await store.saveDelivered([
        { ...done, revision: 1, activityId: "1", contact: { id: "7", kind: "contact" } },
      ]);
      const group = await store.call("acme:voys:x");
      expect(group?.row).toMatchObject({
        state: "logged",
        activityId: "1",
        savedRevision: 1,
        dueAt: t0 + 9,
        ours: { subject: ["Call"] },
      });
      await store.saveDelivered([{ ...done, revision: 2 }]);
      const after = await store.call("acme:voys:x");
      expect(after?.row.dueAt).toBeUndefined();
      expect(after?.row).toMatchObject({ activityId: "1", contact: { id: "7" } });
      expect((await store.history(row.id)).map(({ step }) => step)).toEqual(["created", "created"]);
    });

    test("a call whose link was replaced while it was being saved is saved again", async () => {
      await store.saveDecoded("acme", [], [decodedCall("x")]);
      const [row] = await store.dueCalls("acme", t0, 10);
      const saved = {
        ...{ id: row?.id ?? 0, key: "", installation: "acme", revision: 1, state: "logged" as const },
        ...{ attempts: 0, step: { at: t0, step: "created", detail: {} } },
      };
      await store.relink(saved.id, 1, t0 + 5);
      await store.saveDelivered([{ ...saved, link: 0 }]);
      expect((await store.dueCalls("acme", t0 + 5, 10)).map(({ link }) => link)).toEqual([1]);
      await store.saveDelivered([{ ...saved, link: 1 }]);
      await store.relink(saved.id, 2, t0 + 6);
      await store.saveDelivered([{ ...saved, link: 1 }]);
      expect((await store.dueCalls("acme", t0 + 6, 10)).map(({ link }) => link)).toEqual([2]);
      await store.saveDelivered([{ ...saved, link: 2 }]);
      expect(await store.nextDue("acme")).toBeUndefined();
    });

    test("merges the legs of a transfer, and has the discarded activity removed", async () => {
      await store.saveDecoded("acme", [], [decodedCall("x"), decodedCall("y")]);
      const step = { at: t0, step: "created", detail: {} };
      const [, y] = await store.dueCalls("acme", t0, 10);
      if (!y) throw new Error("no call is due");
      await store.saveDelivered([
        {
          id: y.id,
          key: y.call.key,
          installation: "acme",
          revision: 1,
          state: "logged",
          attempts: 0,
          activityId: "9",
          step,
        },
      ]);
      const groups = await store.groupsOf("acme", [
        { provider: "voys", callId: "x" },
        { provider: "voys", callId: "y" },
      ]);
      const [winner, loser] = groups.map(({ row }) => row);
      if (!winner || !loser) throw new Error("two calls were expected");
      await store.saveDecoded(
        "acme",
        [],
        [
          decodedCall("x", {
            row: winner,
            call: callOf("x", { legs: ["x", "y"], revision: 2 }),
            absorbed: [loser],
          }),
        ],
      );
      const merged = await store.groupsOf("acme", [{ provider: "voys", callId: "y" }]);
      expect(merged.map(({ row, events }) => [row.call.callId, events.length])).toEqual([["x", 2]]);
      const due = await store.dueCalls("acme", Date.now() + 1, 10);
      expect(due.find(({ state }) => state === "merged")).toMatchObject({
        activityId: "9",
        mergedInto: winner.id,
      });
    });

    test("makes logged calls without a contact due when their number becomes known", async () => {
      await store.saveDecoded("acme", [], [decodedCall("x", { number: "+31501234567" })]);
      const [row] = await store.dueCalls("acme", t0, 10);
      const step = { at: t0, step: "created", detail: {} };
      await store.saveDelivered([
        { id: row?.id ?? 0, key: "", installation: "acme", revision: 1, state: "logged", attempts: 0, step },
      ]);
      const options = { now: t0 + 1, matchSince: 0 };
      expect(await store.putContacts("acme", [{ contact, numbers: ["+31501234567"] }], options)).toBe(1);
      expect(await store.dueCalls("acme", t0 + 1, 10)).toHaveLength(1);
      expect(await store.putContacts("acme", [{ contact, numbers: ["+31501234567"] }], options)).toBe(0);
    });

    test("makes the waiting calls of one installation due at once, and no others", async () => {
      await store.saveDecoded("acme", [], [decodedCall("later", { dueAt: t0 + 60_000 }), decodedCall("due")]);
      await store.hurry("globex", t0 + 1);
      expect((await store.dueCalls("acme", t0 + 1, 10)).map(({ call }) => call.callId)).toEqual(["due"]);
      await store.hurry("acme", t0 + 1);
      const due = await store.dueCalls("acme", t0 + 1, 10);
      expect(due.map(({ call, dueAt }) => [call.callId, dueAt])).toEqual([
        ["due", t0],
        ["later", t0 + 1],
      ]);
    });

    test("replays deliveries and retries calls", async () => {
      await store.append(deliveryOf("a"));
      const [delivery] = await store.newDeliveries("acme", 1);
      const { id, digest } = delivery ?? { id: 0, digest: 0 };
      const event = { callId: "x", at: "2026-01-02T03:04:05.000Z", kind: "ended", facts: {} };
      await store.saveDecoded(
        "acme",
        [{ id, digest, kind: "ended", events: 1 }],
        [decodedCall("x", { events: [{ event, delivery: id }], state: "dead" })],
      );
      expect(await store.newDeliveries("acme", 1)).toEqual([]);
      expect((await store.deliveriesIn({ key: "acme:voys:x" }, 0, 10)).map((found) => found.id)).toEqual([
        id,
      ]);
      await store.replay([id], t0 + 7);
      expect((await store.newDeliveries("acme", 1)).map((found) => [found.id, found.repeatOf])).toEqual([
        [id, undefined],
      ]);
      expect(await store.retry("acme:voys:x", t0 + 8)).toBe(true);
      expect(await store.retry("acme:voys:nobody", t0)).toBe(false);
      expect((await store.call("acme:voys:x"))?.row).toMatchObject({ state: "waiting", dueAt: t0 + 8 });
    });
  });
}
