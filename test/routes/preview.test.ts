import { afterEach, beforeEach, expect, test } from "vitest";
import { inboundCall, scriptOf, sendAll, settledActivities } from "../support/calls.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer;
beforeEach(async () => {
  server = await startServer();
});
afterEach(() => server.stop());

const loops = "{% for i in (1..300) %}{% for j in (1..300) %}{{ j }}{% endfor %}{% endfor %}";
const wildFields = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`f${index}`, { text: loops }]));
const wild = { crm: "local", activity: { subject: { text: "{{ call.kind }}!" }, ...wildFields(20) } };

type Answer = {
  calls: { key: string; changes: object[]; limited?: { field: string; why: string }[] }[];
  stopped?: string;
  error: string;
};

function preview(mapping: object): Promise<Response> {
  return fetch(`${server.url}/api/installations/acme/mapping?preview=1`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(mapping),
  });
}

async function logCalls(count: number): Promise<void> {
  for (let index = 0; index < count; index += 1)
    await sendAll(server, "voys", scriptOf(server, "voys", inboundCall("voys", { id: `call-${index}` })));
  await settledActivities(server, count);
}

/** How long this thread was busy without a break while something was done, at most, and how long all of it took. */
async function stretches(work: () => Promise<unknown>): Promise<{ longest: number; all: number }> {
  const start = performance.now();
  let [longest, before] = [0, start];
  let timer = setImmediate(function turn() {
    const now = performance.now();
    longest = Math.max(longest, now - before);
    before = now;
    timer = setImmediate(turn);
  });
  await work();
  clearImmediate(timer);
  return { longest, all: performance.now() - start };
}

test("a preview names the fields whose texts run into a limit, and why", async () => {
  await logCalls(1);
  const response = await preview(wild);
  expect(response.status).toBe(200);
  const { calls } = (await response.json()) as Answer;
  expect(calls[0]?.changes).toContainEqual(
    expect.objectContaining({ field: "subject", after: "Inbound call!" }),
  );
  expect(calls[0]?.limited).toHaveLength(20);
  expect(calls[0]?.limited?.[0]).toEqual({
    field: "activity.f0",
    why: expect.stringMatching(/ran into a limit: .*10,000 steps.*To do: make its loops fewer or shorter/),
  });
});

test("a preview of many calls stops where it has spent enough, and says so", async () => {
  await logCalls(12);
  const { calls, stopped } = (await (await preview(wild)).json()) as Answer;
  expect(calls).toHaveLength(10);
  expect(stopped).toMatch(/only 10 of 12 calls are shown: see `limited`/);
});

test("the thread that serves goes on while a preview is made", async () => {
  await logCalls(12);
  const shares: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const { longest, all } = await stretches(() => preview(wild));
    shares.push(longest / all);
  }
  // More than half of it is one stretch when it is done on this thread.
  expect(Math.min(...shares)).toBeLessThan(0.4);
});

/** Calls of an AI agent, each with a transcript of so many characters. */
async function logLongCalls(count: number, characters: number, words = "hello there "): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const transcript = `User: ${index} ${words.repeat(characters / 12)}`;
    for (const request of scriptOf(server, "retell", inboundCall("retell", { id: `long-${index}` }))) {
      const body = JSON.parse(Buffer.from(request.body).toString());
      if (body.call) body.call.transcript = transcript;
      await sendAll(server, "retell", [{ ...request, body: Buffer.from(JSON.stringify(body)) }]);
    }
  }
  await settledActivities(server, count);
}

const transcripts = (count: number) => ({
  crm: "local",
  activity: Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`f${index}`, { from: "call.transcript" }]),
  ),
});

test("a preview shows the beginning of a long value, and says that it is cut", async () => {
  await logLongCalls(2, 300_000);
  const text = await (await preview(transcripts(200))).text();
  // Four of 200,000 characters and 196 reasons a call.
  expect(text.length).toBeLessThan(2 * (4 * 2_200 + 196 * 500 + 5_000));
  const { calls } = JSON.parse(text) as Answer;
  expect(calls.map(({ limited }) => limited?.length)).toEqual([196, 196]);
  const [first] = calls[0]?.changes.filter((change) => "after" in change) ?? [];
  expect(first).toEqual({
    field: "f0",
    after: expect.stringMatching(/^User: 1 (hello there )+.*…$/),
    cut: true,
    write: "always",
  });
  expect((first as { after: string }).after).toHaveLength(2_000);
});

test("a preview takes as many of the latest calls as have eight million characters together", async () => {
  await logLongCalls(6, 1_800_000);
  const { calls, stopped } = (await (await preview(transcripts(1))).json()) as Answer;
  expect(calls.map(({ key }) => key)).toEqual(["5", "4", "3", "2"].map((id) => `acme:retell:long-${id}`));
  expect(stopped).toBe("the calls are so long that only the latest calls are shown: 4");
});

test("a preview ends when its changes are long", async () => {
  await logLongCalls(4, 1_900, '" " " " " " ');
  const text = await (await preview(transcripts(200))).text();
  // As JSON, a call has 200 values of 2,800 characters each.
  const { calls, stopped } = JSON.parse(text) as Answer;
  expect(calls).toHaveLength(2);
  expect(stopped).toBe("the changes are so long that only the latest calls are shown: 2");
});
