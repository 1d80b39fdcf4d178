import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { WorldName } from "../support/crm-worlds.ts";
import { catchSaving, openInstancesWorld } from "../support/instances-world.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { seeded } from "../support/random.ts";
import { rounds } from "../support/rounds.ts";
import { waitFor } from "../support/server.ts";

const seed = 20_261_128;
const settings = { unknownCallers: "always" };
const takeOverMs = 15_000;
/** An account without our property waits a minute before it looks for what an earlier holder sent. */
const slow: Record<string, WorldName> = { shy: "HubSpot without our property" };
const crms: Record<string, WorldName> = {
  hub: "HubSpot",
  force: "Salesforce",
  ...(rounds({ whole: 1, short: 0 }) === 1 && slow),
};

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

test.each([
  ["the CRM has them", "after"],
  ["they are on their way to the CRM", "before"],
] as const)(
  `a holder stands still while it saves calls: %s (seed ${seed})`,
  { timeout: 600_000 },
  async (_, when) => {
    const random = seeded(seed);
    const world = await openInstancesWorld({ postgres, random, instances: 2, crms, settings });
    const names = Object.keys(crms);
    const traffic = world.traffic(4);
    await pause(1_000);
    const { holder, release } = await catchSaving(world, names, when);
    holder.child.kill("SIGSTOP");
    holder.isAway = true;
    const stoppedAt = Date.now();
    const claims = await Promise.all(names.map((name) => world.takenOver(name, holder)));
    // The next holder saves the same calls meanwhile.
    await pause(2_000);
    release();
    await pause(500);
    holder.child.kill("SIGCONT");
    await world.up(holder);
    await pause(2_000);
    await traffic.finish();
    await world.settled(180);
    expect(Math.max(...claims.map(({ at }) => at - stoppedAt))).toBeLessThan(takeOverMs);
    expect(await world.faults(traffic)).toEqual([]);
  },
);

/** Gives all holders of an installation the same claim. */
const withoutFence = `
  CREATE FUNCTION same_epoch() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN new.epoch := old.epoch; RETURN new; END $$;
  CREATE TRIGGER same_epoch BEFORE UPDATE ON fences FOR EACH ROW EXECUTE FUNCTION same_epoch()`;

test.each([
  ["with the fence, nothing of it is stored", true],
  ["without the fence, these tests fail", false],
])(
  "a holder stores an answer of the CRM after another one has taken over: %s",
  {
    timeout: 300_000,
  },
  async (_, hasFence) => {
    const random = seeded(seed);
    const world = await openInstancesWorld({
      postgres,
      random,
      instances: 2,
      crms: { hub: "HubSpot" },
      settings,
    });
    if (!hasFence) await world.database.query(withoutFence);
    const traffic = world.traffic(1);
    const { holder, release } = await catchSaving(world, ["hub"], "after");
    await traffic.finish();
    holder.postgres.stall();
    holder.isAway = true;
    // Its transaction is on its way to PostgreSQL until the next holder has logged the calls.
    release();
    await world.takenOver("hub", holder);
    await world.settled(20);
    expect(await world.faults(traffic)).toEqual([]);
    const before = holder.postgres.passed();
    holder.postgres.restore();
    await waitFor("what was held back to arrive", () => holder.postgres.passed() > before);
    await pause(2_000);
    const faults = await world.faults(traffic);
    if (hasFence) return expect(faults).toEqual([]);
    expect(faults).toContainEqual(
      expect.stringMatching(/was written \(logged\) by instance \d .* while \d held it/),
    );
  },
);
