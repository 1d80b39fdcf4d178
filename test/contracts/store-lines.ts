import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Store } from "../../src/store/contract.ts";
import { contact, decodedCall, type OpenStore, t0 } from "./store-samples.ts";

const line = "+31201234567";

/** What every store knows of the company's lines. `open` gives an empty one. */
export function testLineStore(name: string, open: OpenStore): void {
  describe(`${name} keeps lines`, () => {
    let store: Store;
    let reopen: () => Promise<Store>;

    beforeEach(async () => {
      ({ store, reopen } = await open());
    });
    afterEach(() => store.close());

    test("of one installation and provider, each once, for ever", async () => {
      await store.saveDecoded("acme", [], [decodedCall("x", { lines: [{ number: line }] })]);
      await store.saveDecoded(
        "acme",
        [],
        [decodedCall("y", { lines: [{ number: line }, { number: "+31501234567" }] })],
      );
      store = await reopen();
      expect((await store.lines("acme", "voys")).sort()).toEqual([line, "+31501234567"]);
      expect(await store.lines("acme", "exotel")).toEqual([]);
      expect(await store.lines("globex", "voys")).toEqual([]);
    });

    test("finds the calls that have a line at an open end, until that is decided", async () => {
      await store.saveDecoded(
        "acme",
        [],
        [decodedCall("x", { ends: [line, "+31612345678"] }), decodedCall("y")],
      );
      for (const number of [line, "+31612345678"])
        expect(await store.callsBetween("acme", "voys", number)).toEqual({ callIds: ["x"] });
      expect(await store.callsBetween("acme", "exotel", line)).toEqual({ callIds: [] });
      const [group] = await store.groupsOf("acme", [{ provider: "voys", callId: "x" }]);
      await store.saveDecoded("acme", [], [decodedCall("x", { ...(group && { row: group.row }) })]);
      expect(await store.callsBetween("acme", "voys", line)).toEqual({ callIds: [] });
    });

    test("remembers a line with more calls than one turn folds again, until it is done", async () => {
      const calls = Array.from({ length: 250 }, (_, i) => decodedCall(`x${i}`, { ends: [line] }));
      await store.saveDecoded("acme", [], calls);
      const first = await store.callsBetween("acme", "voys", line);
      expect(first.callIds).toHaveLength(200);
      const { openBefore } = first;
      if (openBefore === undefined) throw new Error("nothing is left");
      await store.saveDecoded("acme", [], [decodedCall("y", { lines: [{ number: line, openBefore }] })]);
      store = await reopen();
      expect(await store.openLine("acme")).toEqual({ provider: "voys", number: line, openBefore });
      const rest = await store.callsBetween("acme", "voys", line, openBefore);
      expect(rest).toEqual({ callIds: expect.objectContaining({ length: 50 }) });
      await store.saveDecoded("acme", [], [], { provider: "voys", number: line });
      expect(await store.openLine("acme")).toBeUndefined();
    });

    test("a call that turns out to have another customer loses its contact", async () => {
      await store.putContacts("acme", [{ contact, numbers: [line] }], { now: t0, matchSince: 0 });
      await store.saveDecoded("acme", [], [decodedCall("x", { number: line })]);
      const [due] = await store.dueCalls("acme", t0, 10);
      if (!due) throw new Error("no call is due");
      const { id, call } = due;
      const step = { at: t0, step: "created", detail: {} };
      const done = {
        id,
        key: call.key,
        installation: "acme",
        revision: 1,
        state: "logged" as const,
        attempts: 0,
      };
      await store.saveDelivered([{ ...done, contact: { id: "7", kind: "contact" }, activityId: "1", step }]);
      const again = async (number: string) => {
        const row = await store.callById(id);
        await store.saveDecoded("acme", [], [decodedCall("x", { ...(row && { row }), number })]);
        return store.callById(id);
      };
      expect(await again(line)).toMatchObject({ contact: { id: "7" }, activityId: "1" });
      expect(await again("+31612345678")).not.toHaveProperty("contact");
    });

    test("forgets a line that was a person's number, and a call that may have been theirs", async () => {
      await store.putContacts("acme", [{ contact, numbers: [line] }], { now: t0, matchSince: 0 });
      await store.saveDecoded(
        "acme",
        [],
        [decodedCall("x", { ends: [line, "+31612345678"], lines: [{ number: line }] })],
      );
      await store.erase("acme", [{ id: "7", kind: "contact" }], { now: t0, spared: [] });
      expect(await store.lines("acme", "voys")).toEqual([]);
      for (const number of [line, "+31612345678"])
        expect(await store.callsBetween("acme", "voys", number)).toEqual({ callIds: [] });
      expect((await store.call("acme:voys:x"))?.row.reason).toBe("erased on request");
    });

    test("keeps a line of the company that a contact has too", async () => {
      await store.putContacts("acme", [{ contact, numbers: [line] }], { now: t0, matchSince: 0 });
      await store.saveDecoded("acme", [], [decodedCall("x", { lines: [{ number: line }] })]);
      await store.erase("acme", [{ id: "7", kind: "contact" }], { now: t0, spared: [line] });
      expect(await store.lines("acme", "voys")).toEqual([line]);
    });
  });
}
