import { randomUUID } from "node:crypto";
import { afterEach, describe, expect, test } from "vitest";
import { inboundCall, jsonRequest, scriptOf, sendAll, synced } from "../support/calls.ts";
import { createClock } from "../support/crm-turns.ts";
import { type CrmWorld, worldNames, worlds } from "../support/crm-worlds.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

const known = "+31687654321";
const hourMs = 3_600_000;

describe.each(worldNames)("%s", (name) => {
  let world: CrmWorld;
  let server: TestServer;
  let clock = createClock();
  const reasons: string[] = [];

  async function open(settings: object = {}): Promise<void> {
    reasons.length = 0;
    clock = createClock();
    world = await worlds[name](clock.now);
    const ownerId = world.addOwner("ravi@example.com");
    world.addContact({ name: "Vera", phone: known, ownerId });
    server = await startServer({
      settings: { crm: world.settings, ...settings },
      now: clock.now,
      log: { warn: (facts) => reasons.push(JSON.stringify(facts)) },
    });
    await synced(server);
  }
  afterEach(async () => {
    await server.stop();
    await world.emulator.stop();
  });

  const logCall = (id: string, customer = known) =>
    sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", { id, customer })));

  const allLogged = (calls: number) =>
    waitFor(
      `${calls} calls to be logged`,
      async () => {
        const rows = await server.parts.flow.store.calls({ installation: "acme", limit: 1_000 });
        return (
          rows.length === calls && rows.every(({ state, dueAt }) => state === "logged" && dueAt === undefined)
        );
      },
      60,
    );

  const keys = () =>
    world
      .calls()
      .map(({ key }) => key)
      .sort();

  test("twenty copies of one call at once become one activity with its contact and owner", async () => {
    await open();
    await Promise.all(Array.from({ length: 20 }, () => logCall("same")));
    await allLogged(1);
    const [call, ...others] = world.calls();
    expect(others).toEqual([]);
    expect(call).toMatchObject({
      key: "acme:voys:same",
      title: expect.stringMatching(/^Inbound call from Vera · answered by ravi( Owner)?$/),
    });
    expect(call?.contactId).toBeDefined();
    expect(call?.ownerId).toBeDefined();
  });

  test("a storm of refusals delays calls and doubles none", async () => {
    await open();
    world.storm(8);
    const ids = Array.from({ length: 30 }, (_, i) => `storm-${i}`);
    await Promise.all(ids.map((id) => logCall(id)));
    await allLogged(30);
    expect(keys()).toEqual(ids.map((id) => `acme:voys:${id}`).sort());
  });

  test("away for an hour with calls coming in: all of them are logged in the end, once, and say why they waited", async () => {
    await open();
    const stop = world.fail();
    const ids = Array.from({ length: 12 }, (_, i) => `away-${i}`);
    for (const id of ids) {
      await logCall(id);
      clock.move(hourMs / ids.length);
    }
    const reason = await waitFor("a reason", async () => {
      const [row] = await server.parts.flow.store.calls({ installation: "acme", limit: 1 });
      return row?.reason;
    });
    expect(reason).toMatch(/503/);
    expect(world.calls()).toEqual([]);
    stop();
    clock.move(hourMs);
    await allLogged(ids.length);
    expect(keys()).toEqual(ids.map((id) => `acme:voys:${id}`).sort());
    expect(reasons.join()).toMatch(/503/);
    expect(reasons.join()).not.toContain(known);
  });

  test("a rep's edit and a rep's deletion outlive everything that comes after", async () => {
    await open();
    const [first, ...rest] = scriptOf(server, "voys", inboundCall("voys", { id: "edited", customer: known }));
    await logCall("deleted");
    await sendAll(server, "voys", [...(first ? [first] : []), ...rest]);
    await allLogged(2);
    const [edited, deleted] = ["edited", "deleted"].map((id) =>
      world.calls().find(({ key }) => key === `acme:voys:${id}`),
    );
    world.retitle(edited?.id ?? "", "Ask about the invoice");
    world.remove(deleted?.id ?? "");
    for (const id of ["edited", "deleted"]) await server.parts.flow.store.retry(`acme:voys:${id}`, 0);
    server.parts.wake("acme");
    await waitFor("the deletion to be noticed", async () => {
      const rows = await server.parts.flow.store.calls({ installation: "acme", limit: 9 });
      return rows.every(({ dueAt }) => dueAt === undefined) && rows.some(({ state }) => state === "gone");
    });
    expect(world.calls().map(({ title }) => title)).toEqual(["Ask about the invoice"]);
  });

  test("what an update adds is there in the end, also when its first attempts failed", async () => {
    await open();
    const script = scriptOf(server, "exotel", inboundCall("exotel", { id: "late-facts", customer: known }));
    const hasRecording = ({ query, body }: (typeof script)[number]) =>
      /recording_?url/i.test(`${query} ${Buffer.from(body)}`);
    const early = script.filter((request) => !hasRecording(request));
    await sendAll(server, "exotel", early);
    await allLogged(1);
    expect(world.calls()[0]?.all).not.toContain("/recordings/");
    world.fail(2);
    await sendAll(server, "exotel", script.filter(hasRecording));
    await waitFor("the link to the recording", () => {
      // The pause before each retry is over.
      clock.move(60_000);
      server.parts.wake("acme");
      return world.calls()[0]?.all.includes("/recordings/");
    });
    await allLogged(1);
    expect(world.calls()).toHaveLength(1);
  });

  test("a contact that appears later gets its calls, and nobody else's", async () => {
    await open();
    const stranger = "+31611112222";
    await logCall(`early-${randomUUID()}`, stranger);
    await allLogged(1);
    expect(world.calls()[0]?.contactId).toBeUndefined();
    const id = world.addContact({ name: "Wim", phone: "06-11112222" });
    clock.move(hourMs);
    await server.restart();
    await waitFor("the call to be his", () => world.calls()[0]?.contactId === id, 20);
    expect(world.calls()).toHaveLength(1);
  });

  test("a contact that was deleted since the last look keeps no call from being logged", async () => {
    await open();
    const gone = world.addContact({ name: "Wim", phone: "+31611112222" });
    await server.restart();
    const { store } = server.parts.flow;
    await waitFor(
      "the index to know him",
      async () => (await store.contactsByNumber("acme", ["+31611112222"])).size,
    );
    world.removeContact(gone);
    await logCall("to-nobody", "+31611112222");
    await allLogged(1);
    expect(world.calls()).toHaveLength(1);
    expect(world.calls()[0]?.contactId).not.toBe(gone);
    expect((await store.contactsByNumber("acme", ["+31611112222"])).size).toBe(0);
  });

  test("an inbound question is answered from the index while the CRM is away", async () => {
    await open();
    const stop = world.fail();
    const question = {
      event: "call_inbound",
      call_inbound: { from_number: known, to_number: "+31201234567" },
    };
    const { provider, settings } = server.parts.installations.get("acme")?.providers["retell"] ?? {};
    const request = jsonRequest(question);
    const url = "https://hooks.example.com/webhooks/acme/retell";
    const signed = provider?.simulate.sign(request, settings, { now: Date.now(), url });
    const response = await fetch(`${server.url}/webhooks/acme/retell`, {
      method: "POST",
      headers: signed?.headers ?? {},
      body: Buffer.from(signed?.body ?? []),
    });
    stop();
    expect(response.status).toBe(200);
    const { call_inbound: answer } = (await response.json()) as { call_inbound: Record<string, unknown> };
    expect(answer).toMatchObject({
      override_agent_id: "agent_ravi",
      dynamic_variables: {
        customer_name: "Vera",
        owner_name: expect.stringMatching(/ravi/),
        lifecycle: world.lifecycle,
      },
    });
  });
});
