import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { beforeEach, describe, expect, onTestFinished, test } from "vitest";
import type { Db } from "../../src/store/db/db.ts";
import { newDeliveries } from "../../src/store/deliveries.ts";
import { openConnection } from "../../src/store/sqlite/connection.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";

let db: Db;
beforeEach(() => {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-db-"));
  const connection = openConnection(join(folder, "switchhook.db"), { writes: true });
  db = connection;
  onTestFinished(() => {
    connection.close();
    rmSync(folder, { recursive: true });
  });
});

const add = (tx: Db, installation: string, generation = 1) =>
  tx.run("INSERT INTO syncs (installation, generation) VALUES (:installation, :generation)", {
    installation,
    generation,
  });
const names = async () =>
  (await db.all("SELECT installation FROM syncs ORDER BY installation")).map((row) => row["installation"]);

describe("a parameter", () => {
  test("may be used twice, and is NULL when it is undefined", async () => {
    const row = await db.get("SELECT :a AS one, :b AS two, :a AS three", { a: 1, b: undefined });
    expect({ ...row }).toEqual({ one: 1, two: null, three: 1 });
  });

  test("may be a list of any length", async () => {
    for (const name of ["a", "b", "c"]) await add(db, name);
    const select = "SELECT installation FROM syncs WHERE installation IN (:list) ORDER BY installation";
    expect(await db.all(select, { list: ["a", "c", "x"] })).toHaveLength(2);
    expect(await db.all(select, { list: [] })).toEqual([]);
    expect(await db.all(select.replace("IN", "NOT IN"), { list: [] })).toHaveLength(3);
  });

  test("that is missing is refused", async () => {
    await expect(db.all("SELECT :a AS a", { b: 1 })).rejects.toThrow("parameter a");
  });
});

test("`run` says how many rows changed, and RETURNING gives the id", async () => {
  for (const name of ["a", "b"]) await add(db, name);
  expect(await db.run("UPDATE syncs SET generation = 2")).toBe(2);
  const step = "INSERT INTO history (call, at, step, detail) VALUES (1, 1, '', '') RETURNING id";
  expect([await db.get(step), await db.get(step)].map((row) => row?.["id"])).toEqual([1, 2]);
});

describe("transactions", () => {
  test("run one after another, however long their work waits", async () => {
    const order: string[] = [];
    const work = (name: string, ms: number) =>
      db.transaction(async (tx) => {
        order.push(`${name} begins`);
        await add(tx, name);
        await pause(ms);
        expect(await tx.all("SELECT 1 FROM syncs")).toHaveLength(order.length === 1 ? 1 : 2);
        order.push(`${name} ends`);
      });
    await Promise.all([work("a", 20), work("b", 0)]);
    expect(order).toEqual(["a begins", "a ends", "b begins", "b ends"]);
  });

  test("within another one run one after another as well, and fail alone", async () => {
    await db.transaction(async (tx) => {
      const failing = tx.transaction(async (inner) => {
        await add(inner, "a");
        await pause(10);
        throw new Error("undo this");
      });
      const other = tx.transaction((inner) => add(inner, "b"));
      await expect(failing).rejects.toThrow("undo this");
      await other;
    });
    expect(await names()).toEqual(["b"]);
  });

  test("leave nothing when they fail, and the next one runs", async () => {
    const failing = db.transaction(async (tx) => {
      await add(tx, "a");
      await tx.transaction((inner) => add(inner, "b"));
      throw new Error("undo all");
    });
    const next = db.transaction((tx) => add(tx, "c"));
    await expect(failing).rejects.toThrow("undo all");
    await next;
    expect(await names()).toEqual(["c"]);
  });
});

test("operations that come in together do not mix", async () => {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-db-"));
  const store = openSqliteStore(folder);
  const team = (name: string, size: number) =>
    Array.from({ length: size }, (_, i) => ({
      id: `${i}`,
      name: `${name} ${i}`,
      email: `${i}@${name}.example`,
    }));
  const saves = [team("a", 9), team("b", 5), team("c", 7)].map((owners) => store.putOwners("acme", owners));
  await Promise.all(saves);
  expect(await store.owners("acme")).toEqual(team("c", 7));
  await store.close();
  rmSync(folder, { recursive: true });
});

test("new webhooks whose bodies are large are found when those that were seen first are decoded meanwhile", async () => {
  const add = (id: number) =>
    db.run(
      `INSERT INTO deliveries (id, installation, provider, received_at, method, url, headers, body)
        VALUES (:id, 'acme', 'voys', 0, 'POST', '/', '{}', :body)`,
      { id, body: Buffer.alloc(20_000, id) },
    );
  for (const id of [1, 2]) await add(id);
  let statements = 0;
  const all: Db["all"] = async (sql, values) => {
    const rows = await db.all(sql, values);
    statements += 1;
    // Another thread commits between two statements.
    if (statements === 1) await db.run("UPDATE deliveries SET state = 1 WHERE id = 1");
    return rows;
  };
  const found = await newDeliveries({ all, get: db.get }, "acme", 1);
  expect(found.map(({ id }) => id)).toEqual([2]);
});
