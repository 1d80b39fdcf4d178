import { setTimeout as pause } from "node:timers/promises";
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import type { Notice, SharedStore, Store } from "../../src/store/contract.ts";
import { openConnections } from "../../src/store/postgres/pool.ts";
import { decodedCall, deliveryOf, t0 } from "../contracts/store-samples.ts";
import { waitFor } from "../support/server.ts";
import { useSharedStore } from "../support/shared-store.ts";

const postgres = useSharedStore();
const { open, query } = postgres;
let url: string;
let store: Store;
let shared: SharedStore;
beforeEach(() => {
  ({ url, store, shared } = postgres.current());
});

describe("the fence", () => {
  test("refuses what an earlier claim writes, and nothing of it is stored", async () => {
    const before = await shared.claim("acme");
    await shared.as(before).saveDecoded("acme", [], [decodedCall("x")]);
    const after = await shared.claim("acme");
    expect(after.epoch).toBe(before.epoch + 1);
    const late = shared.as(before).saveDecoded("acme", [], [decodedCall("y")]);
    await expect(late).rejects.toMatchObject({ name: "StoreError", fault: "overtaken" });
    await shared.as(after).saveDecoded("acme", [], [decodedCall("z")]);
    expect((await store.dueCalls("acme", t0, 9)).map(({ call }) => call.callId)).toEqual(["x", "z"]);
  });

  test("a claim waits for a transaction of the holder that is under way", async () => {
    const claim = await shared.claim("acme");
    const db = openConnections(url, { size: 1, timeoutMs: 5_000 });
    let isClaimed = false;
    await db.transaction(async (tx) => {
      await tx.all("SELECT 1 FROM fences WHERE installation = 'acme' FOR SHARE");
      void shared.claim("acme").then(() => {
        isClaimed = true;
      });
      await pause(100);
      expect(isClaimed).toBe(false);
    });
    await waitFor("the claim", () => isClaimed);
    await expect(shared.as(claim).putOwners("acme", [])).rejects.toMatchObject({ fault: "overtaken" });
    await db.close();
  });

  test("is raised by an erasure, so that nothing under way comes back", async () => {
    const claim = await shared.claim("acme");
    await store.eraseInstallation("acme");
    const late = shared.as(claim).saveDecoded("acme", [], [decodedCall("x")]);
    await expect(late).rejects.toMatchObject({ fault: "overtaken" });
  });
});

test("a newer version widens a table that this one reads with prepared statements", async () => {
  await store.ready();
  const db = openConnections(url, { size: 3, timeoutMs: 5_000 });
  onTestFinished(() => db.close());
  const read = () => db.all("SELECT * FROM installs, pg_sleep(0.05)");
  const readAll = () =>
    Promise.all([read(), read(), read(), db.transaction((tx) => tx.all("SELECT * FROM installs"))]);
  await readAll();
  await query("ALTER TABLE installs ADD COLUMN later text");
  expect(await readAll()).toEqual([[], [], [], []]);
  await query("ALTER TABLE installs DROP COLUMN later");
  expect(await readAll()).toEqual([[], [], [], []]);
});

test("instances that start at once migrate an empty database once", async () => {
  const others = [1, 2, 3, 4].map(open);
  await Promise.all(others.map((one) => one.ready()));
  expect(await query("SELECT version FROM switchhook_schema")).toHaveLength(1);
});

test("a database that a newer version has contracted is refused in words", async () => {
  await store.ready();
  await query("UPDATE switchhook_schema SET version = 99, usable_from = 99");
  await expect(open().ready()).rejects.toThrow("newer Switchhook (schema 99");
  await query("UPDATE switchhook_schema SET usable_from = 1");
  await open().ready();
});

