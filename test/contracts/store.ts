import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Store } from "../../src/store/contract.ts";
import { contact, deliveryOf, type OpenStore, t0 } from "./store-samples.ts";

/** The contract that every store keeps. `open` gives an empty one. */
export function testStore(name: string, open: OpenStore): void {
  describe(`${name} keeps deliveries, contacts and answers`, () => {
    let store: Store;
    let reopen: () => Promise<Store>;

    beforeEach(async () => {
      ({ store, reopen } = await open());
    });
    afterEach(() => store.close());

    test("keeps the exact bytes of a delivery until it is decoded, and over a restart", async () => {
      const body = Buffer.from([0, 255, 10, 13, 0, 128]);
      await store.append(deliveryOf("", { body, url: "/webhooks/acme/voys?a=%20b" }));
      store = await reopen();
      const [delivery] = await store.newDeliveries("acme", 10);
      expect(delivery).toMatchObject({
        url: "/webhooks/acme/voys?a=%20b",
        headers: { "content-type": "application/json" },
      });
      expect(Buffer.from(delivery?.body ?? [])).toEqual(body);
      expect(await store.newDeliveries("other", 10)).toEqual([]);
    });

    test("commits many deliveries that arrive together, in order", async () => {
      await Promise.all(Array.from({ length: 200 }, (_, i) => store.append(deliveryOf(`${i}`))));
      const stored = await store.newDeliveries("acme", 500);
      expect(stored.map(({ body }) => Buffer.from(body).toString())).toEqual(
        Array.from({ length: 200 }, (_, i) => `${i}`),
      );
    });

    test("gives large deliveries in parts of a megabyte and one delivery, so that decoding leaves the thread to others", async () => {
      const sizes = [400_000, 400_000, 400_000, 5_000_000, 100, 5_000_000, 100];
      for (const [i, size] of sizes.entries())
        await store.append(deliveryOf(`${i}`.padEnd(size), { url: `/${i}` }));
      const parts: string[] = [];
      for (;;) {
        const part = await store.newDeliveries("acme", 10);
        if (part.length === 0) break;
        parts.push(part.map(({ url }) => url).join(""));
        const notes = part.map(({ id, digest }) => ({ id, digest, kind: "x", events: 0 }));
        await store.saveDecoded("acme", notes, []);
      }
      expect(parts).toEqual(["/0/1/2", "/3", "/4/5", "/6"]);
    });

    test("knows a repeat by its bytes and URL, within the batch, later, and not after 24 h", async () => {
      for (const body of ["a", "a", "b"]) await store.append(deliveryOf(body));
      await store.append(deliveryOf("a", { url: "/elsewhere" }));
      const first = await store.newDeliveries("acme", 10);
      const [original] = first;
      expect(first.map(({ repeatOf }) => repeatOf)).toEqual([undefined, original?.id, undefined, undefined]);
      const notes = first.map(({ id, digest, repeatOf }) => ({
        id,
        digest,
        kind: "x",
        events: 0,
        ...(repeatOf && { repeatOf }),
      }));
      await store.saveDecoded("acme", notes, []);
      await store.append(deliveryOf("a"));
      await store.append(deliveryOf("a", { receivedAt: new Date(t0 + 25 * 3_600_000).toISOString() }));
      const [again, tomorrow] = await store.newDeliveries("acme", 10);
      expect(again?.repeatOf).toBe(original?.id);
      expect(tomorrow?.repeatOf).toBeUndefined();
      const unused = await store.unusedDeliveries(10, "acme");
      expect(unused.find(({ id }) => id === original?.id)?.repeats).toBe(1);
    });

    test("finds contacts by number, and forgets numbers that a contact lost", async () => {
      const options = { now: t0, matchSince: 0 };
      await store.putContacts("acme", [{ contact, numbers: ["+31501234567", "+31612345678"] }], options);
      expect(
        (await store.contactsByNumber("acme", ["+31612345678", "+31600000000"])).get("+31612345678"),
      ).toEqual([contact]);
      expect((await store.contactsByNumber("other", ["+31612345678"])).size).toBe(0);
      await store.saveSyncState("acme", { generation: 2 });
      await store.putContacts("acme", [{ contact, numbers: ["+31501234567"] }], options);
      expect((await store.contactsByNumber("acme", ["+31612345678"])).size).toBe(0);
      expect(await store.dropContactsBefore("acme", 2)).toBe(0);
      expect(await store.dropContactsBefore("acme", 3)).toBe(1);
      expect((await store.contactsByNumber("acme", ["+31501234567"])).size).toBe(0);
      expect(await store.countContacts("acme")).toBe(0);
    });

    test("keeps answers, owners and sync states", async () => {
      await store.saveAnswer("acme", "retell", {
        ref: "c1",
        at: t0,
        number: "+31501234567",
        reply: { a: 1 },
        why: { b: 2 },
      });
      expect(await store.answer("acme", "retell", "c1")).toMatchObject({ reply: { a: 1 }, why: { b: 2 } });
      expect(await store.answersNear("acme", "+31501234567", t0 - 1, t0 + 1)).toHaveLength(1);
      expect(await store.answersNear("acme", "+31501234567", t0 + 1, t0 + 2)).toHaveLength(0);
      await store.putOwners("acme", [{ id: "1", email: "a@example.com" }]);
      expect(await store.owners("acme")).toEqual([{ id: "1", email: "a@example.com" }]);
      await store.saveSyncState("acme", { cursor: "c", generation: 3 });
      expect(await store.syncState("acme")).toEqual({ cursor: "c", generation: 3 });
      await store.saveSyncState("acme", { cursor: "d", generation: 2, finishedAt: t0 });
      expect(await store.syncState("acme")).toEqual({ cursor: "d", generation: 3, finishedAt: t0 });
    });

    test("the first answer to a question counts, unless it is outdated", async () => {
      const answer = { ref: "c1", at: t0, reply: { agent: "one" }, why: {} };
      const [first, second] = await Promise.all([
        store.saveAnswer("acme", "retell", answer),
        store.saveAnswer("acme", "retell", { ...answer, reply: { agent: "two" } }),
      ]);
      expect(second).toEqual(first);
      const later = { ...answer, at: t0 + 9, reply: { agent: "three" } };
      expect(await store.saveAnswer("acme", "retell", { ...later, outdatedBefore: t0 })).toEqual(first);
      expect(await store.saveAnswer("acme", "retell", { ...later, outdatedBefore: t0 + 1 })).toEqual(later);
      expect(await store.answer("acme", "retell", "c1")).toEqual(later);
    });

    test("purges what is older than its time, but nothing that is still to be decoded", async () => {
      await store.append(deliveryOf("old"));
      expect(await store.purge(t0 + 9, t0 + 9)).toBe(0);
      const [delivery] = await store.newDeliveries("acme", 1);
      await store.saveDecoded(
        "acme",
        [{ id: delivery?.id ?? 0, digest: delivery?.digest ?? 0, kind: "x", events: 0 }],
        [],
      );
      expect(await store.purge(t0 + 9, t0 + 9)).toBe(1);
    });

    test("purges however much is old, and keeps what is not", async () => {
      const young = new Date(t0 + 100).toISOString();
      for (let i = 0; i < 1_100; i++) void store.append(deliveryOf(`old ${i}`));
      await store.append(deliveryOf("young", { receivedAt: young }));
      const notes = (await store.newDeliveries("acme", 2_000)).map(({ id, digest }) => ({
        id,
        digest,
        kind: "x",
        events: 0,
      }));
      await store.saveDecoded("acme", notes, []);
      expect(await store.purge(t0 + 9, t0 + 9)).toBe(1_100);
      expect((await store.unusedDeliveries(10)).map(({ receivedAt }) => receivedAt)).toEqual([young]);
    });
  });
}
