import { describe, expect, onTestFinished, test } from "vitest";
import { inboundCall, scriptOf, sendAll, settledActivities, synced } from "../support/calls.ts";
import { type WorldName, worldNames, worlds } from "../support/crm-worlds.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

const number = "+31612345678";

type Detail = {
  explanation: {
    contact: { chosen?: { id: string }; lookup: string; reason?: string; runnersUp: { id: string }[] };
  };
  history: { step: string; detail: Record<string, unknown> }[];
};

async function detailOf(server: TestServer, key: string): Promise<Detail> {
  return (await (await fetch(`${server.url}/api/calls/${key}`)).json()) as Detail;
}

function choose(server: TestServer, key: string, contact: object): Promise<Response> {
  return fetch(`${server.url}/api/calls/${key}/contact`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(contact),
  });
}

describe.each(worldNames)("%s: a person chooses the contact of a call", (name: WorldName) => {
  test("its activity moves there, alone, and stays there when a late event comes and when the number is synced again", async () => {
    const crm = await worlds[name](Date.now);
    onTestFinished(() => crm.emulator.stop());
    const first = crm.addContact({ name: "First", phone: number });
    const second = crm.addContact({ name: "Second", phone: number });
    const server = await startServer({ settings: { crm: crm.settings } });
    onTestFinished(() => server.stop());
    await synced(server);
    await waitFor("both contacts", async () => {
      await synced(server);
      const found = await server.parts.flow.store.contactsByNumber("acme", [number]);
      return found.get(number)?.length === 2;
    });
    const script = scriptOf(server, "voys", inboundCall("voys", { id: "shared", customer: number }));
    await sendAll(server, "voys", script.slice(0, -1));
    await sendAll(server, "voys", script.slice(-1));
    const key = "acme:voys:shared";
    const logged = await waitFor("the call", () =>
      crm.calls().find(({ contactId }) => contactId !== undefined),
    );
    const [was, other] = logged.contactId === first ? [first, second] : [second, first];
    await waitFor(
      "the decision",
      async () => (await detailOf(server, key)).explanation.contact.runnersUp.length === 1,
    );
    expect((await detailOf(server, key)).explanation.contact.runnersUp).toMatchObject([{ id: other }]);

    const response = await choose(server, key, { kind: "contact", id: other });
    expect(response.status).toBe(202);
    await waitFor("the activity to move", () => crm.calls()[0]?.contactId === other);
    const { explanation, history } = await detailOf(server, key);
    expect(explanation.contact).toMatchObject({
      chosen: { id: other },
      lookup: "a person",
      runnersUp: [{ id: was }],
    });
    expect(history.map(({ step }) => step)).toContain("contact chosen");
    if ("portal" in crm) {
      const { portal } = crm as {
        portal: { people: { calls(): { associations: Record<string, string[]> }[] } };
      };
      expect(portal.people.calls()[0]?.associations["contacts"]).toEqual([other]);
    }

    await sendAll(server, "voys", script);
    const replayed = await fetch(`${server.url}/api/calls/${key}/replay`, { method: "POST" });
    expect(replayed.status).toBe(202);
    await synced(server);
    await fetch(`${server.url}/api/calls/${key}/retry`, { method: "POST" });
    await waitFor(
      "the call to be saved again",
      async () => (await detailOf(server, key)).history.length >= 4,
    );
    expect(crm.calls()).toHaveLength(1);
    expect(crm.calls()[0]?.contactId).toBe(other);
    expect((await detailOf(server, key)).explanation.contact.lookup).toBe("a person");
  });
});

test("what is no contact, what the index does not have and what is part of another call are refused in words", async () => {
  const server = await startServer();
  onTestFinished(() => server.stop());
  await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", { id: "hers" })));
  await settledActivities(server, 1);
  const key = "acme:voys:hers";
  const answers = await Promise.all([
    choose(server, key, { kind: "person", id: "2" }),
    choose(server, key, { kind: "contact", id: "99" }),
    choose(server, "acme:voys:none", { kind: "contact", id: "2" }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([400, 409, 404]);
  const [wrong, unknown] = await Promise.all(
    answers.map(async (one) => ((await one.json()) as { error: string }).error),
  );
  expect(wrong).toContain("at kind");
  expect(unknown).toContain("the index has no contact 99");
  const found = await fetch(`${server.url}/api/installations/acme/contacts?q=vries`);
  expect(await found.json()).toMatchObject({ items: [{ id: "2", name: "Piet de Vries" }] });
  expect((await choose(server, key, { kind: "contact", id: "2" })).status).toBe(202);
  await waitFor("the activity to move", () => server.crm().activities[0]?.["contactId"] === "2");
});
