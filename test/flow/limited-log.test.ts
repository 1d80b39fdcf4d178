import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { LimitedLog, Log } from "../../src/core/runtime.ts";
import { createLimitedLog } from "../../src/flow/limited-log.ts";

type Line = { level: string; facts: object; sentence: string };

let lines: Line[];
let now: number;
let log: LimitedLog;
const names = new Set(["acme", "voys", "exotel"]);
const summaries = () => lines.filter(({ facts }) => "kinds" in facts);
const refuse = (times: number, installation = "acme", provider = "voys", status = 401) => {
  for (let i = 0; i < times; i += 1)
    log.info({ installation, provider, status, reason: `no. ${i}` }, "webhook turned away");
};

beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  now = 1_000_000;
  const into = (level: string) => (facts: object, sentence: string) =>
    void lines.push({ level, facts, sentence });
  const plain = { debug() {}, info: into("info"), warn: into("warn"), error: into("error") } satisfies Log;
  log = createLimitedLog({ now: () => now, log: plain, isName: (word) => names.has(word) });
});
afterEach(() => vi.useRealTimers());

describe("lines that a stranger can cause", () => {
  test("are logged as they are up to a hundred a minute, and summed up beyond", () => {
    refuse(100);
    expect(lines).toHaveLength(100);
    expect(lines[99]?.facts).toMatchObject({ installation: "acme", status: 401, reason: "no. 99" });
    refuse(900);
    expect(lines).toHaveLength(100);
    now += 60_000;
    refuse(1);
    expect(lines).toHaveLength(102);
    expect(lines[100]).toEqual({
      level: "info",
      sentence: expect.any(String),
      facts: {
        lines: 900,
        kinds: [
          {
            times: 900,
            sentence: "webhook turned away",
            installation: "acme",
            provider: "voys",
            status: 401,
          },
        ],
      },
    });
  });

  test("do not hide the first line of another kind", () => {
    refuse(1_000);
    log.error({ status: 500, err: new TypeError("a bug") }, "a request failed");
    refuse(1, "acme", "exotel");
    expect(lines.slice(100).map(({ level, sentence }) => `${level} ${sentence}`)).toEqual([
      "error a request failed",
      "info webhook turned away",
    ]);
  });

  test("make no kinds with names that they made up, and a bounded number with ours", () => {
    for (let i = 0; i < 5_000; i += 1) refuse(1, `made-up-${i}`, `made-up-${i}`);
    for (let i = 0; i < 100; i += 1) names.add(`ours-${i}`);
    for (let i = 0; i < 5_000; i += 1) refuse(1, `ours-${i % 100}`, "voys");
    for (let i = 0; i < 5_000; i += 1) log.warn({}, `sentence ${i}`);
    expect(lines.length).toBeLessThan(200);
    log.flush();
    const [summary] = summaries();
    const { lines: summed, kinds } = (summary?.facts ?? {}) as { lines: number; kinds: object[] };
    expect(summed).toBe(15_000 - (lines.length - 1));
    expect(kinds.length).toBeLessThanOrEqual(20);
    expect(JSON.stringify(summary)).not.toContain("made-up");
    expect(JSON.stringify(summary).length).toBeLessThan(5_000);
  });

  test("are summed up at the end of the minute, also when no more come", () => {
    refuse(150);
    expect(summaries()).toHaveLength(0);
    vi.advanceTimersByTime(60_000);
    expect(summaries()).toMatchObject([{ facts: { lines: 50 } }]);
  });

  test("are summed up when the clock is set back", () => {
    refuse(150);
    now -= 3_600_000;
    refuse(1);
    expect(summaries()).toHaveLength(1);
  });

  test("keep no timer when all of them were logged, or after the summary", () => {
    refuse(100);
    expect(vi.getTimerCount()).toBe(0);
    refuse(1);
    expect(vi.getTimerCount()).toBe(1);
    log.flush();
    expect(vi.getTimerCount()).toBe(0);
    log.flush();
    expect(summaries()).toHaveLength(1);
  });
});

describe("lines that are wanted seldom", () => {
  test("are logged once a minute for each kind, and counted", () => {
    for (let i = 0; i < 10; i += 1) log.seldom("error", { installation: "acme" }, "cannot be stored");
    for (let i = 0; i < 10; i += 1) log.seldom("error", { installation: "acme" }, "cannot be read");
    expect(lines.map(({ sentence }) => sentence)).toEqual(["cannot be stored", "cannot be read"]);
    now += 60_000;
    log.seldom("error", { installation: "acme" }, "cannot be stored");
    expect(lines.map(({ level }) => level)).toEqual(["error", "error", "error", "error"]);
    expect(lines[2]?.facts).toMatchObject({ lines: 18, kinds: [{ times: 9 }, { times: 9 }] });
  });

  test("take none of the hundred", () => {
    for (let i = 0; i < 60; i += 1) log.seldom("error", {}, `fault ${i % 40}`);
    refuse(100);
    expect(lines).toHaveLength(140);
  });
});
