import { randomUUID } from "node:crypto";
import { type CallEvent, callKey } from "../../src/core/call.ts";
import { fold } from "../../src/core/fold.ts";
import type { Delivery, Provider, SimulatedCall, SimulatedRequest } from "../../src/core/provider.ts";
import { providers } from "../../src/providers/index.ts";
import type { Random } from "./random.ts";

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
  /** A request that tells the customer's number was acknowledged: without one it cannot be known who called. */
  named: boolean;
  /** Every request was acknowledged. */
  complete: boolean;
  /** The conversation, when all of its requests are known. */
  talkSeconds?: number | undefined;
};

export type Step = {
  request: SimulatedRequest;
  events: CallEvent[];
  ends: boolean;
  names: boolean;
  isQuestion?: boolean;
};
export type OpenCall = { told: CallTold; provider: string; steps: Step[] };

/** `strangers`, `shuffled`, `merged`: parts of all calls, see `TrafficOptions`. */
type CallOptions = {
  installations?: readonly string[];
  strangers?: number;
  shuffled?: number;
  merged?: number;
};

export function newCall(random: Random, options: CallOptions): OpenCall {
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
      talkSeconds: fold(all.flatMap(({ events }) => events)).talkSeconds,
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
    return { request, events, names, isQuestion, ends: events.some(({ phase }) => phase === "ended") };
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

export function kind(provider: string): Provider {
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
