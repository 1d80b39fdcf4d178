import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Pool } from "pg";
import { onTestFinished } from "vitest";
import type { Store } from "../../src/store/contract.ts";
import { openPostgresStore } from "../../src/store/postgres/store.ts";
import { type Sent, startTraffic, type Traffic, type TrafficOptions } from "./call-traffic.ts";
import { isUp } from "./child-server.ts";
import type { CrmRecorder } from "./crm-proxy.ts";
import { type CrmWorld, type WorldName, worlds } from "./crm-worlds.ts";
import { addInstance, type Instance, type InstanceOptions } from "./instance.ts";
import { faultsOf, recorderSql } from "./instances-check.ts";
import type { Random } from "./random.ts";
import { waitFor } from "./server.ts";

/** An instance got an installation, by PostgreSQL's clock. */
export type Claim = { seq: number; installation: string; instance: number; at: number };

type WorldOptions = InstanceOptions & {
  random: Random;
  instances?: number;
  /** The installations of the config file, each with a CRM of its own. */
  crms: Readonly<Record<string, WorldName>>;
  /** Runs before the instances start. */
  prepare?: (store: Store) => Promise<void>;
};

export type InstancesWorld = Awaited<ReturnType<typeof openInstancesWorld>>;

/** The contacts "1", "2" and "3" of the traffic. */
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
  const { postgres, random } = options;
  const crms = new Map<string, CrmWorld>();
  const people = new Map<string, string[]>();
  for (const [name, kind] of Object.entries(options.crms)) {
    const world = await worlds[kind](Date.now);
    onTestFinished(() => world.emulator.stop());
    people.set(
      name,
      contacts.map((contact) => world.addContact(contact)),
    );
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
  const place = { ...options, folder, crms, url, recorder };
  const instances = await Promise.all(
    Array.from({ length: options.instances ?? 3 }, (_, number) => addInstance({ ...place, number })),
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
    nextUrl(otherThan?: string): string {
      for (let i = 0; i < instances.length; i += 1) {
        turn += 1;
        const one = instances[turn % instances.length];
        if (one && !one.isAway && one.url !== otherThan) return one.url;
      }
      return instances[0]?.url ?? "";
    },
    traffic(workers: number, more: TrafficOptions = {}): Traffic {
      const all = { installations, strangers: 0.2, sent: (one: Sent) => void sent.push(one), ...more };
      return startTraffic((otherThan) => this.nextUrl(otherThan), random, workers, all);
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
    async settled(seconds = 120, names: readonly string[] = installations): Promise<void> {
      for (const name of names)
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
    faults: (traffic: Traffic) => faultsOf({ traffic, sent, crms, people, recorder, database }),
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
