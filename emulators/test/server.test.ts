import { expect, onTestFinished, test } from "vitest";
import { type Emulator, type EmulatorParts, startServer } from "../server.ts";

/** A server with one route, `POST /work`, that counts what it did. */
async function startWork(more: Partial<EmulatorParts> = {}): Promise<{ emulator: Emulator; done: string[] }> {
  const done: string[] = [];
  const emulator = await startServer({
    routes: [
      {
        method: "POST",
        path: /\/work\/([^/]+)/,
        kind: "work",
        handle({ params, body }) {
          done.push(params[0] ?? "");
          return { status: 200, body: { got: body } };
        },
      },
    ],
    ...more,
  });
  onTestFinished(() => emulator.stop());
  return { emulator, done };
}

const work = (emulator: Emulator, name = "a", body: unknown = { inputs: [1, 2] }) =>
  fetch(`${emulator.url}/work/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });

const put = (emulator: Emulator, path: string, body: unknown, method = "POST") =>
  fetch(emulator.url + path, { method, body: JSON.stringify(body) });

test("notes every request with its kind, status and number of rows", async () => {
  const { emulator } = await startWork({ now: () => 77 });
  await work(emulator);
  await fetch(`${emulator.url}/nowhere`);
  expect(emulator.requests).toEqual([
    { at: 77, method: "POST", path: "/work/a", kind: "work", status: 200, inputs: 2 },
    { at: 77, method: "GET", path: "/nowhere", kind: "unknown", status: 404 },
  ]);
});

test("reads forms and JSON, and refuses JSON that is none", async () => {
  const { emulator } = await startWork();
  const form = await fetch(`${emulator.url}/work/a`, {
    method: "POST",
    body: new URLSearchParams({ x: "1" }),
  });
  expect(await form.json()).toEqual({ got: { x: "1" } });
  const broken = await fetch(`${emulator.url}/work/a`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{",
  });
  expect(broken.status).toBe(400);
});

test("answers with a status fault as often as asked, after letting some through", async () => {
  const { emulator, done } = await startWork();
  emulator.faults.add({ type: "status", status: 502, text: "<h1>Bad gateway</h1>", after: 1, times: 2 });
  const statuses: number[] = [];
  for (const name of ["a", "b", "c", "d"]) statuses.push((await work(emulator, name)).status);
  expect(statuses).toEqual([200, 502, 502, 200]);
  expect(done).toEqual(["a", "d"]);
});

test("strikes only what a fault names: a kind, a part of a path, a pattern", async () => {
  const { emulator } = await startWork();
  emulator.faults.add({ type: "status", status: 500, match: "other" });
  emulator.faults.add({ type: "status", status: 501, match: "/work/b" });
  emulator.faults.add({ type: "status", status: 503, match: /\/c$/ });
  const statuses = await Promise.all(
    ["a", "b", "c"].map(async (name) => (await work(emulator, name)).status),
  );
  expect(statuses).toEqual([200, 501, 503]);
});

test("a fault can be switched off, alone and with all others", async () => {
  const { emulator } = await startWork();
  const off = emulator.faults.add({ type: "status", status: 500, match: "/work/a" });
  emulator.faults.add({ type: "status", status: 500, match: "/work/b" });
  off();
  expect((await work(emulator, "a")).status).toBe(200);
  expect((await work(emulator, "b")).status).toBe(500);
  emulator.faults.clear();
  expect((await work(emulator, "b")).status).toBe(200);
});

test("drop does the work and loses the answer, reset loses the request", async () => {
  const { emulator, done } = await startWork();
  emulator.faults.add({ type: "drop", match: "/work/dropped" });
  emulator.faults.add({ type: "reset", match: "/work/reset" });
  await expect(work(emulator, "dropped")).rejects.toThrow("fetch failed");
  await expect(work(emulator, "reset")).rejects.toThrow("fetch failed");
  expect(done).toEqual(["dropped"]);
  expect(emulator.requests.map(({ status }) => status)).toEqual(["drop", "reset"]);
});

test("hang never answers, and does not keep the server from stopping", async () => {
  const { emulator, done } = await startWork();
  emulator.faults.add({ type: "hang" });
  const asked = expect(work(emulator)).rejects.toThrow("fetch failed");
  await expect.poll(() => emulator.requests[0]?.status).toBe("hang");
  await emulator.stop();
  await asked;
  expect(done).toEqual([]);
});

test("a slow request still gets its answer, and can meet another fault on top", async () => {
  const { emulator, done } = await startWork();
  emulator.faults.add({ type: "slow", ms: 5 });
  expect((await work(emulator)).status).toBe(200);
  emulator.faults.add({ type: "drop" });
  await expect(work(emulator)).rejects.toThrow("fetch failed");
  expect(done).toEqual(["a", "a"]);
});

test("a CRM answers its own faults itself", async () => {
  const { emulator } = await startWork({
    fault: ({ type, reason }) => (type === "lock" ? { status: 423, body: { reason } } : undefined),
  });
  emulator.faults.add({ type: "lock", reason: "busy", times: 1 });
  emulator.faults.add({ type: "unknown to this CRM", times: 1 });
  expect((await work(emulator)).status).toBe(423);
  expect((await work(emulator)).status).toBe(200);
});

test("is steered over HTTP without being counted", async () => {
  let lag = 0;
  const { emulator } = await startWork({
    objects: () => ({ calls: 3 }),
    settings: {
      lag(value) {
        lag = Number(value);
      },
    },
  });
  expect((await put(emulator, "/_emulator/faults", { type: "status", status: 503, times: 1 })).status).toBe(
    201,
  );
  await work(emulator);
  await work(emulator);
  const seen = await (await fetch(`${emulator.url}/_emulator`)).json();
  expect(seen).toEqual({ requests: { work: { 200: 1, 503: 1 } }, objects: { calls: 3 } });
  await put(emulator, "/_emulator/settings", { lag: 9, latencyMs: 1 }, "PUT");
  expect([lag, emulator.latencyMs]).toEqual([9, 1]);
  const wrong = await put(emulator, "/_emulator/settings", { lagg: 9 }, "PUT");
  expect([wrong.status, await wrong.text()]).toEqual([400, expect.stringContaining("lagg")]);
  const listed = await (await fetch(`${emulator.url}/_emulator/requests`)).json();
  expect(listed).toHaveLength(2);
  await fetch(`${emulator.url}/_emulator/requests`, { method: "DELETE" });
  expect(emulator.requests).toEqual([]);
});

test("a handler that breaks is a 500 with its reason, not a hanging request", async () => {
  const { emulator } = await startWork({
    before: () => {
      throw new Error("a bug of the emulator");
    },
  });
  const answer = await work(emulator);
  expect([answer.status, await answer.text()]).toEqual([
    500,
    expect.stringContaining("a bug of the emulator"),
  ]);
});
