import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { numberingFor } from "../src/flow/contacts/renumber.ts";
import { inParts } from "../src/lib/pace.ts";
import { createSealer } from "../src/lib/seal.ts";
import type { Store } from "../src/store/contract.ts";
import { openPostgresStore } from "../src/store/postgres/store.ts";
import { openSqliteStore } from "../src/store/sqlite/store.ts";
import { startInstance } from "./child.ts";
import { type Cluster, cpuOf, type Database, startCluster } from "./cluster.ts";

type Row = (what: string, measured: string, target?: string, met?: boolean | "-") => void;
type IdleSize = { local: number; connected: number; settle: number; rest: number };

const secret = "bench-voys-secret";

/** What installations at rest cost: `local` ones of a config file, and accounts `connected` by OAuth in the store. */
export async function idleRows(
  folder: (name: string) => string,
  { local, connected, settle, rest }: IdleSize,
  row: Row,
): Promise<Record<string, unknown>> {
  const locals = await measure(localConfig(folder("idle-local"), local), { settle, rest });
  row(`start with ${local} local installations`, `${locals.startMs} ms`, "3000 ms", locals.startMs < 3_000);
  row("  CPU at rest", `${locals.cpu} % of a core`, "1 %", locals.cpu < 1);
  row("  resident memory", `${locals.rssMb} MB`, "250 MB", locals.rssMb < 250);

  const accounts = await measure(await connectedConfig(folder("idle-accounts"), connected), { settle, rest });
  row(`start with ${connected} accounts`, `${accounts.startMs} ms`, "5000 ms", accounts.startMs < 5_000);
  row("  CPU at rest", `${accounts.cpu} % of a core`, "2 %", accounts.cpu < 2);
  row("  resident memory", `${accounts.rssMb} MB`, "500 MB", accounts.rssMb < 500);
  row("  first webhook of an account", `${accounts.firstMs} ms`, "100 ms", accounts.firstMs < 100);
  return { locals, accounts };
}

type Prepared = { file: string; data: string; names: string[] };

/** `firstMs`: the slowest first webhook of five installations. */
async function measure({ file, data, names }: Prepared, { settle, rest }: Pick<IdleSize, "settle" | "rest">) {
  const server = await startInstance(file, data);
  await pause(settle * 1_000);
  const before = await server.sample();
  await pause(rest * 1_000);
  const after = await server.sample();
  const cpu = Math.round(((after.cpuMs - before.cpuMs) / (after.atMs - before.atMs)) * 10_000) / 100;
  const times: number[] = [];
  for (const name of [0.1, 0.3, 0.5, 0.7, 0.9].map((share) => names[Math.floor(share * names.length)])) {
    const started = performance.now();
    const url = `http://127.0.0.1:${server.port}/webhooks/${name}/voys?key=${secret}`;
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...notification, call_id: `call-of-${name}` }),
    });
    if (!answer.ok)
      throw new Error(`the first webhook of ${name} got ${answer.status}: ${await answer.text()}`);
    times.push(performance.now() - started);
  }
  await server.stop();
  const firstMs = Math.round(Math.max(...times));
  return { startMs: Math.round(server.startMs), cpu, rssMb: after.rssMb, firstMs };
}

const notification = {
  timestamp: new Date().toISOString(),
  version: "v4",
  status: "ringing",
  direction: "inbound",
  caller: { name: null, number: "+31687654321" },
  destination: { number: "+31501234567" },
};

const settings = { region: "NL", timeZone: "UTC", providers: { voys: { secret } } };

function localConfig(folder: string, many: number): Prepared {
  const data = join(folder, "data");
  mkdirSync(join(folder, "crm"), { recursive: true });
  mkdirSync(data, { recursive: true });
  const names = Array.from({ length: many }, (_, i) => `local-${i}`);
  const installations = names.map((name) => {
    const contacts = [{ id: "1", name: `Vera of ${name}`, phones: ["+31687654321"] }];
    writeFileSync(
      join(folder, "crm", `${name}.json`),
      JSON.stringify({ contacts, owners: [], activities: [] }),
    );
    return [name, { ...settings, crm: { type: "local", file: `crm/${name}.json` } }] as const;
  });
  const file = join(folder, "switchhook.json");
  writeFileSync(file, JSON.stringify({ installations: Object.fromEntries(installations) }));
  return { file, data, names };
}

/** Accounts of two CRMs that cannot be reached. */
async function connectedConfig(folder: string, many: number): Promise<Prepared> {
  const data = join(folder, "data");
  mkdirSync(data, { recursive: true });
  const file = join(folder, "switchhook.json");
  writeFileSync(file, JSON.stringify(accountsConfig));
  const store = openSqliteStore(data);
  const names = await connectAccounts(store, many);
  await store.close();
  return { file, data, names };
}

