import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { allLogged, startTraffic } from "../support/call-traffic.ts";
import { type ChildServer, freePort, isUp, startChild } from "../support/child-server.ts";
import { readCrm } from "../support/crm-files.ts";
import { type Random, seeded } from "../support/random.ts";
import { rounds } from "../support/rounds.ts";
import { waitFor } from "../support/server.ts";
import { type CallTold, callers } from "../support/traffic-calls.ts";

type Activity = { key: string; contactId?: string; outcome?: string; durationSeconds?: number };

const kills = rounds({ whole: 24, short: 4 });
const contacts = [
  { id: "1", name: "Asha Rao", phones: ["+91 98765 43210"] },
  { id: "2", name: "Piet de Vries", phones: ["06 12345678", "+31501234567"] },
  { id: "3", name: "Jane Roe", phones: ["+1 415 555 0123"] },
];

function folderWithConfig(): string {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-kill-"));
  mkdirSync(join(folder, "data"));
  writeFileSync(join(folder, "crm.json"), JSON.stringify({ contacts, owners: [], activities: [] }));
  const acme = {
    crm: { type: "local", file: "crm.json" },
    providers: callers,
    region: "NL",
    settleSeconds: 1,
    reconcile: false,
  };
  writeFileSync(join(folder, "switchhook.json"), JSON.stringify({ installations: { acme } }));
  return folder;
}

/** Kills it while it starts, or at some moment after it has begun to answer. */
async function killSomewhere(child: ChildServer, random: Random): Promise<void> {
  if (random.chance(0.3)) await pause(random.below(900));
  else {
    await waitFor("the server to answer", () => isUp(child), 30);
    await pause(random.below(700));
  }
  child.kill();
  expect(await child.ended, child.output()).toBe("SIGKILL");
}

async function settled(folder: string): Promise<Activity[]> {
  const store = openSqliteStore(join(folder, "data"));
  await allLogged(store);
  const { unusedDeliveries, close } = store;
  expect((await unusedDeliveries(10_000)).filter(({ state }) => state === "fault")).toEqual([]);
  await close();
  return readCrm<{ activities: Activity[] }>(join(folder, "crm.json")).activities;
}

function expectTold(told: readonly CallTold[], activities: readonly Activity[]): void {
  const logged = Map.groupBy(activities, ({ key }) => key);
  expect(
    [...logged.values()].filter((list) => list.length > 1),
    "calls logged twice",
  ).toEqual([]);
  const known = new Set(told.filter(({ endTried }) => endTried).map(({ key }) => key));
  expect(
    [...logged.keys()].filter((key) => !known.has(key)),
    "activities of calls that never ended",
  ).toEqual([]);
  const acknowledged = told.filter(({ endStored }) => endStored);
  const missing = acknowledged.filter(({ key }) => !logged.has(key));
  expect(missing, "acknowledged calls that were lost").toEqual([]);
  for (const { key, contactId, outcome, complete, named } of acknowledged) {
    const [activity] = logged.get(key) ?? [];
    if (named) expect(activity?.contactId, key).toBe(contactId);
    // Where the provider gave up telling of the answer, nothing shows that there was one.
    const possible = complete || outcome !== "completed" ? [outcome] : [outcome, "abandoned"];
    expect(possible, key).toContain(activity?.outcome);
    if (complete && outcome === "completed") expect(activity?.durationSeconds, key).toBe(61);
  }
}

test(`killed ${kills} times under load, loses no acknowledged call and logs none twice`, {
  timeout: 600_000,
}, async () => {
  const folder = folderWithConfig();
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const random = seeded(20_261_121);
  const port = await freePort();
  const traffic = startTraffic(() => `http://127.0.0.1:${port}`, seeded(7), 8);
  const children: ChildServer[] = [];
  const start = (): ChildServer => {
    const child = startChild(folder, port);
    onTestFinished(() => child.kill());
    children.push(child);
    return child;
  };
  for (let i = 0; i < kills; i++) await killSomewhere(start(), random);
  start();
  const stored = () => traffic.told.filter(({ endStored }) => endStored).length;
  await waitFor("enough calls", () => stored() > 12 * kills, 120);
  await traffic.finish();
  const activities = await settled(folder);
  expectTold(traffic.told, activities);
  expect(traffic.resent).toBeGreaterThan(kills);
  expect(children.flatMap((child) => child.log().filter(({ level }) => level === "error"))).toEqual([]);
});

test("starts although it was killed while it laid out its log", async () => {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-kill-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const first = openSqliteStore(folder);
  await first.ready();
  await first.close();
  const half = new DatabaseSync(join(folder, "switchhook.db"));
  half.exec("CREATE TABLE filler (bytes BLOB); INSERT INTO filler VALUES (zeroblob(100000))");
  half.close();
  const again = openSqliteStore(folder);
  await again.ready();
  await again.close();
});
