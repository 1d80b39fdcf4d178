import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ExportedItem, Store, StoredPosition } from "../../src/store/contract.ts";
import { moveRows } from "../../src/store/move.ts";
import { migrate } from "../../src/store/postgres/migrate.ts";
import { openConnections } from "../../src/store/postgres/pool.ts";
import { openPostgresStore } from "../../src/store/postgres/store.ts";
import { openConnection } from "../../src/store/sqlite/connection.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { decodedCall, deliveryOf, t0 } from "../contracts/store-samples.ts";
import { fill, names } from "../support/filled-store.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { cli, workFolder } from "./support.ts";

let server: PostgresServer;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

const config = {
  installations: {
    acme: {
      crm: { type: "hubspot", token: "pat-eu1-0000" },
      providers: { voys: { secret: "voys-secret" } },
      region: "NL",
    },
  },
};

/** A folder with a config, and a store that has been used. */
async function usedFolder(): Promise<string> {
  const folder = workFolder();
  writeFileSync(join(folder, "switchhook.json"), JSON.stringify(config));
  mkdirSync(join(folder, "data/mappings"), { recursive: true });
  writeFileSync(join(folder, "data/mappings/acme.json"), '{"name":"mine"}\n');
  const store = openSqliteStore(join(folder, "data"));
  await fill(store, { calls: 120 });
  // Two things that a column of PostgreSQL does not take as they are.
  await store.append(deliveryOf("with NUL", { method: "P\0ST" }));
  await store.saveDecoded("acme", [], [decodedCall("fraction", { dueAt: t0 + 0.5 })]);
  await store.secret("links");
  await store.tryAgain("1.2.3");
  const install = { crm: "hubspot", account: "1", body: "{}", version: 3, updatedAt: t0 };
  await store.saveInstall({ ...install, name: "gone", state: "removed", sealed: "s1.x" });
  await store.close();
  return folder;
}

/** With its body as text, whatever kind of bytes the store gives. */
function readable(item: ExportedItem): ExportedItem {
  if (item.type !== "delivery") return item;
  const body = Buffer.from(item.delivery.body).toString("latin1") as unknown as Uint8Array;
  return { ...item, delivery: { ...item.delivery, body } };
}

async function everythingIn(store: Store): Promise<unknown> {
  const items: Record<string, ExportedItem[]> = {};
  for (const name of names) {
    const all: ExportedItem[] = [];
    for (let from: StoredPosition | undefined, more = true; more; more = from !== undefined) {
      const page = await store.exportPage(name, from);
      all.push(...page.items.map(readable));
      from = page.next;
    }
    items[name] = all;
  }
  const calls = await store.calls({ limit: 1_000 });
  const histories = await Promise.all(calls.map(({ id }) => store.history(id)));
  const recordings = await Promise.all(calls.map(({ id }) => store.recording(id)));
  const installs = await store.installs();
  const links = Buffer.from(await store.secret("links")).toString("hex");
  return { items, calls, histories, recordings, installs, links, counts: await store.counts() };
}