test("text with NUL and numbers with a fraction are stored, which PostgreSQL's columns do not take", async () => {
  await store.append(deliveryOf("x", { method: "P\0ST" }));
  expect(await store.newDeliveries("acme", 1)).toMatchObject([{ method: "P\u2400ST" }]);
  await store.saveDecoded("acme", [], [decodedCall("x", { dueAt: t0 + 0.5 })]);
  expect(await store.nextDue("acme")).toBe(t0 + 1);
});

test("bodies of any bytes and sizes come back as they were, many at once", async () => {
  const bodies = [0, 1, 31, 32, 33, 70_000, 3_000_000].map((size) => Buffer.alloc(size, size % 251));
  await Promise.all(bodies.map((body) => store.append(deliveryOf("", { body }))));
  const found: Uint8Array[] = [];
  for (const { id, body, digest } of await store.newDeliveries("acme", 99)) {
    found.push(body);
    await store.saveDecoded("acme", [{ id, digest, kind: "x", events: 0 }], []);
  }
  for (const { body } of await store.newDeliveries("acme", 99)) found.push(body);
  expect(found.map((body) => Buffer.compare(body, bodies[found.indexOf(body)] ?? Buffer.alloc(0)))).toEqual(
    bodies.map(() => 0),
  );
});

test("transactions that deadlock are run again", async () => {
  const db = openConnections(url, { size: 4, timeoutMs: 10_000 });
  await store.ready();
  await query("INSERT INTO syncs (installation, generation) VALUES ('a', 0), ('b', 0)");
  const add = (tx: typeof db, installation: string) =>
    tx.run("UPDATE syncs SET generation = generation + 1 WHERE installation = :installation", {
      installation,
    });
  const both = (first: string, second: string) =>
    db.transaction(async (tx) => {
      await add(tx as typeof db, first);
      await pause(200);
      await add(tx as typeof db, second);
    });
  await Promise.all([both("a", "b"), both("b", "a")]);
  expect(await query("SELECT generation FROM syncs")).toEqual([{ generation: "2" }, { generation: "2" }]);
  await db.close();
});

test("an outage gives errors that name a cure, and the store works again after it", async () => {
  await store.append(deliveryOf("before"));
  await postgres.server().kill();
  await expect(store.append(deliveryOf("meanwhile"))).rejects.toMatchObject({
    name: "StoreError",
    fault: "broken",
  });
  await expect(store.ready()).rejects.toMatchObject({ cure: expect.stringContaining("PostgreSQL runs") });
  await expect(store.counts()).rejects.toMatchObject({ fault: "broken" });
  await postgres.server().start();
  await store.append(deliveryOf("after"));
  const stored = await store.newDeliveries("acme", 9);
  expect(stored.map(({ body }) => Buffer.from(body).toString())).toEqual(["before", "after"]);
});

test("connections to a server that has become read-only are replaced", async () => {
  await store.ready();
  const role = (change: string) => query(`BEGIN READ WRITE; ALTER ROLE postgres ${change}; COMMIT`);
  await role("SET default_transaction_read_only = on");
  onTestFinished(() => role("RESET default_transaction_read_only").then(() => {}));
  const other = open();
  await expect(other.putOwners("acme", [{ id: "1", name: "A" }])).rejects.toMatchObject({ fault: "locked" });
  await role("RESET default_transaction_read_only");
  await other.putOwners("acme", [{ id: "1", name: "A" }]);
});

