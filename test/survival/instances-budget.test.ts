import { setTimeout as pause } from "node:timers/promises";
import type { SeenRequest } from "@switchhook/emulators/contract";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openInstancesWorld } from "../support/instances-world.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { ask } from "../support/questions.ts";
import { seeded } from "../support/random.ts";
import { rounds } from "../support/rounds.ts";

const seed = 20_261_206;
const askedMs = rounds({ whole: 60_000, short: 20_000 });
/** At each of the four instances: together as many as the account takes in all. */
const askEveryMs = 1_000;
const limits = { general: 100, perMs: 10_000, search: 5, searchPerMs: 1_000 };
const tolerance = 1.1;
/** After two heartbeats all instances know how many they are. */
const beatMs = 6_000;
const mostRefused = 0.01;

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

/** The most requests in any window of time. */
function mostWithin(requests: readonly SeenRequest[], ms: number): number {
  return Math.max(
    0,
    ...requests.map(({ at }, i) => requests.slice(i).filter((one) => one.at < at + ms).length),
  );
}

test(`four instances keep within what one account takes (seed ${seed})`, { timeout: 300_000 }, async () => {
  const random = seeded(seed);
  const crms = { hub: "HubSpot" } as const;
  const world = await openInstancesWorld({
    postgres,
    random,
    instances: 4,
    crms,
    settings: { unknownCallers: "always", answerDeadlineMs: 1_000 },
  });
  const emulator = world.crms.get("hub")?.emulator;
  if (!emulator) throw new Error("no emulator");
  await fetch(`${emulator.url}/_emulator/settings`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ limits }),
  });
  emulator.latencyMs = 50;
  // The one at work does not know yet that others answer.
  await pause(beatMs);
  const from = emulator.requests.length;
  const traffic = world.traffic(3);
  let asked = 0;
  const until = Date.now() + askedMs;
  const asking = world.instances.map(async ({ url, number }) => {
    await pause(random.below(askEveryMs));
    for (; Date.now() < until; asked += 1) {
      await ask(url, { name: "hub", id: `q-${number}-${asked}`, from: `+3168765${String(1_000 + asked)}` });
      await pause(askEveryMs);
    }
  });
  await Promise.all(asking);
  await traffic.finish();
  await world.settled(240);
  const requests = emulator.requests.slice(from);
  const searches = requests.filter(({ kind }) => kind === "search");
  const others = requests.filter(({ kind }) => kind !== "search");
  const refused = requests.filter(({ status }) => status === 429);
  const seen = `${requests.length} requests, ${searches.length} of them searches, ${refused.length} refused`;
  process.stdout.write(`${seen}\n`);
  expect.soft(mostWithin(others, limits.perMs), seen).toBeLessThanOrEqual(limits.general * tolerance);
  expect.soft(mostWithin(searches, limits.searchPerMs), seen).toBeLessThanOrEqual(limits.search * tolerance);
  expect.soft(refused.length, seen).toBeLessThanOrEqual(requests.length * mostRefused);
  expect(await world.faults(traffic)).toEqual([]);
});
