import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pool } from "pg";
import { onTestFinished } from "vitest";
import type { Store } from "../../src/store/contract.ts";
import { openPostgresStore } from "../../src/store/postgres/store.ts";
import { callers, type Sent, startTraffic, type Traffic, type TrafficOptions } from "./call-traffic.ts";
import { type ChildServer, freePort, isUp, startChild } from "./child-server.ts";
import { type CrmRecorder, startCrmProxy } from "./crm-proxy.ts";
import { type CrmWorld, type WorldName, worlds } from "./crm-worlds.ts";
import { faultsOf } from "./instances-check.ts";
import type { PostgresServer } from "./postgres.ts";
import { type PostgresProxy, startPostgresProxy } from "./postgres-proxy.ts";
import type { Random } from "./random.ts";
import { waitFor } from "./server.ts";

/** A server process among others. `isAway`: the way in does not lead to it. */
export type Instance = {
  number: number;
  url: string;
  postgres: PostgresProxy;
  child: ChildServer;
  isAway: boolean;
  start(): void;
};

/** An instance got an installation, by PostgreSQL's clock. */
export type Claim = { seq: number; installation: string; instance: number; at: number };

type WorldOptions = {
  postgres: PostgresServer;
  random: Random;
  instances?: number;
  /** The installations of the config file, each with a CRM of its own. */
  crms: Readonly<Record<string, WorldName>>;
  /** How much the instances' clocks are ahead. */
  clocksMs?: readonly number[];
  /** More of each installation, of the config file and of the environment. */
  settings?: object;
  file?: object;
  environment?: Readonly<Record<string, string>>;
  /** Runs before the instances start. */
  prepare?: (store: Store) => Promise<void>;
};

export type InstancesWorld = Awaited<ReturnType<typeof openInstancesWorld>>;

/** The contacts that the traffic speaks of. */
const contacts = [
  { name: "Asha", phone: "+919876543210" },
  { name: "Piet", phone: "+31612345678", mobile: "+31501234567" },
  { name: "Jane", phone: "+14155550123" },
];

/**
 * Several server processes on one PostgreSQL, each of which reaches it, and the CRMs, through proxies of its own. What they
 * acknowledge, claim, write and create is recorded.
 */
