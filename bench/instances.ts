import { cpus } from "node:os";
import { setTimeout as pause } from "node:timers/promises";
import { type Server, startEmulator, startOurs } from "./child.ts";
import { cpuOf, type Database, startCluster, startDatabase, watchCores } from "./cluster.ts";
import { callsInTurn, drained, oneCallEach, send, sharedConfig } from "./cluster-load.ts";
import { type SharedIdleSize, sharedIdleRows } from "./idle.ts";
import { load, retellEvents } from "./load.ts";

type Row = (what: string, measured: string, target?: string, met?: boolean | "-") => void;
export type InstancesSize = {
  rounds: number;
  /** `warm`: calls an instance, for its code to be compiled; `rest`: seconds without calls. */
  perCall: { installations: number; rate: number; warm: number; rest: number; seconds: number };
  waiting: { installations: number; places: number; warm: number; seconds: number };
  append: { seconds: number };
  rest: SharedIdleSize;
};
type Bench = { folder: (name: string) => string; database: Database; row: Row };

const counts = [1, 2, 4] as const;
const portal = { limits: false, contacts: 20, region: "NL" };
/** Beyond this the cores are the limit, whatever is measured. */
const fullShare = 0.9;

/** With more than this for other programs, no figure below means anything. */
const quietShare = 0.05;
const quietSeconds = 3;

/** Several instances over one PostgreSQL. */
export async function instanceRows(
  folder: (name: string) => string,
  size: InstancesSize,
  row: Row,
): Promise<Record<string, unknown>> {
  row("cores that all of it shares, load and emulated CRM included", `${cpus().length}`);
  const cores = watchCores();
  await pause(quietSeconds * 1_000);
  const others = cores();
  row(
    "  busy with other programs before the start",
    percent(others),
    percent(quietShare),
    others <= quietShare,
  );
  const database = await startDatabase();
  const bench = { folder, database, row };
  try {
    const perCall = await perCallRows(bench, size);
    const waiting = await waitingRows(bench, size.waiting);
    const append = await appendRows(bench, size);
    const rest = await sharedIdleRows(bench, size.rest);
    return { perCall, waiting, append, rest };
  } finally {
    await database.stop();
  }
}

/**
 * CPU of one logged call on its whole route: three webhooks at a steady rate, sent to the instances in turn. What the
 * instances and PostgreSQL also use at rest is in it, and named apart: it is less a call the more calls there are.
 */
async function perCallRows(bench: Bench, { rounds, perCall: size }: InstancesSize) {
  const runs: Awaited<ReturnType<typeof callCost>>[] = [];
  for (let round = 0; round < rounds; round += 1)
    // Back and forth, so that a machine that gets slower does not favour a number.
    for (const count of round % 2 ? counts.toReversed() : counts)
      runs.push(await callCost(bench, { ...size, count, name: `per-call-${round}-${count}` }));
  const of = (count: number) => runs.filter((run) => run.count === count);
  const one = mean(of(1).map(({ totalMs }) => totalMs));
  for (const count of counts) {
    const totals = of(count).map(({ totalMs }) => totalMs);
    const [node = 0, postgres = 0, rest = 0, busy = 0] = (
      ["nodeMs", "postgresMs", "restMs", "busy"] as const
    ).map((figure) => mean(of(count).map((run) => run[figure])));
    const parts = `node ${ms(node)} + PostgreSQL ${ms(postgres)}; ${ms(rest)} of it is also used at rest`;
    const measured = `${ms(mean(totals))} ${noise(totals)} (${parts}), cores ${percent(busy)} busy`;
    const what = `CPU of a logged call, ${size.rate} calls/s of ${size.installations} installations, ${instances(count)}`;
    const ratio = mean(totals) / one;
    if (count === 1) bench.row(what, measured);
    else
      bench.row(
        what,
        `${ratio.toFixed(2)} x one: ${measured}`,
        "0.85 to 1.15 x",
        Math.abs(ratio - 1) <= 0.15,
      );
  }
  // A process with fewer calls has colder code and smaller batches, also when it is alone.
  const rate = size.rate / Math.max(...counts);
  const alone = await callCost(bench, { ...size, rate, count: 1, name: "per-call-alone" });
  const ofAlone = `node ${ms(alone.nodeMs)} + PostgreSQL ${ms(alone.postgresMs)}`;
  bench.row(
    `  ${rate} calls/s, 1 instance: as many as each of the most has`,
    `${ms(alone.totalMs)} (${ofAlone})`,
  );
  return [...runs, alone];
}

