import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { connectors } from "../../connectors/index.ts";
import { loadConfig } from "../../src/config/index.ts";
import type { Connector, ConnectorKind } from "../../src/core/crm.ts";
import type { Flow } from "../../src/flow/installation.ts";
import { providers } from "../../src/providers/index.ts";
import { assemble } from "../../src/server/assemble.ts";
import { connect } from "../../src/server/connect.ts";
import { createRoster } from "../../src/server/roster.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { inboundCall, settledActivities, synced } from "../support/calls.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

let folder: string;
let faults: string[];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "switchhook-rest-"));
  faults = [];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const mappingFile = () => join(folder, "mapping.json");
const writeMapping = (subject: string) =>
  writeFileSync(mappingFile(), JSON.stringify({ crm: "local", activity: { subject } }));

/** What an installation is made of, whose connector is `own`. */
function partsWith(own: Partial<Connector> = {}) {
  const installations = {
    acme: { crm: { type: "local", file: "crm.json" }, region: "NL", mapping: "mapping.json" },
  };
  const file = join(folder, "switchhook.json");
  const environment = { SWITCHHOOK_DATA: join(folder, "data") };
  const kinds = { providers, connectors };
  const read = () => JSON.stringify({ crm: "local", activity: { subject: "as checked" } });
  const config = loadConfig({ file, text: JSON.stringify({ installations }) }, environment, kinds, read);
  const log = { debug() {}, info() {}, warn() {}, error: (_: object, text: string) => faults.push(text) };
  const kind: ConnectorKind = {
    ...(connectors["local"] as ConnectorKind),
    connect: () => ({ batchSize: 1, findContacts: async () => new Map(), saveCalls: async () => [], ...own }),
  };
  const [settings] = config.installations;
  if (!settings) throw new Error("the config has no installation");
  const flow = { log, limitedLog: log, now: Date.now } as unknown as Flow;
  return { config, settings, flow, kind, onRequest() {} };
}

function connected(own: Partial<Connector> = {}) {
  return connect({ ...partsWith(own), grants: undefined, opened() {} });
}

test("neither the mapping nor the connector is open before it is used, nor after it was let go", async () => {
  const [prepare, closed] = [vi.fn(async () => {}), vi.fn(async () => {})];
  writeMapping("one");
  const { installation, isOpen, close } = connected({
    close: closed,
    prepare,
  });
  expect(isOpen()).toBe(false);
  await installation.connector.prepare?.();
  expect([isOpen(), installation.connector]).toEqual([true, installation.connector]);
  await close();
  expect([isOpen(), prepare.mock.calls.length, closed.mock.calls.length]).toEqual([false, 1, 1]);
  installation.mapping();
  expect(isOpen()).toBe(true);
  await close();
  expect([isOpen(), closed.mock.calls.length]).toEqual([false, 1]);
});

test("a mapping that changed while it rested is used from the next call on, unless it is wrong", async () => {
  writeMapping("one");
  const { installation, mapping, close } = connected();
  expect(mapping.text()).toContain("one");
  await close();
  writeMapping("two");
  expect(mapping.text()).toContain("two");
  await close();
  writeFileSync(mappingFile(), "{");
  expect(mapping.text()).toContain("two");
  expect(installation.mapping().crm).toBe("local");
  expect(faults).toEqual(["the changed mapping is wrong; the one before stays in use"]);
  await close();
});

test("the mapping that the config check read stands in for one that is wrong at the first use", async () => {
  const { mapping, close } = connected();
  expect(mapping.text()).toContain("as checked");
  expect(faults).toHaveLength(1);
  await close();
});

test("it is not idle while the CRM answers a request, whoever sent it", async () => {
  const { promise, resolve } = Promise.withResolvers<[]>();
  const { installation, idleMs, close } = connected({ owners: () => promise });
  await pause(15);
  expect(idleMs()).toBeGreaterThanOrEqual(10);
  const owners = installation.connector.owners?.();
  await pause(15);
  expect(idleMs()).toBe(0);
  resolve([]);
  await owners;
  await pause(15);
  expect(idleMs()).toBeGreaterThanOrEqual(10);
  await close();
});

let server: TestServer | undefined;
afterEach(() => server?.stop());

test("an installation that is replaced begins its work when the one before has ended", async () => {
  const { promise: gate, resolve } = Promise.withResolvers<[]>();
  let [runs, running, most] = [0, 0, 0];
  const owners = async () => {
    runs += 1;
    running += 1;
    most = Math.max(most, running);
    await gate;
    running -= 1;
    return [];
  };
  const { config, settings, flow, kind, onRequest } = partsWith({ owners });
  const store = openSqliteStore(config.dataFolder);
  const kinds = { local: kind };
  const roster = createRoster({
    ...{ config, flow: { ...flow, store }, kinds, providers, onRequest },
    archive: undefined,
  });
  roster.start();
  roster.startSweep();
  await waitFor("the first sync", () => runs === 1);
  const adding = roster.add(settings);
  roster.received("acme");
  roster.wake("acme");
  await pause(50);
  expect(runs).toBe(1);
  resolve([]);
  await adding;
  await waitFor("the second sync", () => runs === 2);
  await roster.stop();
  await store.close();
  expect([most, running]).toEqual([1, 0]);
});

test("what another process stores is worked off, also for an installation that never had work", async () => {
  server = await startServer();
  await synced(server);
  const { config } = server.parts;
  const beside = assemble(config, { log: { debug() {}, info() {}, warn() {}, error() {} } });
  const { simulate } = providers["voys"] ?? {};
  for (const request of simulate?.script(inboundCall("voys", { id: "call-1" })) ?? [])
    await beside.flow.store.append({
      ...{
        installation: "acme",
        provider: "voys",
        receivedAt: new Date().toISOString(),
        url: "/webhooks/acme/voys",
      },
      ...{ method: request.method, headers: request.headers, body: request.body },
    });
  await beside.stop();
  expect(await settledActivities(server)).toMatchObject([{ key: "acme:voys:call-1" }]);
});
