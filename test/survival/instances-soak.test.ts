import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Instance } from "../support/instance.ts";
import { type InstancesWorld, openInstancesWorld } from "../support/instances-world.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { type Random, seeded } from "../support/random.ts";

/** `SOAK_SEED` runs one again, or another one; `SOAK_MINUTES` makes it longer. */
const { SOAK_SEED = "20261203", SOAK_MINUTES = "1" } = process.env;
const seed = Number(SOAK_SEED);
const soakMs = Number(SOAK_MINUTES) * 60_000;

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

type Fault = (world: InstancesWorld, one: Instance, random: Random) => Promise<void>;

const seconds = (random: Random, from: number, to: number): number =>
  (from + random.below(to - from)) * 1_000;

/** What may happen to an instance, or to PostgreSQL. Each is over when it resolves. */
const faults: Readonly<Record<string, Fault>> = {
  async killed(world, one, random) {
    await world.kill(one);
    await pause(seconds(random, 1, 6));
    await world.restart(one);
  },
  async "stopped in order"(world, one) {
    one.isAway = true;
    one.child.kill("SIGTERM");
    await one.child.ended;
    await world.restart(one);
  },
  async "standing still"(world, one, random) {
    one.isAway = true;
    one.child.kill("SIGSTOP");
    await pause(seconds(random, 2, 16));
    one.child.kill("SIGCONT");
    await world.up(one);
  },
  async "without an answer of PostgreSQL"(_, one, random) {
    one.isAway = true;
    one.postgres.stall();
    await pause(seconds(random, 2, 16));
    one.postgres.restore();
    one.isAway = false;
  },
  async "cut off from PostgreSQL"(_, one, random) {
    one.postgres.cut();
    await pause(seconds(random, 1, 12));
    one.postgres.restore();
  },
  async "with a slow PostgreSQL"(_, one, random) {
    one.postgres.delay(20 + random.below(80));
    await pause(seconds(random, 2, 6));
    one.postgres.delay(0);
  },
  async "without PostgreSQL, as all of them"(_world, _one, random) {
    await postgres.kill();
    await pause(seconds(random, 1, 6));
    await postgres.start();
  },
};

test(`whatever happens at random, each call is logged once (SOAK_SEED=${seed})`, {
  timeout: soakMs + 600_000,
}, async () => {
  const random = seeded(seed);
  const world = await openInstancesWorld({
    postgres,
    random,
    crms: { hub: "HubSpot", force: "Salesforce", shy: "HubSpot without our property" },
    settings: { unknownCallers: "always" },
  });
  const traffic = world.traffic(4, { repeats: 0.2, shuffled: 0.1, merged: 0.05 });
  // Apart from what the traffic takes, so that the same seed gives the same faults.
  const fate = seeded(seed + 1);
  const happened: string[] = [];
  for (const until = Date.now() + soakMs; Date.now() < until; ) {
    await pause(seconds(fate, 1, 4));
    const name = fate.pick(Object.keys(faults));
    const one = fate.pick(world.instances);
    happened.push(`${one.number} ${name}`);
    await faults[name]?.(world, one, fate);
  }
  await pause(2_000);
  await traffic.finish();
  await world.settled(240);
  expect(await world.faults(traffic), happened.join("; ")).toEqual([]);
});
