import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { TenancyHooks } from "../../src/instances/hooks.ts";
import { openTenancies, type Tenancies } from "../../src/instances/tenancies.ts";
import type { SharedStore, Store, WorkClaim } from "../../src/store/contract.ts";
import { openConnections } from "../../src/store/postgres/pool.ts";
import { openPostgresStore } from "../../src/store/postgres/store.ts";
import { decodedCall } from "../contracts/store-samples.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { waitFor } from "../support/server.ts";

let server: PostgresServer;
let url: string;
let store: Store;
let shared: SharedStore;
const started: Tenancies[] = [];

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());
beforeEach(async () => {
  url = await server.emptySchema();
  store = openPostgresStore(url);
  if (!store.shared) throw new Error("the store is not shared");
  ({ shared } = store);
});
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
  await store.close();
});

/** One of several instances on the store. `claims`: of the work that it has. */
async function startInstance(more: Partial<TenancyHooks> = {}) {
  const claims = new Map<string, WorkClaim>();
  const hooks: TenancyHooks = {
    knows: () => true,
    take: (claim) => void claims.set(claim.installation, claim),
    drop: async (name) => void claims.delete(name),
    wake: () => false,
    isIdle: () => false,
    lead: () => {},
    follow: async () => {},
    changed: async () => {},
    live: { hasListeners: () => false, publish: () => {} },
    ...more,
  };
  const log = { debug() {}, info() {}, warn() {}, error() {} };
  const limitedLog = { ...log, seldom() {}, flush() {} };
  const tenancies = openTenancies({ shared, hooks, log, limitedLog, places: 100, config: "c" });
  started.push(tenancies);
  await tenancies.start();
  return { tenancies, claims };
}

test("a holder whose claim was overtaken by one that came too late makes another claim", async () => {
  const { tenancies, claims } = await startInstance();
  tenancies.want("acme", "decode");
  await waitFor("the work", () => claims.has("acme"));
  const first = claims.get("acme") as WorkClaim;
  // An instance that was stopped after it took the work goes on after its work was given to this one.
  await shared.claim("acme");
  const held = shared.as(first, () => tenancies.overtaken(first));
  await expect(held.saveDecoded("acme", [], [decodedCall("x")])).rejects.toMatchObject({
    fault: "overtaken",
  });
  await waitFor("another claim", () => (claims.get("acme")?.epoch ?? 0) > first.epoch);
  await shared.as(claims.get("acme") as WorkClaim).saveDecoded("acme", [], [decodedCall("y")]);
});

test("a claim that waits for another holder's transaction holds up no other installation", async () => {
  await store.ready();
  const stalled = await shared.claim("a");
  const { tenancies, claims } = await startInstance();
  const { promise: resumed, resolve: resume } = Promise.withResolvers<void>();
  const db = openConnections(url, { size: 1, timeoutMs: 20_000 });
  const transaction = db.transaction(async (tx) => {
    await tx.all("SELECT 1 FROM fences WHERE installation = 'a' AND epoch = :epoch FOR SHARE", {
      epoch: stalled.epoch,
    });
    for (const name of ["a", "b", "c"]) tenancies.want(name, "decode");
    await resumed;
  });
  await waitFor("the others", () => claims.has("b") && claims.has("c"));
  expect(claims.has("a")).toBe(false);
  resume();
  await transaction;
  await db.close();
  await waitFor("the last one", () => claims.has("a"));
});

test("a change that cannot be followed keeps no other from being followed", async () => {
  const followed: string[] = [];
  await startInstance({
    changed: async ({ name }) => {
      if (name === "bad") throw new Error("settings of a newer version");
      followed.push(name);
    },
  });
  const install = { crm: "hubspot", body: "{}", updatedAt: 1, state: "active" as const, version: 1 };
  await store.saveInstall({ ...install, name: "bad", account: "1" });
  await store.saveInstall({ ...install, name: "good", account: "2" });
  await waitFor("a look", () => followed.filter((name) => name === "good").length > 1, 10);
});
