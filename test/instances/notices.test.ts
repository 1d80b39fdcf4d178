import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
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
  const both = ["decode", "deliver"];
  const hint = { kind: "wake", lanes: both.map((lane) => ({ installation: "acme", lane })) };
  // Work that was offered just now is not offered again, so no instance has to look for it.
  for (const expected of [[hint], [hint, { kind: "free" }]]) {
    sent.length = 0;
    for (let i = 0; i < 100; i += 1) for (const lane of both) here.want("acme", lane);
    await pass(1_000);
    expect(sent).toEqual(expected);
    await pass(2_000);
  }
});

describe("of an account's limits", () => {
  const instances = 4;
  const ofHolder = { installation: "acme", isHeld: true, isTold: false };
  const ofAnother = { ...ofHolder, isHeld: false };

  test("the holder leaves their parts to others for a minute after they search for callers, who tell it every 10 s", async () => {
    const { here, there, sent } = two();
    expect(there.share(ofHolder, instances)).toBe(0.8);
    for (let i = 0; i < 100; i += 1) expect(there.share(ofAnother, instances)).toBe(0.25);
    expect(sent).toHaveLength(1);
    expect(here.share(ofHolder, instances)).toBe(0.25);
    expect(here.share({ ...ofHolder, installation: "globex" }, instances)).toBe(0.8);
    // What it told itself is not of others.
    expect(there.share(ofHolder, instances)).toBe(0.8);
    await pass(10_100);
    there.share(ofAnother, instances);
    expect(sent).toHaveLength(2);
    await pass(59_000);
    expect(here.share(ofHolder, instances)).toBe(0.25);
    await pass(2_000);
    expect(here.share(ofHolder, instances)).toBe(0.8);
  });

  test("the holder has all when it is the only instance, and when the CRM reports what others use", () => {
    const { here, there } = two();
    there.share(ofAnother, instances);
    expect(here.share({ ...ofHolder, isTold: true }, instances)).toBe(1);
    expect(here.share(ofHolder, 1)).toBe(1);
  });
});
