import { cpSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { type ChildServer, freePort, isUp, startChild } from "../support/child-server.ts";
import { readCrm } from "../support/crm-files.ts";
import { overwrite } from "../support/damage.ts";
import { waitFor } from "../support/server.ts";

let folder: string;
let child: ChildServer;
const database = () => join(folder, "data", "switchhook.db");

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "switchhook-log-"));
  const contacts = [{ id: "1", name: "Asha Rao", phones: ["+91 98765 43210"] }];
  writeFileSync(join(folder, "crm.json"), JSON.stringify({ contacts, owners: [], activities: [] }));
  const acme = {
    ...{ crm: { type: "local", file: "crm.json" }, region: "IN", settleSeconds: 0, reconcile: false },
    providers: { voys: { secret: "voys-secret" } },
  };
  writeFileSync(join(folder, "switchhook.json"), JSON.stringify({ installations: { acme } }));
});
afterEach(async () => {
  child.kill();
  await child.ended;
  rmSync(folder, { recursive: true });
});

async function start(): Promise<void> {
  child = startChild(folder, await freePort());
  await waitFor("the server to answer", () => isUp(child));
}

async function kill(): Promise<void> {
  child.kill();
  await child.ended;
}

async function send(callId: string): Promise<void> {
  const people = { caller: { number: "+919876543210" }, destination: { number: "+31852018800" } };
  const call = { call_id: callId, status: "ended", reason: "completed", direction: "inbound", version: "v2" };
  const response = await fetch(`${child.url}/webhooks/acme/voys?key=voys-secret`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ ...call, ...people, timestamp: new Date().toISOString() }),
  });
  expect(response.status).toBe(200);
}

const logged = () => readCrm(join(folder, "crm.json")).activities.length;
const losses = () => child.log().filter(({ msg }) => msg.includes("not in the database"));

type Killed = { folder: string; since: number; until: number };
const made = new Map<string, Killed>();
afterAll(() => {
  for (const one of made.values()) rmSync(one.folder, { recursive: true });
});

/**
 * The folder of a server that has stored `before` webhooks in its database for sure, and `after` more, and was killed.
 * Tests that want the same get copies of it.
 */
async function killedAfter(before: number, after: number): Promise<Killed> {
  const name = `${before} and ${after}`;
  const known = made.get(name);
  if (known) {
    cpSync(known.folder, folder, { recursive: true });
    return known;
  }
  const killed = await makeKilled(before, after);
  const copy = mkdtempSync(join(tmpdir(), "switchhook-log-"));
  cpSync(folder, copy, { recursive: true });
  made.set(name, { ...killed, folder: copy });
  return killed;
}

async function makeKilled(before: number, after: number): Promise<Killed> {
  await start();
  for (let i = 0; i < before; i++) await send(`before-${i}`);
  await waitFor("the calls", () => logged() === before);
  child.kill("SIGTERM");
  await child.ended;
  const since = Date.now();
  await start();
  for (let i = 0; i < after; i++) await send(`after-${i}`);
  await waitFor("the calls", () => logged() === before + after);
  await kill();
  return { folder, since, until: Date.now() };
}

test.each([
  ["lost", () => rmSync(`${database()}-wal`)],
  ["damaged in its header", () => overwrite(`${database()}-wal`, 0, Buffer.alloc(32, 0x5a))],
  ["damaged in a page", () => damageFrames()],
])("a write-ahead log that was %s: the start says how much is missing, and from when", async (_, damage) => {
  const { since, until } = await killedAfter(3, 5);
  damage();
  await start();
  const [loss] = await waitFor("the loss to be said", () => losses().length > 0 && losses());
  expect(loss?.level).toBe("error");
  expect(loss?.msg).toMatch(/^5 webhooks that were acknowledged.*switchhook reconcile --since 2/);
  expect(Number(loss?.["since"])).toBeLessThanOrEqual(since);
  expect(Number(loss?.["until"])).toBeGreaterThan(since);
  expect(Number(loss?.["until"])).toBeLessThanOrEqual(until);
  // Ids go on: nothing is taken for missing twice.
  await send("later");
  await kill();
  await start();
  await waitFor("the loss to be said again", () => losses().length > 0);
  await pause(200);
  expect(losses().map(({ missing }) => missing)).toEqual([5]);
});

/** The log is laid out at its full size: what was written last stands at its start. */
function damageFrames(): void {
  overwrite(`${database()}-wal`, 32 + 24 + 100, Buffer.alloc(64, 0x5a));
}

test("nothing is said to be missing after kills, repeats and deletions", async () => {
  for (let i = 0; i < 4; i++) {
    await start();
    await send("again");
    await send("again");
    await send(`other-${i}`);
    await kill();
  }
  await start();
  await waitFor("the calls", () => logged() === 5);
  await pause(200);
  expect(losses()).toEqual([]);
});

test.each([
  ["the database alone", () => rmSync(database())],
  ["the database and its log", () => [database(), `${database()}-wal`].map((file) => rmSync(file))],
  ["what was in the database", () => [writeFileSync(database(), ""), rmSync(`${database()}-wal`)]],
])("without %s no start makes a new store", async (_, lose) => {
  await killedAfter(1, 1);
  lose();
  child = startChild(folder, await freePort());
  expect(await child.ended).toBe(1);
  expect(child.output()).toMatch(/is not there any more.*switchhook restore/s);
  expect(child.output()).not.toMatch(/[Mm]ake it writable/);
  expect(statSync(database(), { throwIfNoEntry: false })?.size ?? 0).toBe(0);
});

test("a damaged database does not get the cure of one that cannot be written", async () => {
  await killedAfter(1, 1);
  overwrite(database(), 0, Buffer.alloc(4096, 0x5a));
  child = startChild(folder, await freePort());
  expect(await child.ended).toBe(1);
  expect(child.output()).toMatch(/is damaged.*switchhook restore/s);
  expect(child.output()).not.toMatch(/[Mm]ake it writable/);
});
