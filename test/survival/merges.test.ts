import { afterEach, expect, test } from "vitest";
import { settledActivities } from "../support/calls.ts";
import { type Random, seeded } from "../support/random.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
const errors: string[] = [];
const log = { error: (_: object, sentence: string) => errors.push(sentence) };
afterEach(async () => {
  await server.stop();
  errors.length = 0;
});

type Told = { call_id: string; status: string; merged_id?: string; at: number };

async function send({ at, ...told }: Told): Promise<void> {
  const ended = told.status === "ended" && { reason: "completed" };
  const people = { caller: { number: "+31612345678" }, destination: { number: "+31201234567" } };
  const timestamp = new Date(Date.UTC(2026, 0, 1) + at * 1000).toISOString();
  const response = await fetch(`${server.url}/webhooks/acme/voys?key=voys-secret`, {
    method: "POST",
    body: JSON.stringify({ ...told, ...ended, ...people, timestamp, direction: "inbound", version: "v2" }),
  });
  expect(response.status).toBe(200);
}

/** What a telephone exchange in a bad state says of one call: five legs that merge in circles, times at random. */
function circles(prefix: string, random: Random): Told[] {
  const legs = ["a", "b", "c", "d", "e"].map((name) => `${prefix}-${name}`);
  const joined = legs
    .slice(1)
    .map((leg, i) => ({ call_id: leg, merged_id: legs[i] ?? "", status: "warm-transfer" }));
  const more = Array.from({ length: 12 }, () => ({
    call_id: random.pick(legs),
    merged_id: random.pick(legs),
    status: "warm-transfer",
  }));
  const ends = legs.map((leg) => ({ call_id: leg, status: "ended" }));
  const told = [...joined, ...more, ...ends].map((one) => ({ ...one, at: random.below(1_000) }));
  return told
    .map((one) => ({ one, place: random.below(1_000) }))
    .sort((a, b) => a.place - b.place)
    .map(({ one }) => one);
}

test("legs that merge in circles, in any order, end as one activity for each call", async () => {
  server = await startServer({ log });
  const calls = Array.from({ length: 60 }, (_, i) => circles(`call${i}`, seeded(i)));
  const longest = Math.max(...calls.map(({ length }) => length));
  for (let step = 0; step < longest; step++) {
    await Promise.all(calls.flatMap((told) => told.slice(step, step + 1).map(send)));
    if (step % 4 === 0) await settledActivities(server, 0);
  }
  const activities = await settledActivities(server, calls.length);
  const calledBy = activities.map(({ key }) => String(key).replace(/^acme:voys:|-\w$/g, ""));
  expect(calledBy.sort()).toEqual(calls.map((_, i) => `call${i}`).sort());
  expect(errors).toEqual([]);
});
