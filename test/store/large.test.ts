import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause, setImmediate } from "node:timers/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Store } from "../../src/store/contract.ts";
import { busyMs } from "../../src/store/sqlite/files.ts";
import { migrations } from "../../src/store/sqlite/migrations.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { callOf, deliveryOf } from "../contracts/store-samples.ts";

/** The schema before calls were counted as they come. */
const before = 8;
const many = 20_000;
let folder: string;
let store: Store;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "switchhook-large-"));
  const db = new DatabaseSync(join(folder, "switchhook.db"));
  db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; BEGIN");
  for (const step of migrations.slice(0, before)) db.exec(step);
  const insert = db.prepare(
    `INSERT INTO calls (key, installation, provider, revision, body, state, created_at, updated_at)
      VALUES (?, ?, 'voys', 1, ?, ?, 0, 0)`,
  );
  const summary = "They asked about the price. ".repeat(100);
  for (let i = 0; i < many; i += 1) {
    const installation = i % 4 ? "acme" : "globex";
    const call = callOf(`${i}`, { installation, key: `${installation}:voys:${i}`, summary });
    insert.run(call.key, installation, JSON.stringify(call), i % 1_000 ? "logged" : "dead");
  }
  db.exec(`COMMIT; PRAGMA user_version = ${before}`);
  db.close();
  store = openSqliteStore(folder);
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true });
});

test("calls that were there before they were counted are counted", async () => {
  expect(await store.counts()).toEqual([
    { installation: "acme", state: "logged", calls: 15_000 },
    { installation: "globex", state: "dead", calls: 20 },
    { installation: "globex", state: "logged", calls: 4_980 },
  ]);
});

test("the first delivery does not wait for somebody who reads for long", async () => {
  const reader = new DatabaseSync(join(folder, "switchhook.db"));
  reader.exec("BEGIN");
  reader.prepare("SELECT COUNT(*) FROM calls").get();
  const stored = store.append(deliveryOf("x")).then(() => "stored");
  // As long as SQLite waits for a lock.
  expect(await Promise.race([stored, pause(busyMs, "waited")])).toBe("stored");
  reader.close();
});

test("the thread that serves goes on while somebody looks for what is hard to find", async () => {
  await store.calls({ limit: 1 });
  let turns = 0;
  let found: unknown;
  const looking = store.calls({ provider: "nobody", limit: 50 }).then((calls) => {
    found = calls;
  });
  for (; found === undefined; turns += 1) await setImmediate();
  await looking;
  expect(found).toEqual([]);
  expect(turns).toBeGreaterThan(20);
});
