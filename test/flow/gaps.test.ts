import { afterEach, beforeEach, expect, test } from "vitest";
import type { SimulatedCall } from "../../src/core/provider.ts";
import { gapsOf } from "../../src/flow/contacts/unknown-agents.ts";
import { type AskingWorld, openWorld } from "../support/asking-world.ts";

const at = Date.parse("2026-11-02T08:00:00.000Z");
let world: AskingWorld;

beforeEach(async () => {
  world = openWorld({
    provider: "exotel",
    own: { secret: "exotel-secret" },
    now: () => at,
    settings: {
      agents: [
        { email: "Ravi@Example.com", exotel: ["ravi"] },
        { email: "left@example.com", exotel: ["left"] },
      ],
    },
  });
  await world.sync();
});
afterEach(() => world.end());

async function callOf(agent: string, id: string): Promise<void> {
  const call: SimulatedCall = {
    ...{ id, direction: "inbound", customer: "+919876543210", line: "+918047112200", agent },
    startedAt: new Date(at - 600_000).toISOString(),
    ...{ ringSeconds: 4, talkSeconds: 61, outcome: "completed" },
  };
  await world.takeAll(world.script(call));
}

test("names the agents that are no users, the users that are no agents, and who is in calls and neither", async () => {
  for (const [i, agent] of ["ravi", "new-one", "new-one", "another"].entries())
    await callOf(agent, `call-${i}`);
  await world.workOff();
  expect(await gapsOf(world.flow, world.acme())).toEqual({
    agentsWithoutUser: ["left@example.com"],
    usersWithoutAgent: [expect.objectContaining({ email: "noor@example.com" })],
    unknownAgents: [
      { provider: "exotel", ids: expect.arrayContaining(["new-one"]), calls: 2 },
      { provider: "exotel", ids: expect.arrayContaining(["another"]), calls: 1 },
    ],
  });
});