const client = { clientId: "bench-app", clientSecret: "bench-app-secret" };
const accountsConfig = {
  apps: {
    hubspot: { ...client, apiUrl: "http://127.0.0.1:1" },
    salesforce: { ...client, loginUrl: "http://127.0.0.1:1" },
  },
  installations: {},
};
/** Each has several transactions, and a pool does not let anyone wait for a connection for long. */
const accountsAtOnce = 64;

/** Saves accounts that were connected by OAuth and synced lately. Returns the names of their installations. */
async function connectAccounts(store: Store, many: number): Promise<string[]> {
  const sealer = createSealer(["a sealing key of the benchmark that is long enough"]);
  const names = Array.from({ length: many }, (_, i) => `${i % 2 ? "hubspot" : "salesforce"}-${i}`);
  const savedAt = Date.now();
  const connect = async (name: string): Promise<void> => {
    const grant = {
      accessToken: `access-token-of-${name}`,
      refreshToken: `refresh-token-of-${name}`,
      url: "http://127.0.0.1:1",
      scopes: [],
    };
    const body = { account: { id: name, name }, scopes: [], changes: [], settings };
    await store.saveInstall({
      name,
      crm: name.replace(/-.*/, ""),
      account: name,
      state: "active",
      version: 1,
      updatedAt: savedAt,
      body: JSON.stringify(body),
      sealed: sealer.seal(JSON.stringify(grant), name),
    });
    await store.saveSyncState(name, { generation: 1, cursor: "none", finishedAt: savedAt });
    await store.saveNumbering(name, numberingFor(settings.region));
  };
  for (const part of inParts(names, accountsAtOnce)) await Promise.all(part.map(connect));
  return names;
}

/** `settle`: the longest that the work of the start may take. */
export type SharedIdleSize = { accounts: number; settle: number; seconds: number };

/** Instances look for what others changed, also some seconds before they started, and plan the next syncs. */
const firstSeconds = 20;
const lookSeconds = 5;
/** Of a core, for an instance or PostgreSQL. */
const restingShare = 0.1;

/** Waits until the instances and PostgreSQL have done what a start takes. Returns how long that was, in seconds. */
async function untilAtRest(cluster: Cluster, database: Database, settle: number): Promise<number> {
  const started = performance.now();
  const cpu = () => [...cluster.instances.map(({ pid }) => cpuOf(pid)), database.cpuMs()];
  await pause(Math.min(firstSeconds, settle) * 1_000);
  for (;;) {
    const before = cpu();
    await pause(lookSeconds * 1_000);
    const shares = cpu().map((ms, i) => (ms - (before[i] ?? 0)) / (lookSeconds * 1_000));
    const seconds = (performance.now() - started) / 1_000;
    if (Math.max(...shares) < restingShare || seconds > settle) return Math.round(seconds);
  }
}

/** What two instances and PostgreSQL cost while no installation has anything to do. */
export async function sharedIdleRows(
  { folder, database, row }: { folder: (name: string) => string; database: Database; row: Row },
  { accounts, settle, seconds }: SharedIdleSize,
): Promise<Record<string, unknown>> {
  const url = await database.empty();
  const store = openPostgresStore(url);
  await store.ready();
  await connectAccounts(store, accounts);
  await store.close();
  // Else PostgreSQL does it on its own while we measure.
  await database.query("VACUUM ANALYZE");
  const cluster = await startCluster(folder("rest"), { config: accountsConfig, url, count: 2 });
  const settledAfter = await untilAtRest(cluster, database, settle);
  const samples = () => Promise.all(cluster.instances.map((one) => one.sample()));
  const before = { nodes: await samples(), postgres: database.cpuMs(), at: performance.now() };
  await pause(seconds * 1_000);
  const nodes = await samples();
  const [postgresMs, tookMs] = [database.cpuMs() - before.postgres, performance.now() - before.at];
  const postgres = (postgresMs / tookMs) * 100;
  const ours = nodes.map(({ cpuMs }, i) => ((cpuMs - (before.nodes[i]?.cpuMs ?? 0)) / tookMs) * 100);
  const startMs = Math.round(Math.max(...cluster.instances.map((one) => one.startMs)));
  const [rssMb, postgresMb] = [Math.max(...nodes.map((node) => node.rssMb)), database.memoryMb()];
  await cluster.stop();
  row(
    `two instances with ${accounts} accounts at rest, start together`,
    `${startMs} ms`,
    "5000 ms",
    startMs < 5_000,
  );
  row("  the work of the start is over", `after ${settledAfter} s`);
  row("  CPU of PostgreSQL", `${postgres.toFixed(2)} % of a core`, "5 %", postgres < 5);
  const each = ours.map((share) => `${share.toFixed(2)} %`).join(" and ");
  row("  CPU of each instance", `${each} of a core`, "2 %", Math.max(...ours) < 2);
  row("  resident memory of the larger one", `${rssMb} MB`, "500 MB", rssMb < 500);
  row("  memory of PostgreSQL", `${postgresMb} MB`);
  return { startMs, postgres, ours, rssMb, postgresMb };
}
