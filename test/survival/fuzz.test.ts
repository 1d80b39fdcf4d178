import { setTimeout as pause } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { inboundCall, type ProviderId, scriptOf, sendAll } from "../support/calls.ts";
import { hostileRequests } from "../support/hostile-requests.ts";
import { seeded } from "../support/random.ts";
import { rounds } from "../support/rounds.ts";
import { publicUrl, startServer, type TestServer, waitFor } from "../support/server.ts";
import { openWire } from "../support/wire.ts";

const requestsInHalf = rounds({ whole: 52_000, short: 2_500 });
const connections = 16;
/** What the second half may add to what is in memory after the first: half a kilobyte a request, and some leeway. */
const growthMb = 5 + requestsInHalf / 2_600;

let server: TestServer;
let next: ReturnType<typeof hostileRequests>;
const errors: { facts: object; sentence: string }[] = [];
const bugs: unknown[] = [];
const note = (error: unknown) => bugs.push(error);

beforeAll(async () => {
  process.on("unhandledRejection", note);
  process.on("uncaughtExceptionMonitor", note);
  server = await startServer({ log: { error: (facts, sentence) => errors.push({ facts, sentence }) } });
  const configured = server.parts.installations.get("acme")?.providers ?? {};
  next = hostileRequests(configured, publicUrl, seeded(26), 3_000);
});
afterAll(async () => {
  await server.stop();
  process.off("unhandledRejection", note);
  process.off("uncaughtExceptionMonitor", note);
});

/** Sends hostile requests from several connections; how often each status came, and the requests that went wrong. */
async function attack(): Promise<{ statuses: Map<number, number>; wrong: string[] }> {
  const statuses = new Map<number, number>();
  const wrong: string[] = [];
  let left = requestsInHalf;
  const drive = async (): Promise<void> => {
    const wire = openWire(Number(new URL(server.url).port));
    while (left-- > 0) {
      const request = next();
      const status = await wire.exchange(request);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status === 0 || status >= 500)
        wrong.push(`${status}: ${request.bytes.toString("latin1").slice(0, 1_500)}`);
    }
    wire.close();
  };
  await Promise.all(Array.from({ length: connections }, drive));
  return { statuses, wrong };
}

async function expectDigested(): Promise<void> {
  const { store } = server.parts.flow;
  const digested = async () => errors.length > 0 || (await store.newDeliveries("acme", 1)).length === 0;
  await waitFor("all deliveries to be decoded", digested, 60);
  expect(errors.slice(0, 5)).toEqual([]);
  const faults = (await store.unusedDeliveries(200_000)).filter(({ state }) => state === "fault");
  expect(faults.slice(0, 5), `${faults.length} deliveries that \`read\` took and \`decode\` did not`).toEqual(
    [],
  );
  await waitFor("all calls to be logged", async () => (await store.nextDue("acme")) === undefined, 60);
  expect(errors.slice(0, 5)).toEqual([]);
  expect(bugs).toEqual([]);
}

setFlagsFromString("--expose-gc");
const collectGarbage = runInNewContext("gc") as () => void;

/** What stays in memory. What the store's threads sent lately goes only some time after nobody has it any more. */
async function usedMb(): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let looks = rounds({ whole: 10, short: 4 }); looks > 0; looks -= 1) {
    await pause(200);
    collectGarbage();
    const { heapUsed, external } = process.memoryUsage();
    least = Math.min(least, (heapUsed + external) / 1_048_576);
  }
  return least;
}

test.each(["first", "second"])(
  `the %s ${requestsInHalf} hostile requests: no 5xx, no crash, nothing stuck`,
  async () => {
    const { statuses, wrong } = await attack();
    expect(wrong.slice(0, 3), `${wrong.length} of them`).toEqual([]);
    // Most get past `verify` and `read`, or this would be no test of what comes after.
    expect(statuses.get(200)).toBeGreaterThan(requestsInHalf * 0.6);
    expect(statuses.get(400)).toBeGreaterThan(requestsInHalf * 0.05);
    await expectDigested();
    memory.push(await usedMb());
  },
  600_000,
);

const memory: number[] = [];

test("memory does not grow with the number of requests", () => {
  const [first = 0, second = 0] = memory;
  expect(second - first, `${first} MB, then ${second} MB`).toBeLessThan(growthMb);
});

test("nothing got into the prototypes", () => {
  expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
  expect(Object.keys(Object.prototype)).toEqual([]);
});

test.each(["exotel", "voys", "retell", "bird"] as const satisfies ProviderId[])(
  "an ordinary call of %s is logged right afterwards",
  async (provider) => {
    const call = inboundCall(provider);
    await sendAll(server, provider, scriptOf(server, provider, call));
    const key = `acme:${provider}:${call.id}`;
    const activity = await waitFor(
      "the call",
      () => server.crm().activities.find((one) => one["key"] === key),
      20,
    );
    expect(activity).toMatchObject({ contactId: "1", outcome: "completed", durationSeconds: 61 });
  },
);
