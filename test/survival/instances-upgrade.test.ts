import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Instance } from "../support/instance.ts";
import { openInstancesWorld } from "../support/instances-world.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { seeded } from "../support/random.ts";

const seed = 20_261_205;
const loadMs = 5_000;

/** The next releases, by how many more steps their schema has. */
const release = (steps: 1 | 2): string =>
  `${new URL("../support/later-schema.ts", import.meta.url).href}?steps=${steps}`;

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

test(`a release and the next ones side by side, until the schema loses what the first one uses (seed ${seed})`, {
  timeout: 300_000,
}, async () => {
  const random = seeded(seed);
  const crms = { hub: "HubSpot", force: "Salesforce" } as const;
  const settings = { unknownCallers: "always" };
  const world = await openInstancesWorld({ postgres, random, crms, settings });
  const [first, second, third] = world.instances as [Instance, Instance, Instance];
  const versions = async () => (await world.database.query("SELECT * FROM switchhook_schema")).rows;
  const change = async (one: Instance, preload: readonly string[]): Promise<void> => {
    one.isAway = true;
    one.child.kill("SIGTERM");
    expect(await one.child.ended, one.child.output()).toBe(0);
    one.start(preload);
    await world.up(one);
    await pause(loadMs);
  };
  const traffic = world.traffic(4, { repeats: 0.2, shuffled: 0.1, merged: 0.05 });
  const [before] = await versions();
  await pause(loadMs);

  // The schema gets wider; older instances go on, and may be started again.
  await change(first, [release(1)]);
  const wider = before.version + 1;
  expect(await versions()).toEqual([{ version: wider, usable_from: before.usable_from }]);
  await change(second, []);
  expect(await versions()).toEqual([{ version: wider, usable_from: before.usable_from }]);
  await change(second, [release(1)]);
  await change(third, [release(1)]);

  // The release after that takes the old column away.
  await change(first, [release(2)]);
  expect(await versions()).toEqual([{ version: wider + 1, usable_from: wider + 1 }]);
  third.isAway = true;
  await world.kill(third);
  third.start();
  expect(await third.child.ended).toBe(1);
  expect(third.child.output()).toContain(
    `the database was changed by a newer Switchhook (schema ${wider + 1}, this one knows ${before.version})`,
  );
  third.start([release(2)]);
  await world.up(third);
  await pause(loadMs);
  await traffic.finish();
  await world.settled();
  expect(world.sent.filter(({ status }) => status >= 500)).toEqual([]);
  expect(await world.faults(traffic)).toEqual([]);
});
