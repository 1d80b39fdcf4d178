import { describe, expect, test } from "vitest";
import type { Delivery } from "../../src/core/provider.ts";
import { createClock, openTurns, type TurnOptions } from "../support/crm-turns.ts";
import { type CrmWorld, type WorldName, worldNames, worlds } from "../support/crm-worlds.ts";
import { failingStore } from "../support/failing-store.ts";
import { rounds } from "../support/rounds.ts";

/** A transferred call of a known contact, a missed call of an unknown caller, and a plain one. */
const fixtures = ["warm-transfer.json", "no-answer.json", "simple-inbound.json"];

/** Only every so many of the requests and writes fail, one at a time. */
const stride = rounds({ whole: 1, short: 7 });

/** What a rep sees in the end. `before`: does something to the CRM when the calls begin. */
async function runThrough(name: WorldName, options: TurnOptions = {}, before?: (world: CrmWorld) => void) {
  const clock = createClock();
  // An hour after the calls of the fixtures: a missed call of long ago has no follow-up.
  clock.move(Date.parse("2019-12-04T11:00:00Z") - clock.now());
  const world = await worlds[name](clock.now);
  world.addContact({ name: "Anna", phone: "+31501234567" });
  const turns = openTurns(world, clock, { settings: { unknownCallers: "always" }, ...options });
  await turns.sync();
  await turns.acme().connector.prepare?.();
  world.emulator.requests.length = 0;
  before?.(world);
  for (const delivery of turns.deliveries(fixtures).map(lateIfMissed)) {
    await turns.flow.store.append(delivery);
    await turns.work();
  }
  for (let i = 0; i < 6; i += 1) await turns.work();
  const requests = world.emulator.requests.length;
  await turns.close();
  await world.emulator.stop();
  return { picture: pictureOf(world), requests };
}

/** The second fixture's caller, whom nobody took, called after the other calls: nobody has talked to them since. */
function lateIfMissed(delivery: Delivery): Delivery {
  const text = Buffer.from(delivery.body).toString();
  if (!text.includes('"call-1-')) return delivery;
  return { ...delivery, body: Buffer.from(text.replaceAll("T10:00:", "T10:30:")) };
}

function pictureOf(world: CrmWorld) {
  const calls = world
    .calls()
    .map(({ key, title, contactId }) => ({ key, title, hasContact: contactId !== undefined }))
    .sort((a, b) => (a.key < b.key ? -1 : 1));
  return { calls, followUps: world.followUps(), contacts: world.contacts() };
}

describe.each(worldNames)("%s: whatever fails, every call ends as exactly one activity", async (name) => {
  const { picture: expected, requests } = await runThrough(name);

  test("without a fault each call is there once, with its contact, and the missed one with a task", () => {
    expect(expected.calls).toHaveLength(3);
    expect(expected.calls.every(({ hasContact }) => hasContact)).toBe(true);
    expect(expected.followUps).toBe(1);
    expect(requests).toBeGreaterThan(3);
  });

  test.each(["drop", "reset"] as const)("any request that ends in a %s changes nothing", async (type) => {
    for (let after = 0; after < requests; after += stride) {
      const { picture } = await runThrough(name, {}, ({ emulator }) => {
        emulator.faults.add({ type, after, times: 1 });
      });
      expect(picture, `${type} after ${after} requests`).toEqual(expected);
    }
  });

  test.each(["before", "after"] as const)("a crash %s any write of ours changes nothing", async (when) => {
    let n = 1 - stride;
    for (let struck = true; struck; ) {
      n += stride;
      const failing = failingStore(n, when);
      const { picture } = await runThrough(name, { wrap: failing.wrap, restarts: true });
      expect(picture, `crash ${when} write ${n}`).toEqual(expected);
      struck = failing.struck();
    }
    expect(n).toBeGreaterThan(12);
  });
});
