import { afterAll, beforeAll, expect, test } from "vitest";
import type { BulkRetry } from "../../src/routes/retries.ts";
import { callOf, decodedCall } from "../contracts/store-samples.ts";
import { openInstancesWorld } from "../support/instances-world.ts";
import { type PostgresServer, startPostgres } from "../support/postgres.ts";
import { seeded } from "../support/random.ts";
import { waitFor } from "../support/server.ts";

const token = "the-admin-token-of-the-instances";
const calls = 400;

let postgres: PostgresServer;
beforeAll(async () => {
  postgres = await startPostgres();
});
afterAll(() => postgres.stop());

test("a retry of many calls goes on when its instance is killed, and each call has one activity", async () => {
  const world = await openInstancesWorld({
    ...{ postgres, random: seeded(1), instances: 2, crms: { acme: "Salesforce" } },
    environment: { SWITCHHOOK_ADMIN_TOKEN: token },
    prepare: async (store) => {
      const startedAt = new Date().toISOString();
      const dead = Array.from({ length: calls }, (_, n) => {
        const call = callOf(`c${n}`, {
          direction: "inbound",
          outcome: "completed",
          startedAt,
          talkSeconds: 9,
        });
        // A refused call is due no more.
        const { dueAt: due, ...refused } = decodedCall(`c${n}`, {
          call,
          state: "dead",
          reason: "no such field",
        });
        expect(due).toBeDefined();
        return refused;
      });
      await store.saveDecoded("acme", [], dead);
    },
  });
  const { instances, crms } = world;
  const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
  const begin = async (url = ""): Promise<BulkRetry> => {
    const answer = await fetch(`${url}/api/retries`, { method: "POST", headers, body: "{}" });
    return (await answer.json()) as BulkRetry;
  };
  const begun = await Promise.all(instances.map(({ url }) => begin(url)));
  expect(new Set(begun.map(({ id }) => id)).size).toBe(1);
  const logged = async () => (await world.store.counts()).find(({ state }) => state === "logged")?.calls ?? 0;
  for (const [i, instance] of instances.entries()) {
    await waitFor("some calls to be logged", async () => (await logged()) > i * 150, 60);
    await world.kill(instance);
    if (i === 0) await world.restart(instance);
  }
  const [first] = instances;
  const progress = await waitFor(
    "the retry to end",
    async () => {
      const answer = await fetch(`${first?.url}/api/retries/${begun[0]?.id}`, { headers });
      const found = (await answer.json()) as BulkRetry;
      return found.endedAt !== undefined && found;
    },
    120,
  );
  expect(progress).toMatchObject({ total: calls, logged: calls, dead: 0, left: 0, other: 0 });
  const keys = crms
    .get("acme")
    ?.calls()
    .map(({ key }) => key);
  expect([keys?.length, new Set(keys).size]).toEqual([calls, calls]);
}, 240_000);
