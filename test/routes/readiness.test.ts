import { afterEach, describe, expect, test } from "vitest";
import { readinessOf } from "../../src/routes/health.ts";
import type { Store } from "../../src/store/contract.ts";
import { startServer, type TestServer } from "../support/server.ts";

let server: TestServer | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});

/** A store that is looked at; `answers`: what is waited for. */
function watched() {
  let now = 0;
  const answers: { works: () => void; fails: (error: Error) => void }[] = [];
  const ready = () => new Promise<void>((works, fails) => answers.push({ works, fails }));
  const why = readinessOf({ store: { ready } as unknown as Store, now: () => now });
  return { why, answers, pass: (ms: number) => (now += ms) };
}

describe("readiness", () => {
  test("is found out once for all who ask meanwhile, and is good for a second", async () => {
    const { why, answers, pass } = watched();
    const asked = [why(), why(), why()];
    expect(answers).toHaveLength(1);
    pass(5_000);
    answers[0]?.works();
    expect(await Promise.all([...asked, why()])).toEqual([undefined, undefined, undefined, undefined]);
    pass(999);
    expect(await why()).toBeUndefined();
    expect(answers).toHaveLength(1);
    pass(1);
    void why();
    expect(answers).toHaveLength(2);
  });

  test("is found out once a second also when there is a fault, and when the clock is set back", async () => {
    const { why, answers, pass } = watched();
    const asked = [why(), why()];
    answers[0]?.fails(new Error("ENOSPC"));
    for (const text of await Promise.all([...asked, why()])) expect(text).toContain("ENOSPC");
    expect(answers).toHaveLength(1);
    pass(-3_600_000);
    const again = why();
    answers[1]?.works();
    expect(await again).toBeUndefined();
  });
});

test("/readyz asks the store once a second, however often it is asked", async () => {
  let now = Date.now();
  server = await startServer({ now: () => now });
  const { store } = server.parts.flow;
  let looks = 0;
  const { ready } = store;
  store.ready = () => {
    looks += 1;
    return ready();
  };
  const ask = async () => (await fetch(`${server?.url}/readyz`)).status;
  expect(new Set(await Promise.all(Array.from({ length: 50 }, ask)))).toEqual(new Set([200]));
  expect(looks).toBe(1);
  now += 1_000;
  await ask();
  expect(looks).toBe(2);
});

test("/readyz says at once that the server is stopping", async () => {
  server = await startServer();
  const ask = async () => await (await fetch(`${server?.url}/readyz`)).json();
  expect(await ask()).toEqual({ ok: true });
  server.parts.announceStop();
  expect(await ask()).toEqual({ ok: false, error: "the server is stopping" });
});
