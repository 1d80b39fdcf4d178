import { afterEach, beforeEach, expect, test } from "vitest";
import type { Connector, SaveResult } from "../../src/core/crm.ts";
import { CrmError } from "../../src/core/errors.ts";
import { decodeNew } from "../../src/flow/calls/decode.ts";
import { deliverDue } from "../../src/flow/calls/deliver.ts";
import { providers } from "../../src/providers/index.ts";
import { createClock, openTurns, type Turns } from "../support/crm-turns.ts";
import { type CrmWorld, hubspotWorld } from "../support/crm-worlds.ts";

let world: CrmWorld;
let turns: Turns;
let clock = createClock();
beforeEach(async () => {
  clock = createClock();
  world = await hubspotWorld({ now: clock.now });
  world.addContact({ name: "Vera", phone: "+31687654321" });
  turns = openTurns(world, clock);
  await turns.sync();
});
afterEach(async () => {
  await turns.close();
  await world.emulator.stop();
});

/** An inbound call that nobody took, so many minutes ago. */
function missed(id: string, minutes: number) {
  const at = new Date(clock.now() - minutes * 60_000).toISOString();
  return {
    installation: "acme",
    provider: "voys",
    receivedAt: at,
    method: "POST",
    url: "/",
    headers: { "content-type": "application/json" },
    body: Buffer.from(
      JSON.stringify({
        call_id: id,
        version: "v2",
        timestamp: at,
        status: "ended",
        reason: "no-answer",
        direction: "inbound",
        caller: { number: "+31687654321", name: null },
        destination: { number: "+31201234567" },
      }),
    ),
  };
}

type Refuse = (result: SaveResult) => SaveResult;

/** One claim, whose connector loses the follow-up of the first call: the CRM has none of it. */
async function claim(refuse?: Refuse): Promise<void> {
  clock.move(60_000);
  const { connector, ...rest } = turns.acme();
  const saveCalls: Connector["saveCalls"] = async (records, signal) => {
    const sent = records.map(({ task, ...record }) => (task && !refuse ? { ...record, task } : record));
    const asked = new Set(records.flatMap(({ key, task }) => (task ? [key] : [])));
    const results = await connector.saveCalls(sent, signal);
    return refuse ? results.map((one) => (asked.has(one.key) ? refuse(one) : one)) : results;
  };
  await deliverDue(turns.flow, { ...rest, connector: { ...connector, saveCalls } });
}

const refusals: Readonly<Record<string, Refuse>> = {
  "refused by the CRM": (result) =>
    ({ ...result, without: ["the follow-up task: no permission"] }) as SaveResult,
  "parked with its call": ({ key }) => ({ key, failed: new CrmError("never", "no such owner") }),
};

test.each(Object.entries(refusals))(
  "when a follow-up is %s, the other missed call of the caller gets one",
  async (_, refuse) => {
    for (const [id, minutes] of [
      ["a", 9],
      ["b", 5],
    ] as const)
      await turns.flow.store.append(missed(id, minutes));
    await decodeNew(turns.flow, turns.acme(), providers, 50);
    await claim(refuse);
    expect(world.followUps()).toBe(0);
    await claim();
    expect(world.followUps()).toBe(1);
    await claim();
    expect(world.followUps()).toBe(1);
  },
);

test("a CRM that refuses every follow-up is asked once per call", async () => {
  for (const [id, minutes] of [
    ["a", 9],
    ["b", 5],
    ["c", 3],
  ] as const)
    await turns.flow.store.append(missed(id, minutes));
  await decodeNew(turns.flow, turns.acme(), providers, 50);
  const refuse = refusals["refused by the CRM"];
  for (let i = 0; i < 6; i += 1) await claim(refuse);
  expect(await turns.flow.store.nextDue("acme")).toBeUndefined();
});
