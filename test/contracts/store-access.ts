import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { Store, StoredLink, StoredSession } from "../../src/store/contract.ts";
import { decodedCall, type OpenStore, t0 } from "./store-samples.ts";

const hour = 3_600_000;

const session = (id: string, overrides: Partial<StoredSession> = {}): StoredSession => ({
  ...{ id, role: "viewer", listen: false, name: "Noor", signedInBy: "link", address: "203.0.113.1" },
  ...{ createdAt: t0, seenAt: t0, expiresAt: t0 + hour },
  ...overrides,
});
const link = (id: string, overrides: Partial<StoredLink> = {}): StoredLink => ({
  ...{ id, role: "admin", listen: true, installation: "acme", name: "Noor", expiresAt: t0 + 60_000 },
  ...overrides,
});
const line = (at: number, overrides: object = {}) => ({
  ...{ at, who: "Noor", signedInBy: "oidc", action: "POST /api/calls/:key/retry", address: "203.0.113.1" },
  ...overrides,
});

/** The contract that every store keeps. `open` gives an empty one. */
export function testAccessStore(name: string, open: OpenStore): void {
  describe(`${name} keeps sessions, links and the audit`, () => {
    let store: Store;
    let reopen: () => Promise<Store>;
    beforeEach(async () => {
      ({ store, reopen } = await open());
    });
    afterEach(() => store.close());

    test("gives sessions back as they were, over a restart, until they are removed", async () => {
      const whole = session("a", { role: "operator", listen: true, installation: "acme", credential: "c" });
      await store.addSession(whole);
      await store.addSession(session("b"));
      store = await reopen();
      expect(await store.session("a")).toEqual(whole);
      expect(await store.session("b")).toEqual(session("b"));
      expect(await store.removeSession("a")).toBe(true);
      expect(await store.removeSession("a")).toBe(false);
      expect(await store.session("a")).toBeUndefined();
    });

    test("lists those that go on, the last used first, and can limit them to an installation", async () => {
      await store.addSession(session("old", { expiresAt: t0 }));
      await store.addSession(session("one", { seenAt: t0 + 1 }));
      await store.addSession(session("two", { seenAt: t0 + 2, installation: "acme" }));
      await store.touchSession("one", t0 + 3, t0 + 2 * hour);
      // Two requests at once: the later one counts.
      await store.touchSession("one", t0 + 2, t0 + hour);
      expect((await store.sessions(t0)).map(({ id, expiresAt }) => [id, expiresAt])).toEqual([
        ["one", t0 + 2 * hour],
        ["two", t0 + hour],
      ]);
      expect((await store.sessions(t0, "acme")).map(({ id }) => id)).toEqual(["two"]);
      expect(await store.sessions(t0, "globex")).toEqual([]);
    });

    test("gives a link to one of those that take it at once", async () => {
      await store.addLink(link("a"));
      expect(await store.link("a")).toEqual(link("a"));
      const taken = await Promise.all([store.takeLink("a"), store.takeLink("a"), store.takeLink("a")]);
      expect(taken.filter((one) => one !== undefined)).toEqual([link("a")]);
      expect(await store.link("a")).toBeUndefined();
    });

    test("adds lines to the audit, completes them, and lists the latest first, page by page", async () => {
      const first = await store.addAuditLine(line(t0, { object: "acme:voys:c1", installation: "acme" }));
      const second = await store.addAuditLine(line(t0 + 1));
      await store.endAuditLine(second, { result: 201, installation: "globex", detail: '{"after":1}' });
      await store.endAuditLine(first, { result: 404 });
      const all = await store.auditLines({ limit: 10 });
      expect(all).toEqual([
        { ...line(t0 + 1), id: second, installation: "globex", result: 201, detail: '{"after":1}' },
        { ...line(t0), id: first, object: "acme:voys:c1", installation: "acme", result: 404 },
      ]);
      expect(await store.auditLines({ limit: 1, before: second })).toEqual([all[1]]);
      expect(await store.auditLines({ limit: 10, installation: "globex" })).toEqual([all[0]]);
    });

    test("deletes what has expired, and audit lines that are too old", async () => {
      await store.addSession(session("old", { expiresAt: t0 }));
      await store.addSession(session("young"));
      await store.addLink(link("old", { expiresAt: t0 }));
      await store.addLink(link("young"));
      await store.addAuditLine(line(t0 - 1));
      const young = await store.addAuditLine(line(t0));
      await store.purgeAccess(t0 + 1, t0);
      expect([await store.session("old"), await store.link("old")]).toEqual([undefined, undefined]);
      expect([await store.session("young"), await store.link("young")]).toEqual([
        session("young"),
        link("young"),
      ]);
      expect((await store.auditLines({ limit: 10 })).map(({ id }) => id)).toEqual([young]);
    });

    test("leaves nothing of an installation that is erased, and all of the others", async () => {
      for (const installation of ["acme", "globex"]) {
        await store.addSession(session(`of ${installation}`, { installation }));
        await store.addLink(link(`of ${installation}`, { installation }));
        await store.addAuditLine(line(t0, { installation }));
      }
      await store.addSession(session("of an operator"));
      await store.addAuditLine(line(t0));
      await store.eraseInstallation("acme");
      expect((await store.sessions(t0)).map(({ id }) => id).sort()).toEqual(["of an operator", "of globex"]);
      expect([await store.link("of acme"), await store.link("of globex")]).toEqual([
        undefined,
        link("of globex", { installation: "globex" }),
      ]);
      const left = await store.auditLines({ limit: 10 });
      expect(left.map(({ installation }) => installation)).toEqual([undefined, "globex"]);
    });

    test("forgets which call of an erased person something was done to", async () => {
      await store.saveDecoded("acme", [], [{ ...decodedCall("c1"), number: "+31612345678" }]);
      const contact = { id: "7", kind: "contact" as const, phones: ["+31612345678"], fields: {} };
      await store.putContacts("acme", [{ contact, numbers: ["+31612345678"] }], { now: t0, matchSince: 0 });
      const detail = '{"after":{"contact":"7"}}';
      const of = { object: "acme:voys:c1", installation: "acme", detail };
      await store.addAuditLine(line(t0, of));
      await store.addAuditLine(line(t0, { ...of, object: "acme:voys:c2" }));
      await store.erase("acme", [contact], { now: t0, spared: [] });
      const [other, erased] = await store.auditLines({ limit: 10 });
      expect(other).toMatchObject({ object: "acme:voys:c2", detail });
      expect(erased).toEqual({ ...line(t0), id: expect.any(Number), installation: "acme" });
    });
  });
}
