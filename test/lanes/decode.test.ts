import { afterEach, beforeEach, expect, test } from "vitest";
import type { Job, Lanes } from "../../src/lanes/contract.ts";
import { providers } from "../../src/providers/index.ts";
import { addLanes } from "../../src/server/lanes.ts";
import { createClock, openTurns, type Turns } from "../support/crm-turns.ts";
import { type CrmWorld, hubspotWorld } from "../support/crm-worlds.ts";

let world: CrmWorld;
let turns: Turns;
beforeEach(async () => {
  const clock = createClock();
  world = await hubspotWorld({ now: clock.now });
  turns = openTurns(world, clock);
});
afterEach(async () => {
  await turns.close();
  await world.emulator.stop();
});

/** The job of the lane that decodes, run by hand. */
function decodeJob(): Job {
  const jobs = new Map<string, Job>();
  const lanes: Lanes = {
    add: (name, job) => void jobs.set(name, job),
    wake() {},
    async remove() {},
    async stop() {},
  };
  addLanes(lanes, {
    flow: turns.flow,
    installation: turns.acme(),
    providers,
    archive: undefined,
    during: (work) => work(),
    isActive: () => true,
    isTakeOver: false,
    synced() {},
  });
  return jobs.get("acme/decode") as Job;
}

test.each([
  ["more than one turn of small webhooks", 70, 10],
  ["more than one turn of large ones", 5, 600_000],
])("a backlog is decoded without a rest: %s", async (_, count, bytes) => {
  const delivery = {
    installation: "acme",
    provider: "voys",
    receivedAt: new Date().toISOString(),
    method: "POST",
    url: "/",
    headers: { "content-type": "application/json" },
  };
  for (let n = 0; n < count; n += 1)
    await turns.flow.store.append({ ...delivery, body: Buffer.from(String(n).padStart(bytes, "x")) });
  await decodeJob()(new AbortController().signal);
  expect(await turns.flow.store.newDeliveries("acme", 1)).toEqual([]);
});
