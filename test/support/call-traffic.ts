import { randomUUID } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import { type CallEvent, callKey } from "../../src/core/call.ts";
import type { Delivery, Provider, SimulatedCall, SimulatedRequest } from "../../src/core/provider.ts";
import { providers } from "../../src/providers/index.ts";
import type { Store } from "../../src/store/contract.ts";
import type { Random } from "./random.ts";
import { waitFor } from "./server.ts";

/** The providers that call, with the settings of the installation `acme`. */
export const callers: Record<string, object> = {
  voys: { secret: "voys-secret" },
  exotel: { secret: "exotel-secret" },
  retell: { apiKey: "retell-secret" },
};

const customers = [
  { number: "+919876543210", contactId: "1" },
  { number: "+31612345678", contactId: "2" },
  { number: "+31501234567", contactId: "2" },
  { number: "+14155550123", contactId: "3" },
  { number: "+447700900123", contactId: undefined },
] as const;

/** Waits until a server has decoded and logged all that it has. */
export async function allLogged(store: Store): Promise<void> {
  await waitFor(
    "all calls to be logged",
    async () =>
      (await store.newDeliveries("acme", 1)).length === 0 && (await store.nextDue("acme")) === undefined,
    300,
  );
}

/** `endStored`: the request that ends the call was acknowledged. `endTried`: it was sent at least once. */
export type CallTold = {
  key: string;
  contactId: string | undefined;
  outcome: SimulatedCall["outcome"];
  endTried: boolean;
  endStored: boolean;
  /** A request that tells the customer's number was acknowledged: without one nobody can know who called. */
  named: boolean;
  /** Every request was acknowledged. */
  complete: boolean;
};

type Step = { request: SimulatedRequest; ends: boolean; names: boolean };
type OpenCall = { told: CallTold; provider: string; steps: Step[] };

export type Traffic = {
  told: CallTold[];
  /** Requests that failed and were sent again. */
  resent: number;
  /** No new calls; resolves when the open ones are through. */
  finish(): Promise<void>;
};

/**
 * Providers that call a server which may be away: what is not acknowledged is sent again, with a fresh signature; some
 * requests are given up, some come twice, some calls never end. Each of the workers has several calls under way.
 */
export function startTraffic(url: () => string, random: Random, workers: number): Traffic {
  const traffic: Traffic = { told: [], resent: 0, finish: async () => {} };
  let finishing = false;

  const drive = async (): Promise<void> => {
    const open: OpenCall[] = [];
    for (;;) {
      while (!finishing && open.length < 4) {
        const call = newCall(random);
        traffic.told.push(call.told);
        open.push(call);
      }
      const call = open[random.below(open.length)];
      if (!call) return;
      await tell(call);
      if (call.steps.length === 0) open.splice(open.indexOf(call), 1);
      await pause(random.below(12));
    }
  };

  const tell = async ({ told, provider, steps }: OpenCall): Promise<void> => {
    const step = steps[0];
    if (!step) return;
    if (step.ends) told.endTried = true;
    const stored = await send(url(), provider, step.request);
    if (stored) {
      if (step.ends) told.endStored = true;
      if (step.names) told.named = true;
      if (random.chance(0.05)) await send(url(), provider, step.request);
    } else if (random.chance(0.97)) {
      traffic.resent += 1;
      return pause(20 + random.below(80));
    } else told.complete = false;
    steps.shift();
  };

  const running = Promise.all(Array.from({ length: workers }, drive));
  traffic.finish = async () => {
    finishing = true;
    await running;
  };
  return traffic;
}

function newCall(random: Random): OpenCall {
  const provider = random.pick(Object.keys(callers));
  const customer = random.pick(customers);
  const outcome = random.pick(["completed", "completed", "no-answer"] as const);
  const call: SimulatedCall = {
    id: `call-${randomUUID()}`,
    direction: random.pick(["inbound", "outbound"]),
    customer: customer.number,
    line: "+31201234567",
    agent: "201",
    startedAt: new Date(Date.now() - 120_000).toISOString(),
    ringSeconds: 4,
    talkSeconds: outcome === "completed" ? 61 : 0,
    outcome,
  };
  const all = kind(provider)
    .simulate.script(call)
    .map((request) => {
      const events = eventsOf(provider, request);
      const names = events.some(({ facts }) => facts.customer?.number !== undefined);
      return { request, names, ends: events.some(({ phase }) => phase === "ended") };
    });
  const steps = random.chance(0.1)
    ? all.slice(
        0,
        all.findIndex(({ ends }) => ends),
      )
    : all;
  const key = callKey("acme", provider, call.id);
  const contactId = customer.contactId;
  return {
    provider,
    steps,
    told: {
      key,
      contactId,
      outcome,
      endTried: false,
      endStored: false,
      named: false,
      complete: steps === all,
    },
  };
}

function kind(provider: string): Provider {
  return (providers as Readonly<Record<string, Provider>>)[provider] as Provider;
}

function eventsOf(provider: string, { method, headers, body }: SimulatedRequest): CallEvent[] {
  const delivery: Delivery = {
    installation: "acme",
    provider,
    receivedAt: new Date().toISOString(),
    method,
    url: "/",
    headers,
    body,
  };
  return kind(provider).decode(delivery);
}

/** Whether the server acknowledged it. */
async function send(url: string, provider: string, request: SimulatedRequest): Promise<boolean> {
  const { settings, simulate } = kind(provider);
  const path = `${url}/webhooks/acme/${provider}`;
  const { query, headers, body } = simulate.sign(request, settings.parse(callers[provider]), {
    now: Date.now(),
    url: path,
  });
  try {
    const response = await fetch(`${path}${query && `?${query}`}`, {
      method: "POST",
      headers,
      body: Buffer.from(body),
    });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    return false;
  }
}
