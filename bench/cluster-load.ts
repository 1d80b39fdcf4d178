import { setTimeout as pause } from "node:timers/promises";
import { generatedContact } from "@switchhook/emulators/hubspot";
import type { Cluster, Database } from "./cluster.ts";
import { type LoadResult, load, retellEvents } from "./load.ts";

const apiKey = "bench-retell-key";
const callers = 20;
const eventsOfCall = 3;

type SharedConfig = { installations: number; places: number; settleSeconds: number };

/** Installations of one emulated portal. `places`: installations that an instance works for at a time. */
export function sharedConfig(apiUrl: string, { installations, places, settleSeconds }: SharedConfig) {
  const names = Array.from({ length: installations }, (_, i) => `tenant-${i}`);
  const settings = {
    crm: { type: "hubspot", token: "hubspot-token", apiUrl },
    providers: { retell: { apiKey, defaultAgent: "agent_default" } },
    region: "NL",
    timeZone: "UTC",
    settleSeconds,
    reconcile: false,
  };
  const config = {
    publicUrl: "https://hooks.example.com",
    limits: { tenancies: places },
    installations: Object.fromEntries(names.map((name) => [name, settings])),
  };
  return { config, names };
}

function eventsOf(name: string, mark: string): (n: number) => Buffer {
  const numberOf = (caller: number): string => generatedContact(caller).number;
  const options = { callers, prefix: `${mark}-${name}`, numberOf };
  return retellEvents(`/webhooks/${name}/retell`, apiKey, options);
}

/** The n-th webhook of calls that the installations get in turn; three are a call. */
export function callsInTurn(names: readonly string[], mark: string): (n: number) => Buffer {
  const each = names.map((name) => eventsOf(name, mark));
  return (n) => {
    const call = Math.floor(n / eventsOfCall);
    const event = Math.floor(call / each.length) * eventsOfCall + (n % eventsOfCall);
    return each[call % each.length]?.(event) ?? Buffer.alloc(0);
  };
}

/** Sends webhooks to the instances in turn, at a rate over all of them. */
export function send(
  { instances }: Cluster,
  request: (n: number) => Buffer,
  { rate, seconds }: { rate: number; seconds: number },
): Promise<LoadResult[]> {
  const count = Math.floor((rate * seconds) / instances.length);
  return Promise.all(
    instances.map(({ port }, i) =>
      load({
        port,
        path: "",
        connections: 16,
        seconds: seconds + 30,
        rate: rate / instances.length,
        count,
        request: (n) => request(n * instances.length + i),
      }),
    ),
  );
}

/** Waits until all that is stored is decoded and logged. */
export async function drained(database: Database, seconds = 60): Promise<void> {
  for (const deadline = performance.now() + seconds * 1_000; performance.now() < deadline; ) {
    const [row] = await database.query(
      "SELECT EXISTS (SELECT FROM deliveries WHERE state IN (0, 3)) OR EXISTS (SELECT FROM calls WHERE due_at IS NOT NULL) AS waits",
    );
    if (row?.["waits"] === false) return;
    await pause(100);
  }
  throw new Error(`not all calls were logged ${seconds} s after the last one`);
}

const lookMs = 100;

/** Drives calls for some seconds: the next call of an installation begins when the one before was logged. */
export function oneCallEach(
  { instances }: Cluster,
  database: Database,
  names: readonly string[],
): (seconds: number) => Promise<void> {
  const sent = new Map(names.map((name) => [name, 0]));
  const each = new Map(names.map((name) => [name, eventsOf(name, "each")]));
  let turn = 0;
  const sendAll = (requests: readonly Buffer[]): Promise<LoadResult[]> =>
    Promise.all(
      [...Map.groupBy(requests, () => turn++ % instances.length)].map(([i, own]) =>
        load({
          port: instances[i]?.port ?? 0,
          path: "",
          connections: Math.min(8, own.length),
          seconds: 30,
          count: own.length,
          request: (n) => own[n] as Buffer,
        }),
      ),
    );
  return async (seconds) => {
    for (const deadline = performance.now() + seconds * 1_000; performance.now() < deadline; ) {
      const rows = await database.query(
        "SELECT installation, COUNT(*) AS n FROM calls WHERE state = 'logged' GROUP BY installation",
      );
      const logged = new Map(rows.map(({ installation, n }) => [String(installation), Number(n)]));
      const requests: Buffer[] = [];
      for (const [name, calls] of sent) {
        if ((logged.get(name) ?? 0) < calls) continue;
        sent.set(name, calls + 1);
        for (let event = 0; event < eventsOfCall; event += 1)
          requests.push(each.get(name)?.(calls * eventsOfCall + event) as Buffer);
      }
      if (requests.length > 0) await sendAll(requests);
      await pause(lookMs);
    }
  };
}
