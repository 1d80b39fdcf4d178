import { randomUUID } from "node:crypto";
import type { SimulatedCall, SimulatedRequest } from "../../src/core/provider.ts";
import { publicUrl, type TestServer, waitFor } from "./server.ts";

export type ProviderId = "exotel" | "retell" | "bird" | "voys";

/** Ravi, as each provider knows him. */
const ravi: Record<ProviderId, string> = { exotel: "ravi", voys: "201", bird: "ravi", retell: "agent_ravi" };

export function inboundCall(provider: ProviderId, given: Partial<SimulatedCall> = {}): SimulatedCall {
  return {
    id: `call-${randomUUID()}`,
    direction: "inbound",
    customer: "+919876543210",
    line: "+31201234567",
    agent: ravi[provider],
    startedAt: new Date(Date.now() - 90_000).toISOString(),
    ringSeconds: 4,
    talkSeconds: 61,
    outcome: "completed",
    ...given,
  };
}

export function scriptOf(server: TestServer, provider: ProviderId, call: SimulatedCall): SimulatedRequest[] {
  return configured(server, provider).provider.simulate.script(call);
}

/** A request with a JSON body. */
export function jsonRequest(content: object): SimulatedRequest {
  const headers = { "content-type": "application/json" };
  return { afterSeconds: 0, method: "POST", query: "", headers, body: Buffer.from(JSON.stringify(content)) };
}

/** Sends one request as the provider would, with its proof. */
export function send(server: TestServer, provider: ProviderId, request: SimulatedRequest): Promise<Response> {
  const { provider: kind, settings } = configured(server, provider);
  const path = `/webhooks/acme/${provider}`;
  const signed = kind.simulate.sign(request, settings, { now: Date.now(), url: `${publicUrl}${path}` });
  return fetch(`${server.url}${path}${signed.query ? `?${signed.query}` : ""}`, {
    method: signed.method,
    headers: signed.headers,
    ...(signed.method === "POST" && { body: Buffer.from(signed.body) }),
  });
}

/** Sends the requests one after another and returns the statuses. */
export async function sendAll(
  server: TestServer,
  provider: ProviderId,
  requests: readonly SimulatedRequest[],
): Promise<number[]> {
  const statuses: number[] = [];
  for (const request of requests) statuses.push((await send(server, provider, request)).status);
  return statuses;
}

/** Waits until the contact index knows what the CRM knows. */
export async function synced({ parts }: TestServer): Promise<void> {
  const { store } = parts.flow;
  await waitFor("the contacts", async () => (await store.syncState("acme")).finishedAt);
}

/** Waits until nothing is left to decode or to log, and returns the activities of the CRM file. */
export async function settledActivities(server: TestServer, least = 1) {
  const { store } = server.parts.flow;
  await waitFor("all calls to be logged", async () => {
    const waiting = await store.newDeliveries("acme", 1);
    const due = await store.nextDue("acme");
    return waiting.length === 0 && due === undefined && server.crm().activities.length >= least;
  });
  return server.crm().activities;
}

function configured({ parts }: TestServer, provider: ProviderId) {
  const found = parts.installations.get("acme")?.providers[provider];
  if (!found) throw new Error(`acme has no ${provider}`);
  return found;
}
