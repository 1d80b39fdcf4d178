import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { Client } from "pg";
import { type PostgresServer, startPostgres } from "../test/support/postgres.ts";
import { type Instance, startInstance } from "./child.ts";

/** A PostgreSQL of the benchmark, whose commits reach the disk. */
export type Database = {
  /** An empty schema; the one before is dropped. */
  empty(): Promise<string>;
  query(sql: string): Promise<Record<string, unknown>[]>;
  /** CPU time of all its processes so far, those that ended included. */
  cpuMs(): number;
  /** Proportional memory of its processes: shared pages count once. */
  memoryMb(): number;
  stop(): Promise<void>;
};

export async function startDatabase(): Promise<Database> {
  const server = await startPostgres(undefined, { fsync: "on", shared_buffers: "256MB" });
  const admin = new Client({ connectionString: server.url });
  await admin.connect();
  const query: Database["query"] = async (sql) => (await admin.query(sql)).rows;
  const [row] = await query("SELECT pg_backend_pid() AS pid");
  const postmaster = parentOf(Number(row?.["pid"]));
  const processes = (): number[] => [postmaster, ...childrenOf(postmaster)];
  return {
    empty: () => emptySchema(server, query),
    query,
    cpuMs: () => cpuOfEnded(postmaster) + processes().reduce((sum, pid) => sum + cpuOf(pid), 0),
    memoryMb: () => Math.round(processes().reduce((sum, pid) => sum + proportionalKb(pid), 0) / 1_024),
    async stop() {
      await admin.end();
      await server.stop();
    },
  };
}

async function emptySchema(server: PostgresServer, query: Database["query"]): Promise<string> {
  const old = await query("SELECT nspname AS name FROM pg_namespace WHERE nspname LIKE 'test\\_%'");
  for (const { name } of old) await query(`DROP SCHEMA ${name} CASCADE`);
  const url = await server.emptySchema();
  const schema = decodeURIComponent(url).replace(/.*search_path=/, "");
  await query(`SET search_path = ${schema}`);
  return url;
}

/** Instances over one database, with the same config. */
export type Cluster = {
  instances: Instance[];
  cpuMs(): number;
  stop(): Promise<void>;
};

export async function startCluster(
  folder: string,
  { config, url, count }: { config: object; url: string; count: number },
): Promise<Cluster> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, "switchhook.json");
  writeFileSync(file, JSON.stringify(config));
  const instances = await Promise.all(
    Array.from({ length: count }, (_, i) => {
      const data = join(folder, `data-${i}`);
      mkdirSync(data);
      return startInstance(file, data, url);
    }),
  );
  return {
    instances,
    cpuMs: () => instances.reduce((sum, { pid }) => sum + cpuOf(pid), 0),
    async stop() {
      await Promise.all(instances.map((one) => one.stop()));
    },
  };
}

/** Measures how busy all cores are, by whatever program: a share from 0 to 1. */
export function watchCores(): () => number {
  const before = coreTimes();
  return () => {
    const after = coreTimes();
    return 1 - (after.idle - before.idle) / (after.all - before.all);
  };
}

function coreTimes(): { idle: number; all: number } {
  const times = cpus().map((core) => core.times);
  const all = times.flatMap(Object.values).reduce((sum, ms) => sum + ms, 0);
  return { all, idle: times.reduce((sum, { idle }) => sum + idle, 0) };
}

/** Of Linux's clock, in which /proc counts CPU time. */
const tickMs = 10;

/** Field numbers are those of proc(5). */
function statOf(pid: number, fields: readonly number[]): number[] {
  try {
    // The name of the program, the second field, may contain spaces.
    const rest = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return fields.map((field) => Number(rest[field - 3]));
  } catch {
    return fields.map(() => 0);
  }
}

function cpuTime(pid: number, fields: readonly [number, number]): number {
  return statOf(pid, fields).reduce((sum, ticks) => sum + ticks, 0) * tickMs;
}

/** CPU time of a process so far, in milliseconds; 0 when it has ended. */
export const cpuOf = (pid: number): number => cpuTime(pid, [14, 15]);

/** Of the children of a process that have ended. */
const cpuOfEnded = (pid: number): number => cpuTime(pid, [16, 17]);

const parentOf = (pid: number): number => statOf(pid, [4])[0] ?? 0;

function childrenOf(parent: number): number[] {
  const pids = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
  return pids.filter((pid) => parentOf(pid) === parent);
}

function proportionalKb(pid: number): number {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  return Number(/^Pss: +(\d+)/m.exec(text)?.[1] ?? 0);
}
