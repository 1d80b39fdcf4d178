import { createHash } from "node:crypto";
import { setTimeout as pause } from "node:timers/promises";
import type { Store } from "../../src/store/contract.ts";
import type { Random } from "./random.ts";
import { waitFor } from "./server.ts";
import { type CallTold, callers, kind, newCall, type OpenCall, type Step } from "./traffic-calls.ts";

/** Waits until a server has decoded and logged all that it has. */
export async function allLogged(store: Store): Promise<void> {
  await waitFor(
    "all calls to be logged",
    async () =>
      (await store.newDeliveries("acme", 1)).length === 0 && (await store.nextDue("acme")) === undefined,
    300,
  );
}

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
 * requests are given up, some come twice, some calls never end. Each of the workers has several calls under way. `url`: of
 * the next request; of a repetition, which goes to another server than the first, if there are several.
 */
export function startTraffic(
  url: (otherThan?: string) => string,
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
    const first = url();
    const stored = await send(first, target, step);
    if (stored) {
      if (step.ends) told.endStored = true;
      if (step.names) told.named = true;
      if (random.chance(repeats)) await send(url(first), target, step);
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
