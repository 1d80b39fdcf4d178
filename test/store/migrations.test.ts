import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import { migrations } from "../../src/store/sqlite/migrations.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { callOf } from "../contracts/store-samples.ts";

/** Of every step that landed. Append only: a step that is edited or moved leaves folders behind that do not open. */
const landed = [
  "daae25d9f80e9ab4",
  "abb2aef8a5ac9208",
  "34dd19f72d27ab9b",
  "96919bdec98f42e0",
  "ad4ef842cd7829da",
  "88dbe9428e1b0395",
  "395b84a8c9f79ba7",
  "d9e8e4d4e1b1de69",
  "7534cecda3f1248f",
  "0c614104aed8e8c3",
  "c7a770217ffae730",
  "ee5fda1f646d9747",
  "9213c4bd620633fb",
  "3775e8e48548981e",
  "fdf3ffc7616c6e45",
  "aca74c49c7d4c03a",
  "34f43bcdb3312476",
  "d3f052501a0bc9b0",
  "32831afcec6e1637",
];

test("no step that landed was edited or moved", () => {
  expect(migrations.map(hashOf).slice(0, landed.length)).toEqual(landed);
  expect(landed, "the hash of a new step goes to the end of this list").toHaveLength(migrations.length);
});

const steps = (...places: number[]): string[] => places.map((place) => migrations[place] ?? "");
const firstSteps = (count: number) => migrations.slice(0, count);

/** Steps as versions had them that were not the first of today's. */
const others: [string, string[]][] = [
  ["17bafe8, before deliveries could be decoded again", [firstOfAll()]],
  ["ef868f8, before a step was put in the middle", [...firstSteps(4), ...steps(5)]],
];

test.each([
  ...migrations.map((_, i): [string, string[]] => [`schema ${i + 1}`, firstSteps(i + 1)]),
  ...others,
])("a database of %s is brought up to date with its rows", async (_, was) => {
  const folder = folderOf(was);
  const store = openSqliteStore(folder);
  expect((await store.newDeliveries("acme", 10)).map(({ id }) => id)).toEqual([7, 8]);
  expect(await store.counts()).toEqual([{ installation: "acme", state: "logged", calls: 1 }]);
  expect((await store.call("acme:voys:c1"))?.events).toEqual([{ callId: "c1" }]);
  if (was.length >= 2) expect(await store.secret("links")).toEqual(new Uint8Array(32).fill(3));
  if (was.length >= 4) expect(await store.installs()).toMatchObject([{ name: "hubspot-1" }]);
  await store.close();
  expect(schemaOf(folder)).toEqual(schemaOf(folderOf(migrations)));
});

test("a database of a newer version is refused, and stays as it is", async () => {
  const folder = folderOf(migrations);
  change(folder, `PRAGMA user_version = ${migrations.length + 1}`);
  const store = openSqliteStore(folder);
  await expect(store.ready()).rejects.toThrow(/newer Switchhook/);
  await store.close();
});

/** A folder with a small database as a version with these steps left it. */
function folderOf(was: readonly string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-schema-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const call = JSON.stringify(callOf("c1"));
  change(
    folder,
    `PRAGMA journal_mode = WAL; ${was.join("")}; PRAGMA user_version = ${was.length};
    INSERT INTO deliveries (id, installation, provider, received_at, method, url, headers, body, state)
      VALUES (6, 'acme', 'voys', 1, 'POST', '/', '{}', x'7b7d', 1), (7, 'acme', 'voys', 1, 'POST', '/', '{}', x'31', 0),
        (8, 'acme', 'voys', 1, 'POST', '/', '{}', x'32', 0);
    INSERT INTO calls (id, key, installation, provider, revision, body, state, created_at, updated_at)
      VALUES (1, 'acme:voys:c1', 'acme', 'voys', 1, '${call}', 'logged', 1, 1);
    INSERT INTO events VALUES (1, 5, 6, '{"callId":"c1"}');
    ${was.length >= 2 ? `INSERT INTO secrets VALUES ('links', x'${"03".repeat(32)}')` : ""};
    ${
      was.length >= 4
        ? `INSERT INTO installs (name, crm, account, state, body, version, updated_at)
          VALUES ('hubspot-1', 'hubspot', '1', 'active', '{}', 1, 1)`
        : ""
    };`,
  );
  return folder;
}

function change(folder: string, sql: string): void {
  const db = new DatabaseSync(join(folder, "switchhook.db"));
  db.exec(sql);
  db.close();
}

/** What there is, whatever the order it was made in. */
function schemaOf(folder: string): string[] {
  const db = new DatabaseSync(join(folder, "switchhook.db"));
  const rows = db.prepare("SELECT name, sql FROM sqlite_schema WHERE name <> 'filler' ORDER BY name").all();
  db.close();
  return rows.map(({ name, sql }) => `${name}: ${String(sql).replace(/\s+/g, " ")}`);
}

function firstOfAll(): string {
  return (migrations[0] ?? "")
    .replace("WHERE state IN (0, 3)", "WHERE state = 0")
    .replace("WHERE state IN (1, 2) AND events = 0", "WHERE state > 0 AND events = 0")
    .replace("CREATE INDEX events_delivery ON events (delivery);", "");
}

function hashOf(step: string): string {
  return createHash("sha256").update(step).digest("hex").slice(0, 16);
}
