import { setTimeout as pause } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import type { SharedStore, Store } from "../../src/store/contract.ts";
import { openConnections } from "../../src/store/postgres/pool.ts";
import { decodedCall, deliveryOf, t0 } from "../contracts/store-samples.ts";
import { useSharedStore } from "../support/shared-store.ts";

const postgres = useSharedStore();
const { open, query } = postgres;
let url: string;
let store: Store;
let shared: SharedStore;
beforeEach(() => {
  ({ url, store, shared } = postgres.current());
});

describe("under load", () => {
  test("an instance proves that it lives while all connections of the lanes wait", async () => {
    await store.ready();
    const db = openConnections(url, { size: 1, timeoutMs: 20_000 });
    await db.transaction(async (tx) => {
      tx.lock("erasure acme", "exclusive");
      const waiting = Array.from({ length: 8 }, (_, i) =>
        store.saveAnswer("acme", "retell", {
          ref: `${i}`,
          at: t0,
          number: "+31612345678",
          reply: {},
          why: {},
        }),
      );
      for (const one of waiting) one.catch(() => {});
      await pause(100);
      expect(await shared.beat("a", { tenancies: 0, hasListeners: false, config: "c" })).toMatchObject({
        instances: 1,
      });
    });
    await db.close();
  });

  test("a holder that stalls within a transaction holds up its successor for a few seconds", async () => {
    const claim = await shared.claim("acme");
    const db = openConnections(url, { size: 1, timeoutMs: 20_000 });
    const stalled = db
      .transaction(async (tx) => {
        const values = { epoch: claim.epoch };
        await tx.all("SELECT 1 FROM fences WHERE installation = 'acme' AND epoch = :epoch FOR SHARE", values);
        await pause(9_000);
      })
      .catch(() => "lost");
    await pause(3_000);
    const begun = performance.now();
    expect(await shared.claim("acme")).toMatchObject({ epoch: claim.epoch + 1 });
    expect(performance.now() - begun).toBeLessThan(4_000);
    await stalled;
    await db.close();
  }, 20_000);

  test("many changes of the tallies become one row per sum", async () => {
    await store.ready();
    await query("INSERT INTO tally_changes SELECT 'acme', 'logged', 1 FROM generate_series(1, 120000)");
    await store.purge(Date.now(), 0);
    expect(await query("SELECT * FROM tally_changes")).toMatchObject([{ calls: "120000" }]);
  });
});

test("a call that is erased while it is sent gets none of its fields back", async () => {
  await store.saveDecoded("acme", [], [decodedCall("x")]);
  const [row] = await store.dueCalls("acme", t0, 1);
  const id = row?.id ?? 0;
  await query(`INSERT INTO events VALUES (${id}, 1, 1, '{}')`);
  const db = openConnections(url, { size: 1, timeoutMs: 5_000 });
  let sending: Promise<void> | undefined;
  // As `erasePeople` does it.
  await db.transaction(async (tx) => {
    tx.lock("erasure acme", "exclusive");
    await tx.run("DELETE FROM events WHERE call = :id", { id });
    await tx.run("UPDATE calls SET reason = 'erased on request', ours = '{}' WHERE id = :id", { id });
    sending = store.saveSending("acme", [{ id, ours: { title: ["Call with Vera"] } }], t0);
    await pause(300);
  });
  await sending;
  await db.close();
  expect((await store.callById(id))?.ours).toEqual({});
});

describe("partitions", () => {
  const future = async () => {
    const rows = await query(
      "SELECT relname FROM pg_class WHERE relname ~ '^deliveries_\\d+$' AND relkind = 'r' AND relnamespace = current_schema()::regnamespace ORDER BY 1",
    );
    return rows.map(({ relname }) => String(relname));
  };

  test("of next weeks are made without waiting, because webhooks would wait behind a start", async () => {
    await store.ready();
    const last = (await future()).at(-1) ?? "";
    await query(`DROP TABLE ${last}`);
    const db = openConnections(url, { size: 1, timeoutMs: 20_000 });
    await db.transaction(async (tx) => {
      await tx.all("SELECT 1 FROM deliveries");
      const begun = performance.now();
      await open().ready();
      await store.append(deliveryOf("x"));
      expect(performance.now() - begun).toBeLessThan(2_000);
    });
    await db.close();
    await open().ready();
    expect((await future()).at(-1)).toBe(last);
  });

  test("whose rows a clock that was ahead has put elsewhere are left out", async () => {
    await store.ready();
    const last = (await future()).at(-1) ?? "";
    const week = Number(last.slice("deliveries_".length));
    await query(`DROP TABLE ${last}`);
    await query(
      `INSERT INTO deliveries (id, installation, provider, received_at, method, url, headers, body)
        VALUES (${BigInt(week * 604_800) << 21n}, 'acme', 'voys', 1, 'POST', '/', '{}', '')`,
    );
    await open().ready();
    expect(await future()).not.toContain(last);
    await store.purge(Date.now(), 0);
  });
});

