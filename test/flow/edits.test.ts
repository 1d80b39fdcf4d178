import { afterEach, expect, test } from "vitest";
import type { SimulatedRequest } from "../../src/core/provider.ts";
import { explainCall } from "../../src/flow/explain/explain.ts";
import { inboundCall, scriptOf, send, sendAll, settledActivities, synced } from "../support/calls.ts";
import { writeCrm } from "../support/crm-files.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";

let server: TestServer;
afterEach(() => server.stop());

const key = "acme:retell:edited";
type Activity = Record<string, unknown>;

/** A Retell call whose `call_analyzed` (summary, sentiment) has not come yet, and that event. */
async function loggedCall(): Promise<SimulatedRequest> {
  server = await startServer();
  await synced(server);
  const script = scriptOf(server, "retell", inboundCall("retell", { id: "edited" }));
  await sendAll(server, "retell", script.slice(0, -1));
  await settledActivities(server);
  return script.at(-1) as SimulatedRequest;
}

/** What a person does to the file in an editor. */
function edit(change: (activity: Activity) => Activity | undefined): void {
  const file = server.crm();
  const activities = file.activities.flatMap((activity) => change(activity) ?? []);
  writeCrm(server.crmFile, { ...file, activities });
}

async function tell(event: SimulatedRequest, step: string): Promise<Activity[]> {
  expect((await send(server, "retell", event)).status).toBe(200);
  await waitFor(`the call to be ${step}`, async () => (await history()).at(-1)?.step === step);
  return settledActivities(server, 0);
}

async function history() {
  return (await explainCall(server.parts.flow.store, key))?.history ?? [];
}

/** What Retell might tell of the same call a second later: it was longer. */
function longer(event: SimulatedRequest): SimulatedRequest {
  const body = JSON.parse(Buffer.from(event.body).toString()) as {
    event_timestamp: number;
    call: Record<string, unknown>;
  };
  body.event_timestamp += 1_000;
  body.call["duration_ms"] = 125_000;
  return { ...event, body: Buffer.from(JSON.stringify(body)) };
}

test("a late summary only adds: everything that stood there stays as it was", async () => {
  const analyzed = await loggedCall();
  const [before] = server.crm().activities;
  expect(before).not.toHaveProperty("summary");
  const [after, ...others] = await tell(analyzed, "updated");
  expect(others).toEqual([]);
  expect(after).toEqual({
    ...before,
    summary: "The caller asked to change an appointment.",
    sentiment: expect.stringMatching(/positive/i),
  });
});

test("what a person wrote into a field stays, and the other fields follow the call", async () => {
  const analyzed = await loggedCall();
  const [before] = server.crm().activities;
  expect(before).toMatchObject({ durationSeconds: 61 });
  edit((activity) => ({ ...activity, subject: "Asked for a refund", rating: 5 }));
  const [after] = await tell(longer(analyzed), "updated");
  expect(after).toMatchObject({ subject: "Asked for a refund", rating: 5 });
  expect(after).toMatchObject({ durationSeconds: 125, summary: expect.stringContaining("appointment") });
  expect((await history()).at(-1)?.detail).toMatchObject({ kept: ["subject"] });
});

test("what a person wrote into a field that we had not filled yet stays", async () => {
  const analyzed = await loggedCall();
  edit((activity) => ({ ...activity, summary: "Mine" }));
  const [after] = await tell(analyzed, "updated");
  expect(after).toMatchObject({ summary: "Mine", sentiment: expect.anything() });
});

test.each([
  ["empties", (activity: Activity) => ({ ...activity, durationSeconds: "" })],
  ["nulls", (activity: Activity) => ({ ...activity, durationSeconds: null })],
  ["deletes", ({ durationSeconds: _, ...rest }: Activity) => rest],
])("a field that a person %s stays empty", async (_, change) => {
  const analyzed = await loggedCall();
  edit(change);
  const emptied = server.crm().activities[0]?.["durationSeconds"];
  const [after] = await tell(longer(analyzed), "updated");
  expect(after?.["durationSeconds"]).toBe(emptied);
  expect(after).toMatchObject({ summary: expect.anything() });
});

test("the contact and the owner that a person chose stay", async () => {
  const analyzed = await loggedCall();
  expect(server.crm().activities[0]).toMatchObject({ contactId: "1", ownerId: "11" });
  edit((activity) => ({ ...activity, contactId: "2", ownerId: "12" }));
  const [after] = await tell(longer(analyzed), "updated");
  expect(after).toMatchObject({ contactId: "2", ownerId: "12", durationSeconds: 125 });
});

test("an edit outlives many events and a restart", async () => {
  const analyzed = await loggedCall();
  edit((activity) => ({ ...activity, durationSeconds: 1 }));
  await tell(analyzed, "updated");
  await server.restart();
  expect((await send(server, "retell", longer(analyzed))).status).toBe(200);
  await waitFor("the second update", async () => (await history()).length === 3);
  expect((await settledActivities(server))[0]).toMatchObject({ durationSeconds: 1 });
});

test("an activity that a person deleted stays deleted", async () => {
  const analyzed = await loggedCall();
  edit(() => undefined);
  expect(await tell(analyzed, "gone")).toEqual([]);
  expect(await explainCall(server.parts.flow.store, key)).toMatchObject({
    state: "gone",
    status: "deleted in the CRM by a person; it stays deleted",
  });
  await send(server, "retell", longer(analyzed));
  expect(await settledActivities(server, 0)).toEqual([]);
  expect(await history()).toHaveLength(2);
});
