import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { CallFilter, CallSearch, Store } from "../../src/store/contract.ts";
import { callOf, decodedCall, type OpenStore, t0 } from "./store-samples.ts";

const number = "+31501234567";

/** What people ask of a store about many calls. `open` gives an empty one. */
export function testListings(name: string, open: OpenStore): void {
  describe(`${name} lists calls`, () => {
    let store: Store;

    beforeEach(async () => {
      ({ store } = await open());
      const calls = ["a", "b", "c"].map((id) => decodedCall(id, id === "b" ? { number } : {}));
      await store.saveDecoded("acme", [], calls);
      const call = callOf("d", { installation: "globex", key: "globex:voys:d", provider: "bird" });
      await store.saveDecoded("globex", [], [decodedCall("d", { call, number, state: "dead" })]);
    });
    afterEach(() => store.close());

    const ids = async (filter: Partial<CallFilter>) =>
      (await store.calls({ limit: 9, ...filter })).map(({ call }) => call.callId);
    const counts = async () =>
      (await store.counts()).map(({ installation, state, calls }) => [installation, state, calls]);

    test("newest first, in pages", async () => {
      const page = await store.calls({ installation: "acme", limit: 2 });
      expect(page.map(({ call }) => call.callId)).toEqual(["c", "b"]);
      expect(await ids({ installation: "acme", before: page[1]?.id ?? 0 })).toEqual(["a"]);
    });

    test.each([
      [{}, ["d", "c", "b", "a"]],
      [{ installation: "acme" }, ["c", "b", "a"]],
      [{ number }, ["d", "b"]],
      [{ number, installation: "acme" }, ["b"]],
      [{ number: "+31500000000" }, []],
      [{ state: "dead" as const }, ["d"]],
      [{ state: "dead" as const, installation: "acme" }, []],
      [{ state: "waiting" as const, installation: "acme" }, ["c", "b", "a"]],
      [{ provider: "bird" }, ["d"]],
      [{ provider: "exotel" }, []],
      [{ until: new Date(t0 - 1).toISOString() }, []],
    ])("that match %j", async (filter, expected) => {
      expect(await ids(filter)).toEqual(expected);
    });

    const found = async (search: Partial<CallSearch>) => {
      const { calls, next } = await store.findCalls({ limit: 9, ...search });
      return [calls.map(({ call }) => call.callId), next] as const;
    };

    test.each([
      [{}, ["d", "c", "b", "a"]],
      [{ installation: "acme" }, ["c", "b", "a"]],
      [{ number }, ["d", "b"]],
      [{ state: "dead" as const }, ["d"]],
      [{ state: "waiting" as const, installation: "acme" }, ["c", "b", "a"]],
      [{ matched: false, installation: "acme" }, ["c", "b", "a"]],
      [{ matched: true }, []],
      [{ provider: "voys", recording: false }, ["c", "b", "a"]],
      [{ until: new Date(t0 - 1).toISOString() }, []],
      [{ contacts: ["7", "8"] }, []],
    ])("searched by %j", async (search, expected) => {
      expect(await found(search)).toEqual([expected, undefined]);
    });

    test("searched by what their events say, as it is now", async () => {
      const facts = {
        direction: "inbound",
        outcome: "busy",
        line: "+31850000000",
        recording: { ref: "r" },
      } as const;
      const agents = [
        { ids: ["7"], email: "first@example.com" },
        { ids: ["8"], talkedAt: new Date(t0).toISOString() },
      ];
      const call = callOf("e", { ...facts, agents });
      await store.saveDecoded("acme", [], [decodedCall("e", { call })]);
      const only = [["e"], undefined];
      expect(await found({ installation: "acme", outcome: "busy" })).toEqual(only);
      expect(await found({ direction: "inbound", line: "+31850000000" })).toEqual(only);
      expect(await found({ agent: "8", recording: true })).toEqual(only);
      expect(await found({ agent: "first@example.com" })).toEqual([[], undefined]);
      const row = (await store.call(call.key))?.row;
      const later = { ...call, revision: 2, outcome: "completed" as const };
      await store.saveDecoded("acme", [], [decodedCall("e", { call: later, ...(row && { row }) })]);
      expect(await found({ outcome: "busy" })).toEqual([[], undefined]);
      expect(await found({ outcome: "completed", provider: "voys" })).toEqual(only);
    });

    test("searched in pages, within a span of time", async () => {
      const page = await store.findCalls({ installation: "acme", limit: 2 });
      expect(page.calls.map(({ call }) => call.callId)).toEqual(["c", "b"]);
      expect(await found({ installation: "acme", before: page.next ?? 0 })).toEqual([["a"], undefined]);
      const [row] = page.calls;
      const createdAt = row?.createdAt ?? 0;
      const around = {
        since: new Date(createdAt - 1).toISOString(),
        until: new Date(createdAt + 60_000).toISOString(),
      };
      expect(await found({ installation: "acme", ...around })).toEqual([["c", "b", "a"], undefined]);
      expect(await found({ since: new Date(createdAt + 60_000).toISOString() })).toEqual([[], undefined]);
    });

    test("by the provider's id", async () => {
      expect(await store.callsOfLeg("a", ["voys", "bird"])).toEqual(["acme:voys:a"]);
      expect(await store.callsOfLeg("a", ["bird"])).toEqual([]);
    });

    test("one by its row", async () => {
      const [row] = await store.calls({ limit: 1 });
      expect(await store.callById(row?.id ?? 0)).toEqual(row);
      expect(await store.callById(1_000_000)).toBeUndefined();
    });

    test("counted by state, wherever they move", async () => {
      expect(await counts()).toEqual([
        ["acme", "waiting", 3],
        ["globex", "dead", 1],
      ]);
      const logged = (await store.dueCalls("acme", t0, 10)).map(({ id }) => ({
        ...{ id, key: "", installation: "acme", revision: 1, state: "logged" as const, attempts: 0 },
        step: { at: t0, step: "created", detail: {} },
      }));
      await store.saveDelivered(logged.slice(0, 2));
      await store.saveDelivered(logged.slice(0, 2));
      expect((await counts()).slice(0, 2)).toEqual([
        ["acme", "logged", 2],
        ["acme", "waiting", 1],
      ]);
      await store.saveDelivered(logged);
      expect((await counts())[0]).toEqual(["acme", "logged", 3]);
      await store.retry("acme:voys:b", t0);
      await store.retry("globex:voys:d", t0);
      expect(await counts()).toEqual([
        ["acme", "logged", 2],
        ["acme", "waiting", 1],
        ["globex", "waiting", 1],
      ]);
    });
  });
}
