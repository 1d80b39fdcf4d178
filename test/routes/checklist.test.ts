import { afterAll, beforeAll, expect, test } from "vitest";
import type { Checklist, TestWebhook } from "../../src/routes/checklist.ts";
import { inboundCall, scriptOf, sendAll, settledActivities, synced } from "../support/calls.ts";
import { startProxy } from "../support/proxy.ts";
import { startServer, type TestServer, waitFor } from "../support/server.ts";
import type { Upstream } from "../support/upstream.ts";

let server: TestServer;
let proxy: Upstream;
beforeAll(async () => {
  proxy = await startProxy((): string => server.url);
  server = await startServer({
    file: { publicUrl: proxy.url },
    environment: { SWITCHHOOK_ADMIN_TOKEN: "the-token-of-the-tests" },
  });
});
afterAll(async () => {
  await server.stop();
  await proxy.stop();
});

async function checklist(): Promise<Checklist> {
  return (await (await fetch(`${server.url}/api/installations/acme/checklist`)).json()) as Checklist;
}

const provider = async (id: string) => (await checklist()).providers.find((one) => one.id === id);

async function sendTest(id: string): Promise<TestWebhook> {
  const response = await fetch(`${server.url}/api/installations/acme/providers/${id}/test`, {
    method: "POST",
  });
  return (await response.json()) as TestWebhook;
}

test("starts with all that is to do, and gives administrators the addresses with our secret", async () => {
  const { providers, logged, total } = await checklist();
  expect([logged.state, total]).toEqual(["open", 8]);
  expect(providers.map(({ id, state }) => [id, state])).toEqual([
    ["exotel", "open"],
    ["voys", "open"],
    ["retell", "open"],
    ["bird", "open"],
  ]);
  expect(providers[1]?.url).toBe(`${proxy.url}/webhooks/acme/voys?key=voys-secret`);
});

test.each(["exotel", "voys", "retell", "bird"])(
  "a test of %s goes through the public address, and logs nothing",
  async (id) => {
    const { status, understood, problem } = await sendTest(id);
    expect({ status, problem }).toEqual({ status: 200, problem: undefined });
    expect(understood?.events).toBeGreaterThan(0);
    expect(understood?.direction).toBe("inbound");
    expect(await server.parts.flow.store.calls({ limit: 1 })).toEqual([]);
    expect((await provider(id))?.state).toBe("open");
  },
);

test("a test header without our proof makes nothing of it: the webhook is taken as any other", async () => {
  const [first] = scriptOf(server, "voys", inboundCall("voys", { id: "forged" }));
  const url = `${server.url}/webhooks/acme/voys?key=voys-secret`;
  const headers = { ...first?.headers, "switchhook-test": `${Date.now()}.0000` };
  const response = await fetch(url, { method: "POST", headers, body: Buffer.from(first?.body ?? "") });
  expect(await response.json()).toEqual({ ok: true });
  await waitFor("the call", async () => (await server.parts.flow.store.calls({ limit: 1 })).length === 1);
});

test("a refused webhook is shown with its reason and how often, until a good one comes", async () => {
  const refuse = () =>
    fetch(`${server.url}/webhooks/acme/exotel?key=wrong-secret`, { method: "POST", body: "{}" });
  expect((await refuse()).status).toBe(401);
  await refuse();
  const shown = await waitFor("the refusals", async () => {
    const one = await provider("exotel");
    return one?.refused && one;
  });
  expect(shown).toMatchObject({ state: "problem", refused: { status: 401, count: 2 } });
  expect(shown.refused?.reason).toContain("secret");
  expect((await provider("bird"))?.refused).toBeUndefined();
  await sendAll(server, "exotel", scriptOf(server, "exotel", inboundCall("exotel", { id: "good" })));
  await settledActivities(server, 1);
  expect(await provider("exotel")).toMatchObject({ state: "done", lastCallAt: expect.any(String) });
  expect((await checklist()).logged).toMatchObject({ state: "done", calls: 1 });
});

test("strangers' webhooks for what is not set up are not noted", async () => {
  await fetch(`${server.url}/webhooks/other/voys`, { method: "POST", body: "{}" });
  await fetch(`${server.url}/webhooks/acme/constructor`, { method: "POST", body: "{}" });
  await server.parts.refusals.stop();
  expect(await server.parts.flow.store.refusals("other")).toEqual([]);
  expect((await server.parts.flow.store.refusals("acme")).map((one) => one.provider)).toEqual(["exotel"]);
});

test("contacts are done after the first sync, and the CRM is checked on request", async () => {
  await synced(server);
  expect((await checklist()).contacts).toMatchObject({ state: "done", indexed: 2 });
  const response = await fetch(`${server.url}/api/installations/acme/check`, { method: "POST" });
  const { checks } = (await response.json()) as { checks: { check: string; faults: object[] }[] };
  expect(checks.map(({ check, faults }) => [check, faults])).toEqual([
    ["acme: local", []],
    ["acme: local fields", []],
  ]);
});

test("a public address that leads nowhere is said to, with the reason", async () => {
  const lost = await startServer({
    file: { publicUrl: "http://127.0.0.1:9" },
    environment: { SWITCHHOOK_ADMIN_TOKEN: "the-token-of-the-tests" },
  });
  try {
    const response = await fetch(`${lost.url}/api/installations/acme/providers/voys/test`, {
      method: "POST",
    });
    const result = (await response.json()) as TestWebhook;
    expect(result.status).toBeUndefined();
    expect(result.problem).toMatch(/ECONNREFUSED|bad port|refused/);
    const unknown = await fetch(`${lost.url}/api/installations/acme/providers/other/test`, {
      method: "POST",
    });
    expect(unknown.status).toBe(404);
  } finally {
    await lost.stop();
  }
});