type CallCost = InstancesSize["perCall"] & { count: number; name: string };

async function callCost({ folder, database }: Bench, { count, name, ...size }: CallCost) {
  const { installations, rate } = size;
  const emulator = await startEmulator("hubspot", { ...portal, latencyMs: 50 });
  const places = Math.ceil(installations / count);
  const { config, names } = sharedConfig(emulator.url, { installations, places, settleSeconds: 1 });
  const url = await database.empty();
  const cluster = await startCluster(folder(name), { config, url, count });
  const used = () => ({ node: cluster.cpuMs(), postgres: database.cpuMs(), at: performance.now() });
  const warmRate = 2 * rate;
  await send(cluster, callsInTurn(names, "warm"), {
    rate: warmRate * 3,
    seconds: (size.warm * count) / warmRate,
  });
  await drained(database);
  const resting = used();
  await pause(size.rest * 1_000);
  const before = { ...used(), logged: await logged(database) };
  const cores = watchCores();
  await send(cluster, callsInTurn(names, "measured"), { rate: rate * 3, seconds: size.seconds });
  await drained(database);
  const busy = cores();
  const after = used();
  const calls = (await logged(database)) - before.logged;
  await cluster.stop();
  await emulator.stop();
  const [nodeMs, postgresMs] = [
    (after.node - before.node) / calls,
    (after.postgres - before.postgres) / calls,
  ];
  const restShare =
    (before.node + before.postgres - resting.node - resting.postgres) / (before.at - resting.at);
  const restMs = (restShare * (after.at - before.at)) / calls;
  return { count, calls, nodeMs, postgresMs, totalMs: nodeMs + postgresMs, restMs, busy };
}

/**
 * What a slow CRM lets through: each installation has one call at a time, and its next one begins once that is logged. The
 * installations that have a place always have work, so none of them rests for the time after which it gives its place away.
 */
async function waitingRows({ folder, database, row }: Bench, size: InstancesSize["waiting"]) {
  const { installations, places, warm, seconds } = size;
  const runs = [];
  for (const count of counts) {
    const emulator = await startEmulator("hubspot", { ...portal, latencyMs: 250 });
    const { config, names } = sharedConfig(emulator.url, { installations, places, settleSeconds: 0 });
    const url = await database.empty();
    const cluster = await startCluster(folder(`waiting-${count}`), { config, url, count });
    const drive = oneCallEach(cluster, database, names);
    await drive(warm);
    const before = await logged(database);
    const [cores, started] = [watchCores(), performance.now()];
    await drive(seconds);
    const perSecond = ((await logged(database)) - before) / ((performance.now() - started) / 1_000);
    const busy = cores();
    const [served] = await database.query(
      "SELECT COUNT(DISTINCT installation) AS n FROM calls WHERE state = 'logged'",
    );
    runs.push({ count, perSecond, busy, served: Number(served?.["n"]) });
    await cluster.stop();
    await emulator.stop();
  }
  const one = runs[0]?.perSecond ?? 0;
  const targets: Readonly<Record<number, number>> = { 2: 1.9, 4: 3.6 };
  for (const { count, perSecond, busy, served } of runs) {
    const what = `calls/s into a CRM of 250 ms, ${installations} installations, ${places} places an instance, ${instances(count)}`;
    const target = targets[count];
    const measured = `${perSecond.toFixed(1)}/s, cores ${percent(busy)} busy`;
    if (target === undefined) row(what, measured);
    else
      row(
        what,
        `${measured} = ${(perSecond / one).toFixed(2)} x one`,
        `${target} x`,
        perSecond / one >= target,
      );
    row(`  installations with a logged call after ${warm + seconds} s`, `${served} of ${installations}`);
  }
  return runs;
}

