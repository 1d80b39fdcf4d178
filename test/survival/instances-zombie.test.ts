import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Instance } from "../support/instance.ts";
import { catchSaving, openInstancesWorld } from "../support/instances-world.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { seeded } from "../support/random.ts";
import { waitFor } from "../support/server.ts";
import { callers } from "../support/traffic-calls.ts";

const seed = 20_261_130;
/** An instance stops by itself when it could not prove for 6 s that it lives; a CRM has 15 s for an answer. */
const lastRequestMs = 6_000 + 15_000;
const stallMs = 30_000;
const takeOverMs = 15_000;

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

test(`a holder loses PostgreSQL for 30 s while it saves calls in all CRMs (seed ${seed})`, {
  timeout: 600_000,
}, async () => {
  const random = seeded(seed);
  const crms = { hub: "HubSpot", force: "Salesforce", shy: "HubSpot without our property" } as const;
  const names = Object.keys(crms);
  const world = await openInstancesWorld({
    postgres,
    random,
    instances: 2,
    crms,
    settings: { unknownCallers: "always" },
  });
  // Of two instances one has all three, and keeps them: one more than its share is no reason to move work.
  const [first, second] = world.instances as [Instance, Instance];
  await world.kill(second);
  const traffic = world.traffic(4);
  await waitFor("one holder", async () => (await world.heldBy(first)).length === names.length, 60);
  await world.restart(second);
  const { holder, release } = await catchSaving(world, names, "after");
  expect((await world.heldBy(holder)).toSorted()).toEqual(names.toSorted());
  holder.postgres.stall();
  holder.isAway = true;
  const stalledAt = Date.now();
  const { secret } = callers["voys"] as { secret: string };
  const refused = fetch(`${holder.url}/webhooks/hub/voys?key=${secret}`, {
    method: "POST",
    body: JSON.stringify({ call_id: "of-a-stalled-instance", status: "ringing", version: "v2" }),
  }).then(({ status, headers }) => ({
    status,
    after: headers.get("retry-after"),
    ms: Date.now() - stalledAt,
  }));
  await pause(1_000);
  release();
  const claims = await Promise.all(names.map((name) => world.takenOver(name, holder)));
  await pause(Math.max(0, stalledAt + stallMs - Date.now()));
  const late = world.recorder.requests.filter(
    ({ instance, at }) => instance === holder.number && at > stalledAt + lastRequestMs,
  );
  holder.postgres.restore();
  holder.isAway = false;
  await pause(3_000);
  await traffic.finish();
  await world.settled(150);
  expect(Math.max(...claims.map(({ at }) => at - stalledAt))).toBeLessThan(takeOverMs);
  expect(await refused).toMatchObject({ status: 503, after: "5" });
  expect(late).toEqual([]);
  expect(await world.faults(traffic)).toEqual([]);
});
