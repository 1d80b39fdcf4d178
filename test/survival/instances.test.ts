import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Instance } from "../support/instance.ts";
import { type InstancesWorld, openInstancesWorld } from "../support/instances-world.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { type Random, seeded } from "../support/random.ts";
import { rounds } from "../support/rounds.ts";
import { waitFor } from "../support/server.ts";

const kills = rounds({ whole: 8, short: 2 });
const stops = rounds({ whole: 6, short: 3 });
const steadyMs = rounds({ whole: 60_000, short: 5_000 });
const seed = 20_261_129;
/** Pairs, so that instances share them. */
const crms = { hub: "HubSpot", force: "Salesforce" } as const;
const names = Object.keys(crms);
const settings = { unknownCallers: "always" };
const many = rounds({ whole: 40, short: 6 });
const skewMs = 120_000;
const jumpMs = rounds({ whole: 30_000, short: 10_000 });
const jumps = rounds({ whole: 4, short: 3 });
const latestMs = 20_000;
const load = { repeats: 0.2, shuffled: 0.1, merged: 0.05 };
/** An instance that was killed loses its work after a heartbeat of 10 s, at which pg-boss looks every 2 s. */
const takeOverMs = 15_000;
/** Of providers; a webhook is taken while another instance has just died, too. */
const patienceMs = 3_000;
/** Far less than a heartbeat: the work was handed over. */
const longestHandOverMs = 6_000;

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

const pick = (world: InstancesWorld, random: Random): Instance => {
  const running = world.instances.filter(({ isAway }) => !isAway);
  return random.pick(running);
};

/** The longest time from a moment to the claims that followed it. */
async function longestTakeOver(
  world: InstancesWorld,
  from: Instance,
  names: readonly string[],
): Promise<number> {
  const since = Date.now();
  const claims = await Promise.all(names.map((name) => world.takenOver(name, from)));
  return Math.max(0, ...claims.map(({ at }) => at - since));
}

/** Each as often as by Zipf's law: the second half as often as the first, the third a third as often. */
function byZipf(names: readonly string[]): string[] {
  return names.flatMap((name, i) => Array<string>(Math.ceil(names.length / (i + 1))).fill(name));
}

test(`steady: what comes twice, in any order and at other instances is logged once, for ${many} accounts (seed ${seed})`, {
  timeout: 600_000,
}, async () => {
  const random = seeded(seed);
  const kinds = ["HubSpot", "Salesforce", "HubSpot", "Salesforce without our package"] as const;
  const accounts = Object.fromEntries(
    Array.from({ length: many }, (_, i) => [`account-${i}`, kinds[i % kinds.length] ?? kinds[0]]),
  );
  const world = await openInstancesWorld({ postgres, random, instances: 4, crms: accounts, settings });
  for (const { emulator } of world.crms.values()) emulator.latencyMs = 50 + random.below(250);
  const traffic = world.traffic(6, { ...load, installations: byZipf(Object.keys(accounts)) });
  await pause(steadyMs);
  await waitFor("enough calls", () => traffic.told.length > 50, 120);
  await traffic.finish();
  await world.settled();
  expect(await world.faults(traffic)).toEqual([]);
});

test(`of three instances one is killed ${kills} times (seed ${seed})`, { timeout: 900_000 }, async () => {
  const random = seeded(seed);
  const world = await openInstancesWorld({ postgres, random, crms, settings });
  const traffic = world.traffic(4, load);
  const takeOvers: number[] = [];
  for (let i = 0; i < kills; i += 1) {
    await pause(1_000 + random.below(3_000));
    // Mostly one that has work.
    const victim = (random.chance(0.8) && (await world.holder(random.pick(names)))) || pick(world, random);
    const held = await world.heldBy(victim);
    await world.kill(victim);
    takeOvers.push(await longestTakeOver(world, victim, held));
    await world.restart(victim);
  }
  await traffic.finish();
  await world.settled();
  const acks = world.sent
    .filter(({ status }) => status === 200)
    .map(({ ms }) => ms)
    .sort((a, b) => a - b);
  expect(acks[Math.floor(acks.length * 0.99)]).toBeLessThan(patienceMs);
  expect(Math.max(...takeOvers)).toBeLessThan(takeOverMs);
  expect(await world.faults(traffic)).toEqual([]);
});

test(`instances are stopped in turn under load, ${stops} times (seed ${seed})`, {
  timeout: 600_000,
}, async () => {
  const random = seeded(seed);
  const world = await openInstancesWorld({ postgres, random, crms, settings });
  const traffic = world.traffic(4, load);
  const handOvers: number[] = [];
  for (let i = 0; i < stops; i += 1) {
    await pause(1_500);
    const one = (await world.holder("hub")) ?? pick(world, random);
    const names = await world.heldBy(one);
    one.child.kill("SIGTERM");
    handOvers.push(await longestTakeOver(world, one, names));
    expect(await one.child.ended, one.child.output()).toBe(0);
    await world.restart(one);
  }
  await traffic.finish();
  await world.settled();
  expect(Math.max(...handOvers)).toBeLessThan(longestHandOverMs);
  expect(world.sent.filter(({ status }) => status >= 500)).toEqual([]);
  expect(await world.faults(traffic)).toEqual([]);
});

test(`instances whose clocks differ, and jump, leave each other their work (seed ${seed})`, {
  timeout: 600_000,
}, async () => {
  const random = seeded(seed);
  const clocksMs = [-skewMs, 0, skewMs].map((ms) => [ms, ms + jumpMs, ms - jumpMs]);
  const world = await openInstancesWorld({ postgres, random, crms, settings, clocksMs });
  const traffic = world.traffic(4, load);
  const working = await waitFor("a holder", () => world.holder("hub"));
  for (let i = 0; i < jumps; i += 1) {
    await pause(rounds({ whole: 9_000, short: 3_000 }));
    working.child.kill("SIGUSR2");
  }
  await pause(2_000);
  await traffic.finish();
  // What was put off by a clock is due when the slowest one gets there.
  await world.settled((2 * skewMs + 2 * jumpMs + latestMs) / 1_000);
  // A machine that starves an instance may cost it its work once; a clock that is trusted costs it again and again.
  expect((await world.claims()).length).toBeLessThanOrEqual(names.length + 1);
  expect(await world.faults(traffic)).toEqual([]);
});
