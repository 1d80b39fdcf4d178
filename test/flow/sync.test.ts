import { afterEach, describe, expect, test } from "vitest";
import { searchCrm } from "../../src/flow/contacts/caller-search.ts";
import type { Store } from "../../src/store/contract.ts";
import { createClock, openTurns, type Turns } from "../support/crm-turns.ts";
import { hubspotWorld, salesforceWorld } from "../support/crm-worlds.ts";

const caller = "+31687654321";
let turns: Turns;
afterEach(() => turns.close());

const steps = ["putContacts", "removeContacts", "dropContactsBefore"] as const;

/** Does `meanwhile` just before a step of the sync, the first time. */
function before(step: (typeof steps)[number], meanwhile: () => Promise<unknown>) {
  let done = false;
  return (store: Store): Store => ({
    ...store,
    async [step](...args: unknown[]) {
      if (!done) {
        done = true;
        await meanwhile();
      }
      return (store[step] as (...args: unknown[]) => Promise<unknown>)(...args);
    },
  });
}

describe.each([
  ["HubSpot", () => hubspotWorld({})],
  ["Salesforce", () => salesforceWorld({})],
])("a complete listing of the contacts of %s", (_, startWorld) => {
  test.each(steps)("keeps those that a call found meanwhile, before %s", async (step) => {
    const world = await startWorld();
    world.addContact({ name: "Vera", phone: caller });
    const call = () => searchCrm(turns.flow, turns.acme(), [caller], {});
    turns = openTurns(world, createClock(), { wrap: before(step, call) });
    await turns.sync();
    const { store } = turns.flow;
    expect((await store.contactsByNumber("acme", [caller])).get(caller)).toMatchObject([{ name: "Vera" }]);
    expect((await store.syncState("acme")).finishedAt).toBeDefined();
    await world.emulator.stop();
  });
});
