import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  inboundCall,
  type ProviderId,
  scriptOf,
  send,
  sendAll,
  settledActivities,
  synced,
} from "../support/calls.ts";
import { startServer, type TestServer } from "../support/server.ts";

const providers: ProviderId[] = ["exotel", "retell", "bird", "voys"];
let server: TestServer;

beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.stop());

describe.each(providers)("a call from %s over HTTP", (provider) => {
  const call = inboundCall(provider);
  const expected = { contactId: "1", ownerId: "11", outcome: "completed", direction: "inbound" };

  test("ends as one activity with its contact and owner", async () => {
    const statuses = await sendAll(server, provider, scriptOf(server, provider, call));
    expect(new Set(statuses)).toEqual(new Set([200]));
    const activities = await settledActivities(server);
    expect(activities).toEqual([expect.objectContaining(expected)]);
    expect(activities[0]?.["key"]).toBe(`acme:${provider}:${call.id}`);
  });

  test("is the same activity when everything is sent twice and backwards", async () => {
    const requests = scriptOf(server, provider, call);
    await sendAll(server, provider, [...requests].reverse());
    await settledActivities(server);
    await sendAll(server, provider, requests);
    expect(await settledActivities(server)).toEqual([expect.objectContaining(expected)]);
  });

  test("that nobody answers is logged as missed, for the contact's owner", async () => {
    const missed = {
      ...inboundCall(provider),
      outcome: "no-answer",
      talkSeconds: 0,
      customer: "+31501234567",
    } as const;
    await sendAll(server, provider, scriptOf(server, provider, missed));
    const activities = await settledActivities(server);
    expect(activities).toEqual([
      expect.objectContaining({ contactId: "2", ownerId: "12", outcome: "no-answer" }),
    ]);
  });

  test("is refused without its proof, and leaves nothing behind", async () => {
    const [request] = scriptOf(server, provider, call);
    const response = await fetch(`${server.url}/webhooks/acme/${provider}`, {
      method: "POST",
      headers: request?.headers ?? {},
      body: Buffer.from(request?.body ?? ""),
    });
    expect(response.status).toBe(401);
    expect(await server.parts.flow.store.newDeliveries("acme", 1)).toEqual([]);
  });
});

describe("the question of a Retell agent", () => {
  const ask = async (customer: string) => {
    const [question] = scriptOf(server, "retell", inboundCall("retell", { customer, agent: "agent_front" }));
    if (!question) throw new Error("no question");
    const response = await send(server, "retell", question);
    return (await response.json()) as { call_inbound: Record<string, unknown> };
  };

  test("is answered with the agent of the contact's owner, and what is known about the caller", async () => {
    // Who the owners are is known after the first sync.
    await synced(server);
    const { call_inbound } = await ask("+31501234567");
    expect(call_inbound).toMatchObject({
      override_agent_id: "agent_noor",
      dynamic_variables: { customer_name: "Piet de Vries", owner_name: "Noor Bakker" },
      metadata: { contact_id: "2" },
    });
  });

  test("is answered with the default agent for a stranger", async () => {
    const { call_inbound } = await ask("+31612340000");
    expect(call_inbound["override_agent_id"]).toBe("agent_front");
  });
});

describe("the door", () => {
  const post = (path: string, init: RequestInit = {}) =>
    fetch(`${server.url}${path}`, { method: "POST", body: "{}", ...init });

  test.each([
    ["an unknown installation", "/webhooks/nobody/voys?key=voys-secret", {}, 404],
    ["an unknown provider", "/webhooks/acme/fax", {}, 404],
    ["a name from the prototype", "/webhooks/acme/constructor", {}, 404],
    ["another method", "/webhooks/acme/voys?key=voys-secret", { method: "PUT" }, 405],
    [
      "a compressed body",
      "/webhooks/acme/voys?key=voys-secret",
      { headers: { "content-encoding": "gzip" } },
      415,
    ],
    ["a body that is not JSON", "/webhooks/acme/voys?key=voys-secret", { body: "nonsense" }, 400],
    ["a body that is too large", "/webhooks/acme/voys?key=voys-secret", { body: "x".repeat(5_300_000) }, 413],
  ])("turns away %s", async (_, path, init, status) => {
    const response = await post(path, init);
    expect(response.status).toBe(status);
    expect(await response.json()).toEqual({ error: expect.stringMatching(/\w+ \w+/) });
  });
});