describe("instances", () => {
  test("are counted while they live, with their work and their listeners", async () => {
    expect(await shared.beat("a", { tenancies: 2, hasListeners: false, config: "c" })).toEqual({
      instances: 1,
      tenancies: 2,
      hasListeners: false,
      configs: 1,
    });
    expect(await shared.beat("b", { tenancies: 3, hasListeners: true, config: "c" })).toEqual({
      instances: 2,
      tenancies: 5,
      hasListeners: true,
      configs: 1,
    });
    const other = { tenancies: 3, hasListeners: true, config: "d" };
    expect(await shared.beat("b", other)).toMatchObject({ configs: 2 });
    await query("UPDATE instances SET seen_at = seen_at - interval '16 seconds' WHERE id = 'b'");
    expect(await shared.beat("a", { tenancies: 1, hasListeners: false, config: "c" })).toMatchObject({
      instances: 1,
    });
    await shared.leave("a");
    expect(await query("SELECT id FROM instances")).toEqual([{ id: "b" }]);
  });

  test("hear of installs and mappings that were changed, at once and when they look", async () => {
    const heard: Notice[] = [];
    const { promise: isListening, resolve: listening } = Promise.withResolvers<void>();
    const stop = await shared.listen((notice) => heard.push(notice), listening);
    const { position } = await shared.changesSince();
    await isListening;
    const channel = `switchhook_${(await query("SELECT current_schema() AS name"))[0]?.["name"]}`;
    for (const payload of ["", "live x {not JSON", "news from another version"])
      await query(`SELECT pg_notify('${channel}', '${payload}')`);
    await shared.saveMapping("acme", "{}");
    const install = { name: "beta", crm: "hubspot", account: "1", body: "{}", updatedAt: t0 };
    await store.saveInstall({ ...install, state: "active", version: 1 });
    await store.saveInstall({ ...install, state: "active", version: 1, sealed: "x" });
    await store.saveInstall({ ...install, state: "removed", version: 1 });
    await waitFor("three notices", () => heard.length >= 3);
    expect(heard).toEqual([
      { kind: "changed", change: { what: "mappings", name: "acme" } },
      { kind: "changed", change: { what: "installs", name: "beta" } },
      { kind: "changed", change: { what: "installs", name: "beta" } },
    ]);
    expect((await shared.changesSince(position)).changes.map(({ id: _, ...one }) => one)).toEqual([
      { what: "mappings", name: "acme" },
      { what: "installs", name: "beta" },
    ]);
    await stop();
  });

  test("look for changes from the time of the last look, also when there were none", async () => {
    const first = await shared.changesSince();
    const second = await shared.changesSince(first.position);
    const weekAgo = first.position - 7 * 86_400 * 2 ** 21;
    expect(second.changes).toEqual([]);
    expect(second.position).toBeGreaterThan(first.position);
    expect((await shared.changesSince(weekAgo)).position).toBeGreaterThan(second.position);
  });

  test("hear of more calls that changed than one notice holds", async () => {
    const heard: string[] = [];
    const stop = await shared.listen(
      (notice) => {
        if (notice.kind === "live") heard.push(...notice.calls.map(({ key }) => key));
      },
      () => {},
    );
    const call = { installation: "acme", state: "logged", phase: "ended", revision: 1 } as const;
    const calls = Array.from({ length: 200 }, (_, i) => ({ ...call, key: `acme:voys:${i}` }));
    await waitFor("all calls", async () => {
      await shared.notify({ kind: "live", from: "a", calls });
      return heard.length >= calls.length;
    });
    expect(new Set(heard)).toEqual(new Set(calls.map(({ key }) => key)));
    await stop();
  });

  test("hear of more lanes than one notice holds, also after the connection was cut", async () => {
    const heard = new Set<string>();
    const listening = vi.fn();
    const stop = await shared.listen((notice) => {
      if (notice.kind === "wake")
        for (const one of notice.lanes) heard.add(`${one.installation} ${one.lane}`);
    }, listening);
    const lanes = Array.from({ length: 2_000 }, (_, i) => ({
      installation: `installation-${i}`,
      lane: "decode",
    }));
    await waitFor("all lanes", async () => {
      await shared.notify({ kind: "wake", lanes });
      return heard.size === lanes.length;
    });
    await query(
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'switchhook notices'",
    );
    await waitFor("another lane", async () => {
      await shared.notify({ kind: "wake", lanes: [{ installation: "other", lane: "decode" }] });
      return heard.has("other decode");
    });
    expect(listening).toHaveBeenCalledTimes(2);
    await stop();
  });
});
