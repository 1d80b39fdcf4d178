import { afterEach, describe, expect, test } from "vitest";
import type { SimulatedCall } from "../../src/core/provider.ts";
import { inboundCall, scriptOf, sendAll, synced } from "../support/calls.ts";
import { createClock } from "../support/crm-turns.ts";
import { type CrmWorld, worldNames, worlds } from "../support/crm-worlds.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

const customer = "+31687654321";
const missed = { outcome: "no-answer", talkSeconds: 0 } as const;

describe.each(worldNames)("%s", (name) => {
  let world: CrmWorld;
  let server: TestServer;
  let clock = createClock();

  async function open(): Promise<void> {
    clock = createClock();
    world = await worlds[name](clock.now);
    world.addContact({ name: "Vera", phone: customer, ownerId: world.addOwner("ravi@example.com") });
    server = await startServer({ settings: { crm: world.settings }, now: clock.now });
    await synced(server);
  }
  afterEach(async () => {
    await server.stop();
    await world.emulator.stop();
  });

  const minutesAgo = (minutes: number) => new Date(clock.now() - minutes * 60_000).toISOString();
  const tell = (given: Partial<SimulatedCall> & { id: string }) =>
    sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", { customer, ...given })));

  const logged = (calls: number) =>
    waitFor(
      `${calls} calls to be logged`,
      async () => {
        const rows = await server.parts.flow.store.calls({ installation: "acme", limit: 100 });
        const isLogged = rows.every(({ state, dueAt }) => state === "logged" && dueAt === undefined);
        return rows.length === calls && isLogged;
      },
      60,
    );

  test("three missed calls get one follow-up, and calling back closes it", async () => {
    await open();
    for (const [i, id] of ["a", "b", "c"].entries())
      await tell({ ...missed, id, startedAt: minutesAgo(9 - i) });
    await logged(3);
    expect([world.followUps(), world.openFollowUps()]).toEqual([1, 1]);
    await tell({ id: "back", direction: "outbound", startedAt: minutesAgo(2) });
    await logged(4);
    await waitFor("the follow-up to be closed", async () => world.openFollowUps() === 0, 60);
    expect(world.followUps()).toBe(1);
  });

  test("a follow-up is closed once the CRM is back, also after a restart", async () => {
    await open();
    await tell({ ...missed, id: "a", startedAt: minutesAgo(9) });
    await logged(1);
    const recover = world.fail();
    await tell({ id: "back", startedAt: minutesAgo(2) });
    await waitFor("the call back to be known", async () => {
      const rows = await server.parts.flow.store.calls({ installation: "acme", limit: 9 });
      return rows.some(({ call, attempts }) => call.callId === "back" && attempts > 0);
    });
    await server.restart(recover);
    clock.move(600_000);
    await logged(2);
    await waitFor("the follow-up to be closed", async () => world.openFollowUps() === 0, 60);
    expect(world.followUps()).toBe(1);
  });
});
