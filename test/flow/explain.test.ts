import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { explainCall, explainText } from "../../src/flow/explain/explain.ts";
import {
  inboundCall,
  jsonRequest,
  scriptOf,
  send,
  sendAll,
  settledActivities,
  synced,
} from "../support/calls.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

let server: TestServer;
const switchboard = [
  { id: "1", name: "Asha Rao", phones: ["+919876543210"], ownerId: "11" },
  { id: "2", name: "Desk of Rao", phones: ["+919876543210"] },
  { id: "3", name: "Evil\u001b[2J\u202e", phones: ["+31612340009"] },
];
beforeAll(async () => {
  server = await startServer({ contacts: switchboard });
  await synced(server);
});
afterAll(() => server.stop());

async function explain(key: string) {
  const explanation = await explainCall(server.parts.flow.store, key);
  if (!explanation) throw new Error(`no call ${key}`);
  return explanation;
}

describe("a logged call", () => {
  const call = inboundCall("retell", { id: "one" });
  beforeAll(async () => {
    await sendAll(server, "retell", scriptOf(server, "retell", call));
    await settledActivities(server);
  });

  test("says why this contact, and who else it could have been", async () => {
    const { contact } = await explain("acme:retell:one");
    expect(contact).toEqual({
      number: "+919876543210",
      lookup: "index",
      reason: "2 have this number: prefers a contact with an owner",
      chosen: { id: "1", kind: "contact", name: "Asha Rao" },
      runnersUp: [{ id: "2", kind: "contact", name: "Desk of Rao" }],
    });
  });

  test("says whose activity it is and why, and who talked", async () => {
    const { owner, agent } = await explain("acme:retell:one");
    expect(owner).toEqual({
      id: "11",
      name: "Ravi Iyer",
      why: expect.stringContaining("has the AI agent that talked"),
    });
    expect(agent).toBe("ravi@example.com");
  });

  test("says which agent the caller was given and why", async () => {
    const { answer } = await explain("acme:retell:one");
    expect(answer).toMatchObject({
      foundBy: "call id",
      agentId: "agent_ravi",
      why: "the agent of the contact's owner 11",
      lookup: "index: 2 have this number: prefers a contact with an owner",
      variables: { customer_name: "Asha Rao" },
    });
  });

  test("says what was heard, from which delivery, and what the CRM got", async () => {
    const { status, events, deliveries, history, activityId } = await explain("acme:retell:one");
    expect(status).toBe(`logged as activity ${activityId}`);
    expect(events.map(({ kind }) => kind)).toEqual([
      "call_inbound",
      "call_started",
      "call_ended",
      "call_analyzed",
    ]);
    for (const { kind, deliveries: from } of events) {
      expect(deliveries.find(({ id }) => id === from[0])).toMatchObject({ kind });
      expect(from).toHaveLength(1);
    }
    expect(history[0]).toMatchObject({ step: "created", detail: { activity: activityId } });
  });

  test("says it in words, one fact per line", async () => {
    const text = explainText(await explain("acme:retell:one"));
    for (const line of [
      /^Call +acme:retell:one$/m,
      /^ +inbound retell call, completed, started 20.*Z, 61 s of talk, on line \+31201234567$/m,
      /^Status +logged as activity \d+$/m,
      /^Customer +\+919876543210$/m,
      /^Contact +Asha Rao \(contact 1\): found in the contact index: 2 have this number: prefers a contact with/m,
      /^ +not Desk of Rao \(contact 2\)$/m,
      /^Owner +Ravi Iyer \(11\): has the AI agent that talked/m,
      /^AI agent +20\S+Z the call was given to agent_ravi: the agent of the contact's owner 11$/m,
      /^Events +20\S+Z call_inbound, ringing, delivery \d+$/m,
      /^ +20\S+Z call_started, answered, delivery \d+$/m,
      /^CRM +20\S+Z created: activity \d+; revision \d+; wrote .*subject/m,
    ]) {
      expect(text).toMatch(line);
    }
  });
});