/** Webhooks acknowledged, with the lanes at rest: verified, read, and stored with a commit that reaches the disk. */
async function appendRows({ folder, database, row }: Bench, { rounds, append }: InstancesSize) {
  const runs: Awaited<ReturnType<typeof acks>>[] = [];
  for (let round = 0; round < rounds; round += 1)
    for (const count of round % 2 ? [2, 1] : [1, 2]) {
      const databaseUrl = await database.empty();
      const servers = await Promise.all(
        Array.from({ length: count }, (_, i) =>
          startOurs({
            folder: folder(`append-${i}`),
            lanes: false,
            crm: { type: "hubspot", token: "hubspot-token", apiUrl: "http://127.0.0.1:1" },
            databaseUrl,
          }),
        ),
      );
      await acks(servers, database, 1);
      runs.push(await acks(servers, database, append.seconds));
      await Promise.all(servers.map((server) => server.stop()));
    }
  const of = (count: number) => runs.filter((run) => run.count === count);
  const [one = 0, two = 0] = [1, 2].map((count) => mean(of(count).map(({ perSecond }) => perSecond)));
  for (const count of [1, 2]) {
    const perSecond = mean(of(count).map((run) => run.perSecond));
    const busy = mean(of(count).map((run) => run.busy));
    const [node, postgres] = [
      mean(of(count).map((run) => run.nodeUs)),
      mean(of(count).map((run) => run.postgresUs)),
    ];
    const full = busy > fullShare ? ": the cores are the limit" : "";
    const cost = `node ${Math.round(node)} us + PostgreSQL ${Math.round(postgres)} us of CPU each`;
    const measured = `${Math.round(perSecond)}/s, ${noise(of(count).map((run) => run.perSecond))}, ${cost}, cores ${percent(busy)} busy${full}`;
    const what = `webhooks acknowledged, ${count} server process${count > 1 ? "es" : ""}`;
    if (count === 1) row(what, measured);
    else row(what, `${measured} = ${(two / one).toFixed(2)} x one`, "1.5 x", two / one >= 1.5);
  }
  return runs;
}

let ackRuns = 0;

async function acks(servers: Server[], database: Database, seconds: number) {
  const path = "/webhooks/bench/retell";
  const cpuOfNode = (): number => servers.reduce((sum, { pid }) => sum + cpuOf(pid), 0);
  ackRuns += 1;
  const requests = servers.map((_, i) => {
    const request = retellEvents(path, "bench-retell-key", {
      callers: 3_000,
      prefix: `acks-${ackRuns}-${i}`,
    });
    const prepared = Array.from({ length: Math.round((seconds * 15_000) / servers.length) }, (_, n) =>
      request(n),
    );
    return (n: number): Buffer => prepared[n] ?? request(n);
  });
  const before = { node: cpuOfNode(), postgres: database.cpuMs() };
  const cores = watchCores();
  const results = await Promise.all(
    servers.map(({ port }, i) =>
      load({ port, path, connections: 64, seconds, request: requests[i] as (n: number) => Buffer }),
    ),
  );
  const busy = cores();
  const ok = results.reduce((sum, result) => sum + result.ok, 0);
  return {
    count: servers.length,
    perSecond: results.reduce((sum, result) => sum + result.perSecond, 0),
    failed: results.reduce((sum, result) => sum + result.failed, 0),
    nodeUs: ((cpuOfNode() - before.node) * 1_000) / ok,
    postgresUs: ((database.cpuMs() - before.postgres) * 1_000) / ok,
    busy,
  };
}

async function logged(database: Database): Promise<number> {
  const [row] = await database.query("SELECT COUNT(*) AS n FROM calls WHERE state = 'logged'");
  return Number(row?.["n"]);
}

const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const ms = (value: number): string => `${value.toFixed(2)} ms`;
const percent = (share: number): string => `${Math.round(share * 100)} %`;
const instances = (count: number): string => `${count} instance${count > 1 ? "s" : ""}`;

/** How far the runs are from their mean, at most. */
function noise(values: number[]): string {
  const middle = mean(values);
  const share = Math.max(...values.map((value) => Math.abs(value / middle - 1)));
  return `± ${Math.round(share * 100)} % in ${values.length} run${values.length > 1 ? "s" : ""}`;
}
