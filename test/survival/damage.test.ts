import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, onTestFinished, test } from "vitest";
import type { Store } from "../../src/store/contract.ts";
import { repairDatabase } from "../../src/store/sqlite/recovery.ts";
import { inboundCall, scriptOf, sendAll, settledActivities } from "../support/calls.ts";
import { readCrm, writeCrm } from "../support/crm-files.ts";
import { damageRoot, emptyIndex } from "../support/damage.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

async function started(errors: object[] = []): Promise<{ server: TestServer; data: string }> {
  const log = { error: (facts: object, sentence: string) => errors.push({ ...facts, sentence }) };
  const server = await startServer({ log });
  onTestFinished(() => server.stop());
  return { server, data: join(server.folder, "data") };
}

const call = (server: TestServer) => sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys")));
const faultsOf = async (store: Store) =>
  (await store.unusedDeliveries(1_000)).filter(({ state }) => state === "fault");

async function unready({ url }: TestServer): Promise<string> {
  const look = async () => {
    const response = await fetch(`${url}/readyz`);
    return response.status === 503 && ((await response.json()) as { error: string }).error;
  };
  return waitFor("/readyz to say what is damaged", look);
}

test.each(["sqlite_autoindex_calls_1", "events_delivery", "calls_due", "calls_number"])(
  "a damaged index %s: calls wait, the server says so, and all of them are logged once it is repaired",
  async (index) => {
    const errors: object[] = [];
    const { server, data } = await started(errors);
    await call(server);
    await settledActivities(server, 1);
    await server.restart(() => damageRoot(data, index));
    for (let i = 0; i < 5; i++) for (const status of await call(server)) expect(status).toBe(200);
    expect(await unready(server)).toMatch(/switchhook\.db is damaged \(.+\).*switchhook repair/);
    // Longer than a delivery had tries.
    await waitFor("a lane to say so twice", () => lanesIn(errors) >= 2);
    expect(await faultsOf(server.parts.flow.store)).toEqual([]);
    await server.restart(() => {
      const { found, left } = repairDatabase(join(data, "switchhook.db"), Date.now());
      expect(found).not.toEqual([]);
      expect(left).toEqual([]);
    });
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
    expect(await settledActivities(server, 6)).toHaveLength(6);
  },
);

const lanesIn = (errors: readonly object[]) =>
  errors.filter((error) => "lane" in error && /damaged/.test(String("err" in error && error.err))).length;

test("an index that lost its rows without any error is found by looking", async () => {
  const { server, data } = await started();
  await call(server);
  await settledActivities(server, 1);
  await server.restart(() => emptyIndex(data, "sqlite_autoindex_calls_1"));
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200);
  expect((await server.parts.flow.store.damage()).join()).toMatch(/missing from index|wrong # of entries/);
  expect(await unready(server)).toMatch(/damaged/);
});

test("the table of webhooks is damaged: ready finds it before a webhook does", async () => {
  const { server, data } = await started();
  await call(server);
  await settledActivities(server, 1);
  await server.restart(() => damageRoot(data, "deliveries"));
  expect(await unready(server)).toMatch(/damaged/);
  expect(await call(server)).toContain(503);
  const { left } = await stopped(server, () => repairDatabase(join(data, "switchhook.db"), Date.now()));
  expect(left).not.toEqual([]);
});

async function stopped<T>(server: TestServer, work: () => T): Promise<T> {
  let result: T | undefined;
  await server.restart(() => {
    result = work();
  });
  return result as T;
}

test("deliveries that were set aside are decoded by another version, and a repeat of one is, too", async () => {
  const { server, data } = await started();
  const [first = [], second = []] = [0, 1].map(() => scriptOf(server, "voys", inboundCall("voys")));
  for (const script of [first, second]) await sendAll(server, "voys", script);
  await settledActivities(server, 2);
  await server.restart(() => setAside(join(data, "switchhook.db"), server.crmFile));
  const { store } = server.parts.flow;
  expect(await faultsOf(store)).toHaveLength(first.length + second.length);
  await sendAll(server, "voys", first);
  expect(await settledActivities(server, 1)).toHaveLength(1);
  expect(await store.tryAgain("another version")).toBe(first.length + second.length);
  expect(await settledActivities(server, 2)).toHaveLength(2);
  expect(await store.tryAgain("another version")).toBe(0);
});

/** As an earlier version left deliveries behind. */
function setAside(file: string, crmFile: string): void {
  const db = new DatabaseSync(file);
  db.exec(`
    DELETE FROM calls; DELETE FROM legs; DELETE FROM events;
    UPDATE deliveries SET state = 2, events = 0, kind = 'fault', fault = 'database disk image is malformed';
  `);
  db.close();
  clearActivities(crmFile);
}

function clearActivities(crmFile: string): void {
  writeCrm(crmFile, { ...readCrm(crmFile), activities: [] });
}
