import { afterEach, describe, expect, test } from "vitest";
import type { SimulatedRequest } from "../../src/core/provider.ts";
import { explainCall } from "../../src/flow/explain/explain.ts";
import {
  inboundCall,
  jsonRequest,
  scriptOf,
  send,
  sendAll,
  settledActivities,
  synced,
} from "../support/calls.ts";
import { type ServerOptions, startServer, type TestServer, waitFor } from "../support/server.ts";

let server: TestServer;
afterEach(() => server.stop());

async function start(options: ServerOptions = {}): Promise<void> {
  server = await startServer(options);
  await synced(server);
}

function retellScript(id: string): SimulatedRequest[] {
  return scriptOf(server, "retell", inboundCall("retell", { id }));
}

async function explain(key: string) {
  const explanation = await explainCall(server.parts.flow.store, key);
  if (!explanation) throw new Error(`no call ${key}`);
  return explanation;
}

describe("the pause after a call", () => {
  test("lets late facts ride along in one write", async () => {
    await start({ settings: { settleSeconds: 1 } });
    await sendAll(server, "retell", retellScript("patient"));
    await waitFor(
      "the call to be over",
      async () => (await explainCall(server.parts.flow.store, "acme:retell:patient"))?.state === "waiting",
    );
    expect(server.crm().activities).toEqual([]);
    const [activity] = await settledActivities(server);
    expect(activity).toMatchObject({ durationSeconds: 61, summary: expect.any(String) });
    const { history, nextTryAt } = await explain("acme:retell:patient");
    expect(history.map(({ step }) => step)).toEqual(["created"]);
    expect(nextTryAt).toBeUndefined();
  });

  test("is not drawn out by facts that keep coming", async () => {
    await start({ settings: { settleSeconds: 60 } });
    const script = retellScript("chatty");
    const due = async () => (await explainCall(server.parts.flow.store, "acme:retell:chatty"))?.nextTryAt;
    await sendAll(server, "retell", script.slice(0, -1));
    const first = await waitFor("the end", due);
    await sendAll(server, "retell", script.slice(-1));
    await waitFor("the summary", async () => (await explain("acme:retell:chatty")).call.summary);
    expect(await due()).toBe(first);
  });

  test("a call that is not over is not logged", async () => {
    await start();
    const script = retellScript("talking");
    await sendAll(server, "retell", script.slice(0, 2));
    await waitFor("the call", () => explainCall(server.parts.flow.store, "acme:retell:talking"));
    expect(await settledActivities(server, 0)).toEqual([]);
    await sendAll(server, "retell", script.slice(2));
    expect(await settledActivities(server)).toHaveLength(1);
  });
});

describe("a call that grows after it was logged", () => {
  test("is updated, and only what is new is written", async () => {
    await start();
    const script = retellScript("grows");
    await sendAll(server, "retell", script.slice(0, -1));
    await settledActivities(server);
    await sendAll(server, "retell", script.slice(-1));
    const activities = await settledActivities(server);
    expect(activities).toHaveLength(1);
    const { history } = await explain("acme:retell:grows");
    expect(history.map(({ step }) => step)).toEqual(["created", "updated"]);
    const wrote = history[1]?.detail["wrote"] ?? {};
    expect(Object.keys(wrote).sort()).toEqual(["sentiment", "summary"]);
  });

  test("is left alone when an event says nothing new", async () => {
    await start();
    const script = retellScript("same");
    await sendAll(server, "retell", script);
    await settledActivities(server);
    const { history, call } = await explain("acme:retell:same");
    await sendAll(server, "retell", script);
    await settledActivities(server);
    const after = await explain("acme:retell:same");
    expect(after.history).toEqual(history);
    expect(after.call.revision).toBe(call.revision);
  });
});

describe("a transfer that merges a leg which is logged already", () => {
  const outsider = (number: string) => ({ number, name: null, account_number: null, user_numbers: [] });
  const colleague = (account: number) => ({
    number: "+31201234567",
    account_number: account,
    user_numbers: [],
  });

  async function tell(about: object, second: number): Promise<void> {
    const timestamp = new Date(Date.now() - 300_000 + second * 1_000).toISOString();
    const response = await send(server, "voys", jsonRequest({ version: "v2", timestamp, ...about }));
    expect(response.status).toBe(200);
  }

  const call = { call_id: "call", direction: "inbound", caller: outsider("+919876543210") };
  const consult = { call_id: "consult", direction: "outbound", caller: colleague(201) };
  const line = { number: "+31201234567", target: colleague(201) };
  const partner = { number: "+31612345678", target: outsider("+31612345678") };

  test("takes the leg's activity back: the surviving call is the only one", async () => {
    await start();
    await tell({ ...call, status: "in-progress", destination: line }, 0);
    await tell({ ...consult, status: "in-progress", destination: partner }, 10);
    await tell({ ...consult, status: "ended", reason: "completed", destination: partner }, 20);
    expect((await settledActivities(server)).map(({ key }) => key)).toEqual(["acme:voys:consult"]);
    await tell({ ...call, merged_id: "consult", status: "warm-transfer", destination: partner }, 21);
    await tell({ ...call, status: "ended", reason: "completed", destination: line }, 60);
    await waitFor("the merged call", () =>
      server.crm().activities.some(({ key }) => key === "acme:voys:call"),
    );
    const activities = await settledActivities(server);
    expect(activities).toEqual([
      expect.objectContaining({ key: "acme:voys:call", contactId: "1", direction: "inbound" }),
    ]);
    const leg = await explain("acme:voys:consult");
    expect(leg).toMatchObject({ state: "merged", mergedInto: "acme:voys:call" });
    expect(leg.history.map(({ step }) => step)).toEqual(["created", "removed"]);
  });
});