describe("a call that the CRM has not got", () => {
  test("says that it is not over", async () => {
    const [first] = scriptOf(server, "voys", inboundCall("voys", { id: "ringing" }));
    if (first) await send(server, "voys", first);
    await waitFor("the call", () => explainCall(server.parts.flow.store, "acme:voys:ringing"));
    const explanation = await explain("acme:voys:ringing");
    expect(explanation).toMatchObject({
      state: "open",
      status: "not logged yet: the call is not over",
      history: [],
    });
    expect(explanation.contact.lookup).toContain("not looked up yet");
  });

  test("says the CRM's reason and when it is tried next", async () => {
    const { store, now } = server.parts.flow;
    const { row } = (await store.call("acme:voys:ringing")) ?? {};
    if (!row) throw new Error("no call");
    const away = { id: row.id, key: row.call.key, installation: "acme", revision: 1, attempts: 3 };
    const reason = "the CRM answered 503";
    const at = now();
    const step = { at, step: "later", detail: { reason, againInMs: 60_000 } };
    await store.saveDelivered([{ ...away, state: "waiting", reason, dueAt: at + 60_000, step }]);
    const explanation = await explain("acme:voys:ringing");
    expect(explanation).toMatchObject({ attempts: 3, nextTryAt: new Date(at + 60_000).toISOString() });
    const text = explainText(explanation);
    expect(text).toMatch(
      /^Status +not logged yet: it waits for its turn \(the CRM answered 503\), tried 3 times, next try 20/m,
    );
    await store.saveDelivered([
      { ...away, state: "dead", reason: "the field x is gone", step: { ...step, step: "dead" } },
    ]);
    expect((await explain("acme:voys:ringing")).status).toMatch(/Fix the cause.*\(the field x is gone\)$/);
  });

  test("says why the number was not looked up", async () => {
    await sendAll(
      server,
      "bird",
      scriptOf(server, "bird", inboundCall("bird", { id: "anon", customer: "anonymous" })),
    );
    await settledActivities(server, 2);
    const { contact } = await explain("acme:bird:anon");
    expect(contact).toEqual({ lookup: "not looked up: the caller withheld the number", runnersUp: [] });
  });

  test("does not exist: undefined", async () => {
    expect(await explainCall(server.parts.flow.store, "acme:voys:nobody")).toBeUndefined();
  });
});

describe("a transferred call", () => {
  const notify = (call_id: string, status: string, second: number, more: object = {}) =>
    jsonRequest({
      ...{ call_id, status, version: "v2", timestamp: `2026-01-02T03:04:${second}.000000+00:00` },
      ...{
        direction: "inbound",
        caller: { number: "+919876543210" },
        destination: { number: "+31201234567" },
      },
      ...more,
    });

  test("says which legs it is made of, and a merged leg says where it went", async () => {
    await sendAll(server, "voys", [
      notify("leg-b", "ringing", 10),
      notify("leg-b", "ended", 20, { reason: "completed" }),
      notify("leg-a", "ringing", 21),
    ]);
    await waitFor("the leg's own activity", () =>
      server.crm().activities.some(({ key }) => key === "acme:voys:leg-b"),
    );
    await sendAll(server, "voys", [
      notify("leg-a", "warm-transfer", 22, { merged_id: "leg-b" }),
      notify("leg-a", "ended", 30, { reason: "completed" }),
    ]);
    await waitFor("the merged call", () =>
      server.crm().activities.some(({ key }) => key === "acme:voys:leg-a"),
    );
    await waitFor(
      "the leg's activity to go",
      () => !server.crm().activities.some(({ key }) => key === "acme:voys:leg-b"),
    );
    const survivor = await explain("acme:voys:leg-a");
    expect(survivor.merged).toEqual([{ key: "acme:voys:leg-b", activityId: expect.any(String) }]);
    expect(explainText(survivor)).toMatch(
      /^Merged +acme:voys:leg-b is the same call; its activity \d+ is taken back$/m,
    );
    const leg = await explain("acme:voys:leg-b");
    expect(leg).toMatchObject({ state: "merged", mergedInto: "acme:voys:leg-a" });
    expect(leg.status).toContain("acme:voys:leg-a");
  });
});

test("an agent's answer is found by number and time when the provider's ids differ", async () => {
  const question = {
    call_inbound: { from_number: "+919876543210", to_number: "+31201234567" },
    event: "call_inbound",
  };
  await send(server, "retell", jsonRequest(question));
  const startedAt = new Date().toISOString();
  await sendAll(server, "bird", scriptOf(server, "bird", inboundCall("bird", { id: "near", startedAt })));
  await settledActivities(server, 3);
  expect((await explain("acme:bird:near")).answer).toMatchObject({
    foundBy: "number and time",
    agentId: "agent_ravi",
  });
});

test("what a caller calls themselves cannot move the cursor of a terminal or turn its text around", async () => {
  await sendAll(
    server,
    "voys",
    scriptOf(server, "voys", inboundCall("voys", { id: "evil", customer: "+31612340009" })),
  );
  const logged = () => server.crm().activities.some(({ key }) => key === "acme:voys:evil");
  await waitFor("the activity", logged);
  await waitFor("its contact", async () => (await explain("acme:voys:evil")).contact.chosen);
  const text = explainText(await explain("acme:voys:evil"));
  expect(text).toContain("Evil");
  expect(text).not.toContain("\u001b");
  expect(text).not.toContain("\u202e");
});
