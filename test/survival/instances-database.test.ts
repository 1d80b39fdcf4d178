import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openInstancesWorld } from "../support/instances-world.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { seeded } from "../support/random.ts";
import { rounds } from "../support/rounds.ts";
import { waitFor } from "../support/server.ts";

const outages = rounds({ whole: 3, short: 1 });
const seed = 20_261_201;
const goesOnMs = 20_000;
const storesMs = 5_000;

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

test(`PostgreSQL ends ${outages} times under load, and is away for longer at last (seed ${seed})`, {
  timeout: 600_000,
}, async () => {
  const random = seeded(seed);
  const crms = { hub: "HubSpot", force: "Salesforce" } as const;
  const world = await openInstancesWorld({ postgres, random, crms, settings: { unknownCallers: "always" } });
  const traffic = world.traffic(4);
  const goneOn: number[] = [];
  const firstStored: number[] = [];
  for (let i = 0; i < outages; i += 1) {
    await pause(3_000);
    const endedAt = Date.now();
    await postgres.kill();
    await pause(i === outages - 1 ? rounds({ whole: 20_000, short: 5_000 }) : 3_000);
    const before = world.recorder.effects.length;
    await postgres.start();
    const backAt = Date.now();
    await waitFor("the lanes to go on", () => world.recorder.effects.length > before, 60);
    goneOn.push(Date.now() - backAt);
    const next = world.sent.find(({ at, ms, status }) => at + ms > backAt && status === 200);
    firstStored.push(next ? next.at + next.ms - backAt : Number.POSITIVE_INFINITY);
    const refused = world.sent.filter(({ at, status }) => at > endedAt && at < backAt && status !== 200);
    expect(refused.length).toBeGreaterThan(0);
    expect(refused.filter(({ status, retryAfter }) => status !== 503 || retryAfter === null)).toEqual([]);
  }
  await pause(2_000);
  await traffic.finish();
  await world.settled();
  expect(Math.max(...firstStored)).toBeLessThan(storesMs);
  expect(Math.max(...goneOn)).toBeLessThan(goesOnMs);
  for (const { child } of world.instances) {
    expect(child.output()).not.toMatch(/unexpected error/);
    child.kill("SIGTERM");
    expect(await child.ended, child.output()).toBe(0);
  }
  expect(await world.faults(traffic)).toEqual([]);
});