describe("retention", () => {
  test("deletes more than one statement may", async () => {
    await store.ready();
    await query("INSERT INTO digests SELECT i, i, 1 FROM generate_series(1, 12000) i");
    await query(
      "INSERT INTO answers SELECT 'acme', 'retell', i::text, 1, NULL, '{}', '{}' FROM generate_series(1, 12000) i",
    );
    await query("INSERT INTO history SELECT i, 1, 1, 'x', '{}' FROM generate_series(1, 12000) i");
    await store.purge(Date.now(), 1_000);
    for (const table of ["digests", "answers", "history"])
      expect(await query(`SELECT COUNT(*) AS n FROM ${table}`)).toEqual([{ n: "0" }]);
  });

  test("drops a week while others read all the time", async () => {
    await store.ready();
    await query(
      `CREATE TABLE deliveries_2800 PARTITION OF deliveries
        FOR VALUES FROM (${BigInt(2_800 * 604_800) << 21n}) TO (${BigInt(2_801 * 604_800) << 21n})`,
    );
    let isOver = false;
    const db = openConnections(url, { size: 8, timeoutMs: 10_000 });
    const read = async () => {
      while (!isOver) await db.all("SELECT COUNT(*) FROM deliveries, pg_sleep(0.005)");
    };
    const reading = Promise.all(Array.from({ length: 8 }, read));
    await pause(200);
    await store.purge(Date.now(), Date.now());
    isOver = true;
    await reading;
    await db.close();
    expect(await query("SELECT 1 FROM pg_class WHERE relname = 'deliveries_2800'")).toEqual([]);
  });

  test("drops a week whose webhooks are decoded, and keeps one that has any left", async () => {
    await store.ready();
    for (const week of [2_800, 2_801])
      await query(
        `CREATE TABLE deliveries_${week} PARTITION OF deliveries
          FOR VALUES FROM (${BigInt(week * 604_800) << 21n}) TO (${BigInt((week + 1) * 604_800) << 21n})`,
      );
    const row = (week: number, state: number) =>
      query(
        `INSERT INTO deliveries (id, installation, provider, received_at, method, url, headers, body, state)
          VALUES (${BigInt(week * 604_800) << 21n}, 'acme', 'voys', ${week * 604_800_000}, 'POST', '/', '{}', '', ${state})`,
      );
    await row(2_800, 1);
    await row(2_801, 0);
    const partitions = async () =>
      (await query("SELECT relname FROM pg_class WHERE relname ~ '^deliveries_280[01]$' ORDER BY 1")).map(
        ({ relname }) => relname,
      );
    expect(await store.purge(Date.now(), Date.now() - 86_400_000)).toBe(1);
    expect(await partitions()).toEqual(["deliveries_2801"]);
    expect(await store.newDeliveries("acme", 9)).toHaveLength(1);
  });

  test("a drop never waits for a reader, because webhooks would wait behind it", async () => {
    await store.ready();
    await query(
      `CREATE TABLE deliveries_2800 PARTITION OF deliveries
        FOR VALUES FROM (${BigInt(2_800 * 604_800) << 21n}) TO (${BigInt(2_801 * 604_800) << 21n})`,
    );
    const db = openConnections(url, { size: 1, timeoutMs: 10_000 });
    await db.transaction(async (tx) => {
      await tx.all("SELECT 1 FROM deliveries");
      await store.purge(Date.now(), Date.now());
      await store.append(deliveryOf("x"));
    });
    await db.close();
    expect(await query("SELECT 1 FROM pg_class WHERE relname = 'deliveries_2800'")).toHaveLength(1);
    await store.purge(Date.now(), Date.now());
    expect(await query("SELECT 1 FROM pg_class WHERE relname = 'deliveries_2800'")).toEqual([]);
  });
});

test("counts stay right while their changes are summed up", async () => {
  for (let i = 0; i < 30; i += 1) await store.saveDecoded("acme", [], [decodedCall(`${i}`)]);
  await store.purge(Date.now(), 0);
  expect(await query("SELECT calls FROM tally_changes")).toEqual([{ calls: "30" }]);
  await store.saveDecoded("acme", [], [decodedCall("x", { state: "dead" })]);
  expect(await store.counts()).toEqual([
    { installation: "acme", state: "dead", calls: 1 },
    { installation: "acme", state: "waiting", calls: 30 },
  ]);
});
