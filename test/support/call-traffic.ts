import { createHash, randomUUID } from "node:crypto";
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
  installation: string;
  key: string;
  /** A second leg that merges with the call: one of the two keys is the call's. */
  legKey?: string;
  contactId: string | undefined;
  outcome: SimulatedCall["outcome"];
  endTried: boolean;
  endStored: boolean;
  /** A request that tells the customer's number was acknowledged: without one nobody can know who called. */
  named: boolean;
  /** Every request was acknowledged. */
  complete: boolean;
};

type Step = { request: SimulatedRequest; ends: boolean; names: boolean; isQuestion?: boolean };
type OpenCall = { told: CallTold; provider: string; steps: Step[] };

/** A request and how it ended. `status`: 0 without an answer. `hash`: of its body. */
export type Sent = {
  installation: string;
  url: string;
  at: number;
  ms: number;
  status: number;
  retryAfter: string | null;
  hash: string;
  isQuestion: boolean;
};

/**
 * `strangers`: a part of the calls, each from a number of its own. `repeats`, `shuffled`, `merged`: parts of all, of requests that
 * come twice, of calls whose requests come in any order, and of calls of two legs. `sent`: called after each request.
 */
export type TrafficOptions = {
  installations?: readonly string[];
  strangers?: number;
  repeats?: number;
  shuffled?: number;
  merged?: number;
  sent?: (request: Sent) => void;
};

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
export function startTraffic(
  url: () => string,
  random: Random,
  workers: number,
  options: TrafficOptions = {},
): Traffic {
  const { repeats = 0.05, sent } = options;
  const traffic: Traffic = { told: [], resent: 0, finish: async () => {} };
  let finishing = false;

  const drive = async (): Promise<void> => {
    const open: OpenCall[] = [];
    for (;;) {
      while (!finishing && open.length < 4) {
        const call = newCall(random, options);
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
    const { installation } = told;
    const target = { installation, provider, ...(sent && { sent }) };
    const stored = await send(url(), target, step);
    if (stored) {
      if (step.ends) told.endStored = true;
      if (step.names) told.named = true;
      if (random.chance(repeats)) await send(url(), target, step);
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

function newCall(random: Random, options: TrafficOptions): OpenCall {
  const { installations = ["acme"], strangers = 0, shuffled = 0, merged = 0 } = options;
  const installation = installations.length > 1 ? random.pick(installations) : (installations[0] ?? "");
  if (merged > 0 && random.chance(merged)) return mergedCall(installation);
  const provider = random.pick(Object.keys(callers));
  const customer =
    strangers > 0 && random.chance(strangers)
      ? { number: strangeNumber(), contactId: undefined }
      : random.pick(customers);
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
  const all = stepsOf(provider, kind(provider).simulate.script(call));
  const steps = random.chance(0.1)
    ? all.slice(
        0,
        all.findIndex(({ ends }) => ends),
      )
    : all;
  const key = callKey(installation, provider, call.id);
  const contactId = customer.contactId;
  const isComplete = steps === all;
  return {
    provider,
    steps: shuffled > 0 && random.chance(shuffled) ? inAnyOrder(steps, random) : steps,
    told: {
      installation,
      key,
      contactId,
      outcome,
      endTried: false,
      endStored: false,
      named: false,
      complete: isComplete,
    },
  };
}

/** Two legs of Voys, which merge and then end. */
function mergedCall(installation: string): OpenCall {
  const [first, second] = [`call-${randomUUID()}`, `call-${randomUUID()}`];
  const people = { caller: { number: "+31612345678" }, destination: { number: "+31201234567" } };
  const told = [
    { call_id: first, status: "in-progress" },
    { call_id: second, status: "in-progress" },
    { call_id: second, merged_id: first, status: "warm-transfer" },
    { call_id: first, status: "ended", reason: "completed" },
    { call_id: second, status: "ended", reason: "completed" },
  ];
  const requests = told.map((one, i): SimulatedRequest => {
    const timestamp = new Date(Date.now() - 120_000 + i * 1_000).toISOString();
    const body = JSON.stringify({ ...one, ...people, timestamp, direction: "inbound", version: "v2" });
    const headers = { "content-type": "application/json" };
    return { afterSeconds: i, method: "POST", query: "", headers, body: Buffer.from(body) };
  });
  return {
    provider: "voys",
    steps: stepsOf("voys", requests),
    told: {
      installation,
      key: callKey(installation, "voys", first),
      legKey: callKey(installation, "voys", second),
      contactId: "2",
      outcome: "completed",
      endTried: false,
      endStored: false,
      named: false,
      complete: true,
    },
  };
}

function stepsOf(provider: string, requests: readonly SimulatedRequest[]): Step[] {
  return requests.map((request) => {
    const events = eventsOf(provider, request);
    const names = events.some(({ facts }) => facts.customer?.number !== undefined);
    const isQuestion = Buffer.from(request.body).includes("call_inbound");
    return { request, names, isQuestion, ends: events.some(({ phase }) => phase === "ended") };
  });
}

let strangersSoFar = 0;

/** A British mobile number that no other call has. */
function strangeNumber(): string {
  strangersSoFar += 1;
  return `+447400${100_000 + strangersSoFar}`;
}

function inAnyOrder<T>(items: readonly T[], random: Random): T[] {
  return items
    .map((item) => ({ item, place: random.below(1_000_000) }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
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

type Target = { installation: string; provider: string; sent?: (request: Sent) => void };

/** Providers wait about as long for an answer. */
const patienceMs = 10_000;

/** Whether the server acknowledged it. */
async function send(url: string, target: Target, { request, isQuestion = false }: Step): Promise<boolean> {
  const { installation, provider, sent } = target;
  const { settings, simulate } = kind(provider);
  const path = `${url}/webhooks/${installation}/${provider}`;
  const at = Date.now();
  const { query, headers, body } = simulate.sign(request, settings.parse(callers[provider]), {
    now: at,
    url: path,
  });
  const response = await fetch(`${path}${query && `?${query}`}`, {
    method: "POST",
    headers,
    body: Buffer.from(body),
    signal: AbortSignal.timeout(patienceMs),
  })
    .then(async (answer) => {
      await answer.arrayBuffer();
      return answer;
    })
    .catch(() => undefined);
  sent?.({
    ...{ installation, url, at, ms: Date.now() - at, isQuestion },
    status: response?.status ?? 0,
    retryAfter: response?.headers.get("retry-after") ?? null,
    hash: createHash("md5").update(body).digest("hex"),
  });
  return response?.ok === true;
}
