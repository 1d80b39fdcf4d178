import { afterEach, expect, test } from "vitest";
import type { SimulatedCall } from "../../src/core/provider.ts";
import { explainCall, explainText } from "../../src/flow/explain/explain.ts";
import { inboundCall, scriptOf, sendAll, settledActivities, synced } from "../support/calls.ts";
import { writeCrm } from "../support/crm-files.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

let server: TestServer;
afterEach(() => server.stop());

const piet = "+31612345678";
const minute = 60_000;
const ago = (minutes: number) => new Date(Date.now() - minutes * minute).toISOString();
const missed = { customer: piet, outcome: "no-answer", talkSeconds: 0 } as const;

async function start(settings: object = {}): Promise<void> {
  server = await startServer({ settings });
  await synced(server);
}

async function tell(given: Partial<SimulatedCall> & { id: string }): Promise<void> {
  await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", given)));
}

const key = (id: string) => `acme:voys:${id}`;
const tasks = () => server.crm().tasks ?? [];
const explained = (id: string) => explainCall(server.parts.flow.store, key(id));

async function whyNone(id: string): Promise<unknown> {
  return (await explained(id))?.history.at(-1)?.detail["noFollowUp"];
}

async function closed(id: string): Promise<void> {
  await waitFor(
    "the follow-up to be closed",
    async () => (await explained(id))?.followUp?.state === "closed",
  );
}

function edit(members: object): void {
  const file = server.crm();
  writeCrm(server.crmFile, { ...file, tasks: file.tasks.map((task) => ({ ...task, ...members })) });
}

test("a follow-up is due an hour after the call, or as the installation says", async () => {
  await start();
  await tell({ ...missed, id: "a", startedAt: ago(10) });
  const [activity] = await settledActivities(server);
  const endedAt = Date.parse(String(activity?.["endedAt"]));
  expect(tasks()).toEqual([
    expect.objectContaining({ dueAt: new Date(endedAt + 60 * minute).toISOString(), status: "open" }),
  ]);
});

test("three missed calls of one contact get one follow-up, one after another and at once", async () => {
  await start({ followUpDueMinutes: 15 });
  await tell({ ...missed, id: "a", startedAt: ago(9) });
  await settledActivities(server);
  await Promise.all([
    tell({ ...missed, id: "b", startedAt: ago(6) }),
    tell({ ...missed, id: "c", startedAt: ago(3) }),
    tell({ ...missed, id: "other", customer: "+31687654321" }),
    tell({ ...missed, id: "other-2", customer: "+31687654321" }),
  ]);
  await settledActivities(server, 5);
  expect(tasks()).toHaveLength(2);
  expect(await whyNone("b")).toBe(`the follow-up of ${key("a")} is still open`);
  const explanation = await explained("b");
  expect(explanation && explainText(explanation)).toContain("no follow-up: the follow-up of");
});

test("a follow-up that a person closed leaves room for the next one", async () => {
  await start();
  await tell({ ...missed, id: "a", startedAt: ago(9) });
  await settledActivities(server);
  edit({ status: "done" });
  await tell({ ...missed, id: "b", startedAt: ago(3) });
  await settledActivities(server, 2);
  expect(tasks()).toHaveLength(2);
});

test("calling back closes the follow-up, and explain says so", async () => {
  await start();
  await tell({ ...missed, id: "a", startedAt: ago(9) });
  await settledActivities(server);
  await tell({ id: "back", direction: "outbound", customer: piet, startedAt: ago(3) });
  await closed("a");
  expect(tasks()).toEqual([expect.objectContaining({ status: "done" })]);
  const explanation = await explained("a");
  expect(explanation?.followUp).toMatchObject({ reachedBy: key("back"), taskId: "1" });
  expect(explanation?.history.at(-1)).toMatchObject({ step: "follow-up closed", detail: { task: "1" } });
  expect(explanation && explainText(explanation)).toContain(
    `Follow-up  task 1: closed, the customer was reached in ${key("back")}`,
  );
});

test("a call that turns out to be answered closes its own follow-up, also after a restart", async () => {
  await start();
  const ended = { call_id: "a", timestamp: ago(5), version: "v2", direction: "inbound" };
  const parties = { caller: { number: piet, name: null }, destination: { number: "+31201234567" } };
  const say = (more: object) =>
    fetch(`${server.url}/webhooks/acme/voys?key=voys-secret`, {
      method: "POST",
      body: JSON.stringify({ ...ended, ...parties, ...more }),
    });
  await say({ status: "ended", reason: "no-answer" });
  await settledActivities(server);
  expect(tasks()).toHaveLength(1);
  await server.restart();
  await say({
    status: "in-progress",
    timestamp: ago(6),
    destination: { number: "+31201234567", targets: [] },
  });
  await closed("a");
  expect(tasks()).toEqual([expect.objectContaining({ status: "done" })]);
});

test("a follow-up that a person changed stays open", async () => {
  await start();
  await tell({ ...missed, id: "a", startedAt: ago(9) });
  await settledActivities(server);
  edit({ subject: "Piet wants a quote" });
  await tell({ id: "back", customer: piet, startedAt: ago(3) });
  await waitFor("the decision", async () => (await explained("a"))?.followUp?.state === "left");
  expect(tasks()).toEqual([expect.objectContaining({ status: "open" })]);
  expect((await explained("a"))?.followUp?.reason).toBe("a person changed it");
});

test.each([
  ["who was reached since, in whatever order that is told", { id: "a", startedAt: ago(9) }, /was reached in/],
  ["who called more than a day ago", { id: "a", startedAt: ago(25 * 60) }, /more than a day old/],
])("there is no follow-up for a caller %s", async (_, given, why) => {
  await start();
  await tell({ id: "back", direction: "outbound", customer: piet, startedAt: ago(3) });
  await settledActivities(server);
  await tell({ ...missed, ...given });
  await settledActivities(server, 2);
  expect(tasks()).toEqual([]);
  expect(await whyNone("a")).toMatch(why);
});

test("a caller who withheld the number is not called back", async () => {
  await start();
  await tell({ ...missed, id: "a", customer: "anonymous" });
  const [activity] = await settledActivities(server);
  expect(activity?.["subject"]).toBe("Missed call from a withheld number on +31201234567");
  expect(tasks()).toEqual([]);
});
