import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createNotices } from "../../src/instances/notices.ts";
import type { WorkQueue } from "../../src/instances/queue.ts";
import type { Notice, SharedStore } from "../../src/store/contract.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
});
afterEach(() => {
  vi.useRealTimers();
});

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** Two instances that hear each other and themselves. `sent`: all that was told. */
function two() {
  const sent: Notice[] = [];
  const notify: SharedStore["notify"] = async (notice) => {
    sent.push(notice);
    if (notice.kind === "answers") for (const one of [here, there]) one.heardAnswers(notice);
  };
  const installations = { offer: async (names: readonly string[]) => names.length } as WorkQueue;
  const open = (id: string) =>
    createNotices({
      id,
      shared: { notify } as SharedStore,
      installations,
      failed: (error) => expect.fail(`${error}`),
    });
  const [here, there] = [open("here"), open("there")];
  return { here, there, sent };
}

test("what is wanted within a moment is one hint, and what was wanted before the start is sent with it", async () => {
  const { here, sent } = two();
  here.want("acme", "decode");
  await pass(1_000);
  expect(sent).toEqual([]);
  await here.start();
  expect(sent).toEqual([
    { kind: "wake", lanes: [{ installation: "acme", lane: "decode" }] },
    { kind: "free" },
  ]);
  sent.length = 0;
  for (let i = 0; i < 100; i += 1) here.want("acme", i % 2 === 0 ? "decode" : "deliver");
  await pass(1_000);
  expect(sent).toEqual([
    {
      kind: "wake",
      lanes: [
        { installation: "acme", lane: "decode" },
        { installation: "acme", lane: "deliver" },
      ],
    },
    { kind: "free" },
  ]);
});

test("an instance knows for a minute that others search an account for callers, who tell it every 10 s", async () => {
  const { here, there, sent } = two();
  expect(here.othersAnswer("acme")).toBe(false);
  for (let i = 0; i < 100; i += 1) there.answers("acme");
  expect(sent).toHaveLength(1);
  expect(here.othersAnswer("acme")).toBe(true);
  expect(here.othersAnswer("globex")).toBe(false);
  // What it told itself is not of others.
  expect(there.othersAnswer("acme")).toBe(false);
  await pass(10_100);
  there.answers("acme");
  expect(sent).toHaveLength(2);
  await pass(59_000);
  expect(here.othersAnswer("acme")).toBe(true);
  await pass(2_000);
  expect(here.othersAnswer("acme")).toBe(false);
});
