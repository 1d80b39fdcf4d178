import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SimulatedRequest } from "../../src/core/provider.ts";
import { inboundCall } from "../support/calls.ts";
import { type InstancesWorld, openInstancesWorld } from "../support/instances-world.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { seeded } from "../support/random.ts";
import { rounds } from "../support/rounds.ts";
import { waitFor } from "../support/server.ts";
import { callers, kind } from "../support/traffic-calls.ts";

const waitingCalls = rounds({ whole: 30_000, short: 3_000 });
const quiet = Array.from({ length: 19 }, (_, i) => `quiet-${i}`);
const atOnce = 500;

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

const { simulate, settings } = kind("voys");

function requestsOf(id: string): readonly SimulatedRequest[] {
  return simulate.script(inboundCall("voys", { id }));
}

/** Sends a whole call of each installation, one after another. Resolves with how long each took until it was logged. */
async function logged(world: InstancesWorld, names: readonly string[]): Promise<number[]> {
  const calls = names.map(async (name, i) => {
    await pause(i * 150);
    const id = `call-${randomUUID()}`;
    for (const request of requestsOf(id)) {
      const url = `${world.nextUrl()}/webhooks/${name}/voys`;
      const signed = simulate.sign(request, settings.parse(callers["voys"]), { now: Date.now(), url });
      const { method, headers, body, query } = signed;
      const answer = await fetch(`${url}?${query}`, { method, headers, body: Buffer.from(body) });
      expect(answer.status).toBe(200);
    }
    const from = Date.now();
    const effect = await waitFor(`the call of ${name}`, () =>
      world.recorder.effects.find(({ call }) => call === id),
    );
    return effect.at - from;
  });
  return (await Promise.all(calls)).sort((a, b) => a - b);
}

const median = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length / 2)] ?? 0;

test(`an account with ${waitingCalls} waiting calls delays no other one`, { timeout: 600_000 }, async () => {
  const crms = Object.fromEntries(["busy", ...quiet].map((name) => [name, "HubSpot"] as const));
  const world = await openInstancesWorld({ postgres, random: seeded(1), instances: 2, crms });
  for (const { emulator } of world.crms.values()) emulator.latencyMs = 100;
  // The first ones begin the work for each.
  await logged(world, quiet);
  const alone = await logged(world, quiet);
  for (let i = 0; i < waitingCalls; i += atOnce) {
    const requests = Array.from({ length: atOnce }, () => requestsOf(`call-${randomUUID()}`)).flat();
    await Promise.all(
      requests.map(({ method, headers, body }) =>
        world.store.append({
          ...{ installation: "busy", provider: "voys", receivedAt: new Date().toISOString() },
          ...{ method, url: "/webhooks/busy/voys", headers, body },
        }),
      ),
    );
  }
  await waitFor("the busy one", () => world.crms.get("busy")?.calls().length, 60);
  const beside = await logged(world, quiet);
  expect(await world.store.nextDue("busy"), "the busy account still has calls that wait").toBeDefined();
  const figures = `alone ${alone.join(", ")} ms; beside ${beside.join(", ")} ms`;
  expect(median(beside), figures).toBeLessThan(2 * median(alone));
  expect(beside.at(-1), figures).toBeLessThan(2 * Math.max(...alone) + 1_000);
});
