import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, onTestFinished, test } from "vitest";
import { openPostgresStore } from "../../src/store/postgres/store.ts";
import { callers, startTraffic } from "../support/call-traffic.ts";
import { type ChildServer, freePort, isUp, startChild } from "../support/child-server.ts";
import { type CrmWorld, type WorldName, worlds } from "../support/crm-worlds.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { seeded } from "../support/random.ts";
import { rounds } from "../support/rounds.ts";
import { waitFor } from "../support/server.ts";

const kills = rounds({ whole: 12, short: 4 });
const contacts = {
  "1": { name: "Asha", phone: "+919876543210" },
  "2": { name: "Piet", phone: "+31612345678", mobile: "+31501234567" },
  "3": { name: "Jane", phone: "+14155550123" },
};

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

function folderWithConfig(world: CrmWorld): string {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-instances-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "data"));
  const acme = { crm: world.settings, providers: callers, region: "NL", settleSeconds: 1, reconcile: false };
  writeFileSync(join(folder, "switchhook.json"), JSON.stringify({ installations: { acme } }));
  return folder;
}

test.each<WorldName>(["HubSpot", "Salesforce"])(
  `%s: of three instances one is killed ${kills} times, each call is logged once`,
  { timeout: 600_000 },
  async (name) => {
    const world = await worlds[name](Date.now);
    onTestFinished(() => world.emulator.stop());
    for (const contact of Object.values(contacts)) world.addContact(contact);
    const url = await postgres.emptySchema();
    const folders = [1, 2, 3].map(() => folderWithConfig(world));
    const ports = await Promise.all(folders.map(() => freePort()));
    const start = (i: number): ChildServer => {
      const child = startChild(folders[i] ?? "", ports[i] ?? 0, {
        variables: { DATABASE_URL: url, LOG_LEVEL: "info" },
      });
      onTestFinished(() => child.kill());
      return child;
    };
    const children = folders.map((_, i) => start(i));
    for (const child of children) await waitFor("an instance", () => isUp(child), 60);
    const random = seeded(20_261_129);
    let turn = 0;
    const traffic = startTraffic(
      () => {
        turn += 1;
        return `http://127.0.0.1:${ports[turn % ports.length]}`;
      },
      seeded(11),
      4,
    );
    for (let i = 0; i < kills; i += 1) {
      await pause(1_000 + random.below(3_000));
      const victim = random.below(children.length);
      children[victim]?.kill();
      await children[victim]?.ended;
      children[victim] = start(victim);
      await waitFor("the instance again", () => isUp(children[victim] as ChildServer), 60);
    }
    await traffic.finish();
    const store = openPostgresStore(url);
    onTestFinished(() => store.close());
    await waitFor(
      "all calls to be logged",
      async () =>
        (await store.newDeliveries("acme", 1)).length === 0 && (await store.nextDue("acme")) === undefined,
      120,
    );
    const logged = Map.groupBy(world.calls(), ({ key }) => key);
    const acknowledged = traffic.told.filter(({ endStored }) => endStored);
    expect(acknowledged.length).toBeGreaterThan(10);
    expect([...logged].filter(([, calls]) => calls.length > 1).map(([key]) => key)).toEqual([]);
    expect(acknowledged.filter(({ key }) => !logged.has(key))).toEqual([]);
    for (const child of children) {
      child.kill("SIGTERM");
      expect(await child.ended, child.output()).toBe(0);
    }
    console.log(
      children
        .map((c) =>
          c
            .output()
            .split("\n")
            .filter((l) => /error|warn|beside/.test(l))
            .slice(0, 8)
            .join("\n"),
        )
        .join("\n---\n"),
    );
  },
);