export async function openInstancesWorld(options: WorldOptions) {
  const { postgres, random, clocksMs = [], settings, file, environment } = options;
  const crms = new Map<string, CrmWorld>();
  for (const [name, kind] of Object.entries(options.crms)) {
    const world = await worlds[kind](Date.now);
    onTestFinished(() => world.emulator.stop());
    for (const contact of contacts) world.addContact(contact);
    crms.set(name, world);
  }
  const url = await postgres.emptySchema();
  const store = openPostgresStore(url);
  onTestFinished(() => store.close());
  await store.ready();
  const database = connectTo(url);
  await database.query(recorderSql);
  await options.prepare?.(store);

  const recorder: CrmRecorder = { requests: [], effects: [], hold: () => undefined };
  const sent: Sent[] = [];
  const folder = mkdtempSync(join(tmpdir(), "switchhook-instances-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));

  const addInstance = async (number: number): Promise<Instance> => {
    const own = join(folder, String(number));
    mkdirSync(join(own, "data"), { recursive: true });
    const proxy = await startPostgresProxy(postgres.port);
    onTestFinished(() => proxy.stop());
    const installations = [...crms].map(async ([installation, { emulator, settings: crm }]) => {
      const place = { instance: number, installation, target: emulator.url };
      const reached = await startCrmProxy(place, recorder);
      onTestFinished(() => reached.stop());
      const at =
        crm["type"] === "salesforce"
          ? { loginUrl: reached.url, apiUrl: reached.url }
          : { apiUrl: reached.url };
      const usual = { providers: callers, region: "NL", settleSeconds: 1, reconcile: false };
      return [installation, { ...usual, ...settings, crm: { ...crm, ...at } }] as const;
    });
    const config = { installations: Object.fromEntries(await Promise.all(installations)), ...file };
    writeFileSync(join(own, "switchhook.json"), JSON.stringify(config));
    const port = await freePort();
    const clockMs = clocksMs[number];
    const database = new URL(url);
    database.port = String(proxy.port);
    database.searchParams.set(
      "options",
      `${database.searchParams.get("options")} -c test.instance=${number}`,
    );
    const begin = (): ChildServer => {
      const child = startChild(own, port, {
        variables: { DATABASE_URL: database.href, LOG_LEVEL: "info", ...environment },
        ...(clockMs !== undefined && { clockMs }),
      });
      // Its end may take longer than the hook of a test.
      onTestFinished(() => {
        child.kill("SIGCONT");
        child.kill();
      });
      return child;
    };
    const instance: Instance = {
      number,
      url: `http://127.0.0.1:${port}`,
      postgres: proxy,
      child: begin(),
      isAway: true,
      start() {
        instance.child = begin();
      },
    };
    return instance;
  };
  const instances = await Promise.all(
    Array.from({ length: options.instances ?? 3 }, (_, i) => addInstance(i)),
  );
  const up = async (instance: Instance): Promise<void> => {
    await waitFor(`instance ${instance.number}`, () => isUp(instance.child), 60).catch((error: unknown) => {
      throw new Error(`${String(error)}\n${instance.child.output()}`);
    });
    instance.isAway = false;
  };
  for (const instance of instances) await up(instance);

  let turn = 0;
  const installations = [...crms.keys()];
  const claims = async (): Promise<Claim[]> => {
    const found = await database.query(
      "SELECT seq::int, installation, instance, extract(epoch FROM at)::float8 * 1000 AS at FROM test_claims ORDER BY seq",
    );
    return found.rows as Claim[];
  };
  const holders = async () =>
    new Map((await claims()).map(({ installation, instance }) => [installation, instance]));
  const isSettled = async (name: string): Promise<boolean> =>
    (await store.newDeliveries(name, 1)).length === 0 && (await store.nextDue(name)) === undefined;

  return {
    instances,
    crms,
    recorder,
    sent,
    store: store as Store,
    database,
    /** The address of the next instance, one after another. */
    nextUrl(): string {
      for (let i = 0; i < instances.length; i += 1) {
        turn += 1;
        const one = instances[turn % instances.length];
        if (one && !one.isAway) return one.url;
      }
      return instances[0]?.url ?? "";
    },
    traffic(workers: number, more: TrafficOptions = {}): Traffic {
      const all = { installations, strangers: 0.2, sent: (one: Sent) => void sent.push(one), ...more };
      return startTraffic(() => this.nextUrl(), random, workers, all);
    },
    up,
    async restart(instance: Instance): Promise<void> {
      instance.start();
      await up(instance);
    },
    /** Ends a process at once; the way in leads around it from then on. */
    async kill(instance: Instance): Promise<void> {
      instance.isAway = true;
      instance.child.kill();
      await instance.child.ended;
    },
    claims,
    /** The instance that has an installation; undefined before the first claim. */
    holder: async (installation: string): Promise<Instance | undefined> =>
      instances[(await holders()).get(installation) ?? -1],
    /** The installations that an instance has. */
    async heldBy({ number }: Instance): Promise<string[]> {
      const all = await holders();
      return installations.filter((name) => all.get(name) === number);
    },
    async settled(seconds = 120): Promise<void> {
      for (const name of installations)
        await waitFor(`the calls of ${name} to be logged`, () => isSettled(name), seconds).catch(
          async (error) => {
            const { rows } = await database.query(
              "SELECT key, state, reason, attempts, due_at - extract(epoch FROM now()) * 1000 AS due_in FROM calls WHERE installation = $1 AND due_at IS NOT NULL",
              [name],
            );
            throw new Error(`${String(error)}\n${JSON.stringify(rows, null, 1)}`);
          },
        );
    },
    /** Resolves with the next claim of an installation by another instance than the given one. */
    takenOver: (installation: string, from: Instance, seconds = 60): Promise<Claim> =>
      waitFor(
        `${installation} to be taken over from instance ${from.number}`,
        async () => {
          const last = (await claims()).findLast((one) => one.installation === installation);
          return last?.instance !== from.number && last;
        },
        seconds,
      ),
    /** What must not be, one sentence each. */
    faults: (traffic: Traffic) => faultsOf({ traffic, sent, crms, recorder, database }),
  };
}

/**
 * Waits until the holder of installations is creating calls in each of them. What it creates is held: before it gets to the
 * CRM, or before the CRM's answer gets back.
 */
export async function catchSaving(
  { recorder, instances, holder: holderOf }: InstancesWorld,
  names: readonly string[],
  when: "before" | "after",
): Promise<{ holder: Instance; release(): void }> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const caught = new Set<string>();
  const holder = await waitFor("a holder", () => holderOf(names[0] ?? ""));
  recorder.hold = ({ creates, instance, installation }, at) => {
    if (!creates || at !== when || instances[instance] !== holder) return undefined;
    caught.add(installation);
    return promise;
  };
  await waitFor("calls that are being saved", () => names.every((name) => caught.has(name)));
  return {
    holder,
    release(): void {
      recorder.hold = () => undefined;
      resolve();
    },
  };
}

/** One connection, opened again after PostgreSQL was away. */
function connectTo(url: string): Pool {
  const pool = new Pool({ connectionString: url, max: 1 });
  pool.on("error", () => {});
  onTestFinished(() => pool.end());
  return pool;
}

/** Each claim, and each change of a call, with the instance that made it, in the order in which PostgreSQL took them. */
const recorderSql = `
  CREATE SEQUENCE test_order;
  CREATE TABLE test_claims (seq bigint, installation text, instance int, at timestamptz);
  CREATE TABLE test_writes (seq bigint, installation text, instance int, at timestamptz, call bigint, state text);
  CREATE FUNCTION test_instance() RETURNS int LANGUAGE sql AS
    $$ SELECT NULLIF(current_setting('test.instance', true), '')::int $$;
  CREATE FUNCTION test_claimed() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO test_claims VALUES (nextval('test_order'), new.installation, test_instance(), clock_timestamp());
      RETURN NULL;
    END $$;
  CREATE FUNCTION test_written() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO test_writes VALUES (nextval('test_order'), new.installation, test_instance(), clock_timestamp(), new.id, new.state);
      RETURN NULL;
    END $$;
  CREATE TRIGGER test_claims AFTER INSERT OR UPDATE ON fences FOR EACH ROW EXECUTE FUNCTION test_claimed();
  CREATE TRIGGER test_writes AFTER INSERT OR UPDATE ON calls FOR EACH ROW EXECUTE FUNCTION test_written();
`;