describe("switchhook move", () => {
  test("takes all of a data folder to PostgreSQL and back, and each old store refuses to be used", async () => {
    const folder = await usedFolder();
    const before = openSqliteStore(join(folder, "data"));
    const stored = await everythingIn(before);
    await before.close();
    const url = await server.emptySchema();

    const there = await cli(folder, ["move", "--to", url], { SWITCHHOOK_DATA: "data" });
    expect(there.stderr).toBe("");
    expect(there.stdout).toContain("by count and by checksum");
    expect(there.code).toBe(0);
    expect(existsSync(join(folder, "data/switchhook.db"))).toBe(false);
    for (const command of [["explain"], ["dead", "--retry"]]) {
      const forgotten = await cli(folder, command, { SWITCHHOOK_DATA: "data" });
      expect(forgotten).toMatchObject({ code: 1, stdout: "" });
      expect(forgotten.stderr).toMatch(
        /was moved to the PostgreSQL database postgres at 127.0.0.1:\d+: set DATABASE_URL/,
      );
    }
    const shared = openPostgresStore(url);
    const asPostgres = JSON.parse(JSON.stringify(stored).replaceAll("\\u0000", "\u2400")) as object;
    expect(JSON.parse(JSON.stringify(await everythingIn(shared)))).toEqual(
      JSON.parse(JSON.stringify(asPostgres).replaceAll(`${t0 + 0.5}`, `${t0 + 1}`)),
    );
    expect(await shared.tryAgain("1.2.3")).toBe(0);
    expect(await shared.shared?.mapping("acme")).toBe('{"name":"mine"}\n');
    await shared.append(deliveryOf("came later"));
    await shared.close();

    const settings = { SWITCHHOOK_DATA: "data", DATABASE_URL: url };
    const back = await cli(folder, ["move", "--to", "back", "--json"], settings);
    expect(back.stderr).toBe("");
    expect(JSON.parse(back.stdout)).toMatchObject({
      moved: expect.arrayContaining([expect.objectContaining({ table: "calls", rows: 241 })]),
    });
    const again = openSqliteStore(join(folder, "back"));
    expect((await again.newDeliveries("acme", 9)).map(({ body }) => Buffer.from(body).toString())).toEqual([
      "with NUL",
      "came later",
    ]);
    await again.append(deliveryOf("and after that"));
    expect(await again.newDeliveries("acme", 9)).toHaveLength(3);
    await again.close();
    expect(readFileSync(join(folder, "back/mappings/acme.json"), "utf8")).toBe('{"name":"mine"}\n');
    const refused = await cli(folder, ["explain"], settings);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(
      /^The store cannot be used: .* was moved to back\. To recover, use that one/,
    );
  });

  test("goes on where it was interrupted, and not in another store", async () => {
    const [folder, other] = [await usedFolder(), await usedFolder()];
    const url = await server.emptySchema();
    const target = openConnections(url, { size: 2, timeoutMs: 10_000 });
    await migrate(target);
    const source = openConnection(join(folder, "data/switchhook.db"), { writes: true });
    let pages = 0;
    const stopAfter = (most: number) => () => {
      pages += 1;
      if (pages === most) throw new Error("the cable was pulled");
    };
    for (const most of [3, 12, 25]) {
      pages = 0;
      await expect(moveRows(source, target, stopAfter(most))).rejects.toThrow("the cable was pulled");
    }
    await expect(openPostgresStore(url).ready()).rejects.toMatchObject({
      message: expect.stringContaining("has only a part of what was stored"),
      cure: expect.stringContaining("run `switchhook move` again"),
    });
    const another = openConnection(join(other, "data/switchhook.db"), { writes: true });
    await expect(moveRows(another, target, () => {})).rejects.toThrow("part of another store");
    const moved = await moveRows(source, target, () => {});
    expect(moved.find(({ table }) => table === "contacts")).toMatchObject({ rows: 240 });
    await expect(moveRows(another, target, () => {})).rejects.toThrow("not empty");
    for (const db of [source, another]) db.close();
    await target.close();
  });

  test("a row that differs afterwards is found", async () => {
    const folder = await usedFolder();
    const target = openConnections(await server.emptySchema(), { size: 2, timeoutMs: 10_000 });
    await migrate(target);
    const source = openConnection(join(folder, "data/switchhook.db"), { writes: true });
    let isChanged = false;
    const moving = moveRows(source, target, ({ table }) => {
      if (!table.endsWith("compared") || isChanged) return;
      isChanged = true;
      void target.run("UPDATE contacts SET body = '{}' WHERE id = '7' AND installation = 'globex'");
    });
    await expect(moving).rejects.toThrow("a row of contacts differs");
    source.close();
    await target.close();
  });

  test("says what is wrong before it moves anything", async () => {
    const folder = await usedFolder();
    const url = await server.emptySchema();
    const data = { SWITCHHOOK_DATA: "data" };
    const nowhere = await cli(folder, ["move", "--to", "other"], data);
    expect(nowhere.stderr).toContain("Name a PostgreSQL database with --to");
    const twice = await cli(folder, ["move", "--to", url], { ...data, DATABASE_URL: url });
    expect(twice.stderr).toContain("unset DATABASE_URL");
    const closed = await cli(folder, ["move", "--to", "postgres://nobody:secret@127.0.0.1:9/none"], data);
    expect(closed.code).toBe(1);
    expect(closed.stderr).toContain("check that PostgreSQL runs");
    expect(closed.stderr).not.toContain("secret");
    const local = { ...config.installations.acme, crm: { type: "local", file: "crm.json" } };
    writeFileSync(join(folder, "switchhook.json"), JSON.stringify({ installations: { acme: local } }));
    const unshared = await cli(folder, ["move", "--to", url], data);
    expect(unshared.stderr).toContain("a local CRM is a file that one process has");
    expect(existsSync(join(folder, "data/switchhook.db"))).toBe(true);
  });
});
