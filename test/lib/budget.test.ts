import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Budget, type BudgetOptions, createBudget, type Priority } from "../../src/lib/budget.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const budgetOf = (more: Partial<BudgetOptions> = {}): Budget =>
  createBudget({ name: "the CRM", limit: 5, perMs: 1_000, atOnce: 5, now: Date.now, ...more });

/** Asks in order, each for a request of some length; the names of those who went, as they go, and when they arrived. */
function asker(budget: Budget) {
  const went: string[] = [];
  const arrived: number[] = [];
  const ask = async (
    priority: Priority,
    name: string = priority,
    tookMs = 0,
    travelMs = 0,
    signal?: AbortSignal,
  ) => {
    const done = await budget.spend(priority, signal);
    went.push(name);
    arrived.push(Date.now() + travelMs);
    setTimeout(done, tookMs);
  };
  return { ask, went, arrived };
}

function mostInWindow(times: readonly number[], perMs: number): number {
  const counts = times.map((start) => times.filter((time) => time >= start && time < start + perMs).length);
  return Math.max(...counts);
}

describe("a budget that several instances have", () => {
  test("is spent by one of them up to its share, each priority within it", async () => {
    const { ask, went } = asker(budgetOf({ limit: 10, share: () => 0.25 }));
    for (let i = 0; i < 6; i += 1) void ask("answer");
    await vi.advanceTimersByTimeAsync(0);
    expect(went).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(1_100);
    expect(went).toHaveLength(4);
  });

  test("with a share of less than one request is one request in a longer time", async () => {
    const { ask, arrived } = asker(budgetOf({ limit: 5, share: () => 0.1 }));
    for (let i = 0; i < 4; i += 1) void ask("answer");
    await vi.advanceTimersByTimeAsync(7_000);
    expect(arrived).toHaveLength(4);
    expect(mostInWindow(arrived, 2_000)).toBe(1);
  });

  test("is not spent at all without a share, and again when there is one", async () => {
    let share = 0;
    const { ask, went } = asker(budgetOf({ share: () => share }));
    void ask("answer");
    void ask("deliver");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(went).toEqual([]);
    share = 1;
    await vi.advanceTimersByTimeAsync(1_100);
    expect(went).toEqual(["answer", "deliver"]);
  });
});

describe("a budget", () => {
  test("that answers use up all the time still lets other work through, one request every two seconds", async () => {
    const { ask, went } = asker(budgetOf({ limit: 2 }));
    const answers = setInterval(() => void ask("answer"), 100);
    await vi.advanceTimersByTimeAsync(1_000);
    for (let i = 0; i < 20; i += 1) void ask("match");
    await vi.advanceTimersByTimeAsync(20_000);
    clearInterval(answers);
    const others = went.filter((name) => name === "match").length;
    expect(others).toBeGreaterThanOrEqual(6);
    expect(others).toBeLessThanOrEqual(10);
    expect(went.length - others).toBeGreaterThan(25);
  });

  test("lets no more through in any window than the limit, and loses nobody", async () => {
    const { ask, arrived } = asker(budgetOf());
    for (let i = 0; i < 100; i += 1) void ask("match");
    await vi.advanceTimersByTimeAsync(30_000);
    expect(arrived).toHaveLength(100);
    expect(mostInWindow(arrived, 1_000)).toBe(5);
  });

  test("keeps to the limit at the CRM, although some requests travel for a longer time", async () => {
    const { ask, arrived } = asker(budgetOf());
    // The first ones have to connect.
    for (let i = 0; i < 5; i += 1) void ask("match", "first", 400, 380);
    for (let i = 0; i < 40; i += 1) void ask("match", "later", 100 + (i % 7) * 20, 50 + (i % 7) * 10);
    await vi.advanceTimersByTimeAsync(30_000);
    expect(arrived).toHaveLength(45);
    expect(
      mostInWindow(
        [...arrived].sort((a, b) => a - b),
        1_000,
      ),
    ).toBeLessThanOrEqual(5);
  });

  test("has only so many under way at once", async () => {
    const { ask, went } = asker(budgetOf({ limit: 100, atOnce: 3 }));
    for (let i = 0; i < 7; i += 1) void ask("deliver", String(i), 500);
    await vi.advanceTimersByTimeAsync(400);
    expect(went).toEqual(["0", "1", "2"]);
    await vi.advanceTimersByTimeAsync(200);
    expect(went).toEqual(["0", "1", "2", "3", "4", "5"]);
  });

  test("counts a request that says twice that it is over once", async () => {
    const budget = budgetOf({ limit: 100, atOnce: 1 });
    const done = await budget.spend("deliver");
    done();
    done();
    await budget.spend("deliver");
    const { ask, went } = asker(budget);
    void ask("deliver");
    await vi.advanceTimersByTimeAsync(2_000);
    expect(went).toEqual([]);
  });

  test("is not locked by a clock that was set back", async () => {
    let back = 0;
    const budget = budgetOf({ now: () => Date.now() - back });
    const { ask, went } = asker(budget);
    for (let i = 0; i < 5; i += 1) void ask("match");
    await vi.advanceTimersByTimeAsync(10);
    back = 3_600_000;
    void ask("match");
    await vi.advanceTimersByTimeAsync(10);
    expect(went).toHaveLength(6);
  });
});

describe("who goes first", () => {
  test("an answer, then matching, logging and the index", async () => {
    const { ask, went } = asker(budgetOf());
    for (let i = 0; i < 5; i += 1) void ask("deliver", "before");
    for (const priority of ["sync", "deliver", "match", "answer"] as const) void ask(priority);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(went.slice(5)).toEqual(["answer", "match", "deliver", "sync"]);
  });

  test("an answer overtakes a queue of others, also when as many as may be are under way", async () => {
    const { ask, went } = asker(budgetOf({ limit: 100, atOnce: 2 }));
    for (let i = 0; i < 50; i += 1) void ask("match", "match", 5_000);
    void ask("answer");
    await vi.advanceTimersByTimeAsync(1);
    expect(went).toEqual(["match", "match", "answer"]);
  });

  test("once an answer was wanted, others leave room for the next one", async () => {
    const { ask, went } = asker(budgetOf());
    void ask("answer", "first");
    await vi.advanceTimersByTimeAsync(5_000);
    for (let i = 0; i < 10; i += 1) void ask("match");
    await vi.advanceTimersByTimeAsync(1);
    void ask("answer", "second");
    await vi.advanceTimersByTimeAsync(1);
    expect(went).toEqual(["first", "match", "match", "match", "match", "second"]);
  });

  test("the index leaves a share to others", async () => {
    const { ask, went } = asker(budgetOf({ limit: 10, atOnce: 10 }));
    for (let i = 0; i < 10; i += 1) void ask("sync");
    await vi.advanceTimersByTimeAsync(1);
    expect(went).toHaveLength(7);
    for (let i = 0; i < 3; i += 1) void ask("deliver");
    await vi.advanceTimersByTimeAsync(1);
    expect(went).toHaveLength(10);
  });
});

describe("a pause", () => {
  test("that is short is waited for", async () => {
    const budget = budgetOf();
    const { ask, went } = asker(budget);
    budget.pause(Date.now() + 5_000, "slower");
    void ask("match");
    await vi.advanceTimersByTimeAsync(4_900);
    expect(went).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(went).toEqual(["match"]);
  });

  test("that is long sends everybody away, with the reason and the time", async () => {
    const budget = budgetOf({ atOnce: 1 });
    const { ask } = asker(budget);
    void ask("match", "under way", 60_000);
    const waiting = ask("deliver").catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(1);
    const until = Date.now() + 900_000;
    budget.pause(until, "the day's requests are used up");
    const message = `the day's requests are used up; it is asked again at ${new Date(until).toISOString()}`;
    expect(await waiting).toMatchObject({ retry: "later", message, afterMs: 900_000 });
    await expect(budget.spend("sync")).rejects.toMatchObject({ retry: "later", message });
    expect(budget.state().pausedUntil).toBe(until);
  });

  test("does not keep an answer from trying", async () => {
    const budget = budgetOf();
    const { ask, went } = asker(budget);
    budget.pause(Date.now() + 900_000, "used up");
    void ask("answer");
    await vi.advanceTimersByTimeAsync(1);
    expect(went).toEqual(["answer"]);
  });

  test("is not made shorter by a shorter one", async () => {
    const budget = budgetOf();
    budget.pause(Date.now() + 900_000, "used up");
    budget.pause(Date.now() + 1_000, "slower");
    await expect(budget.spend("match")).rejects.toThrow("used up");
  });

  test("ends", async () => {
    const budget = budgetOf();
    budget.pause(Date.now() + 900_000, "used up");
    await vi.advanceTimersByTimeAsync(900_000);
    const { ask, went } = asker(budget);
    void ask("match");
    await vi.advanceTimersByTimeAsync(1);
    expect(went).toEqual(["match"]);
  });
});

describe("what the CRM's headers say", () => {
  test("replaces the limit and its window", async () => {
    const budget = budgetOf({ limit: 100, atOnce: 100 });
    budget.learn({ limit: 3, perMs: 10_000 });
    const { ask, went } = asker(budget);
    for (let i = 0; i < 5; i += 1) void ask("match");
    await vi.advanceTimersByTimeAsync(9_900);
    expect(went).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(400);
    expect(went).toHaveLength(5);
  });

  test("counts what others spent from the same account", async () => {
    const budget = budgetOf({ limit: 10 });
    const { ask, went } = asker(budget);
    void ask("match");
    await vi.advanceTimersByTimeAsync(1);
    budget.learn({ limit: 10, remaining: 2 });
    expect(budget.state().free).toBe(2);
    for (let i = 0; i < 5; i += 1) void ask("match");
    await vi.advanceTimersByTimeAsync(1);
    expect(went).toHaveLength(3);
  });

  test("changes nothing when it is nonsense or absent", () => {
    const budget = budgetOf();
    budget.learn({ limit: 0, perMs: 0 });
    budget.learn({ limit: undefined, remaining: undefined, perMs: -1 });
    budget.learn({ remaining: 50 });
    expect(budget.state().free).toBe(5);
  });
});

describe("who gives up", () => {
  test("leaves the queue, and nothing is spent on them", async () => {
    const { ask, went } = asker(budgetOf());
    for (let i = 0; i < 5; i += 1) void ask("match");
    const stop = new AbortController();
    const left = ask("match", "left", 0, 0, stop.signal).catch((error: unknown) => error);
    void ask("match", "last");
    stop.abort();
    expect(await left).toMatchObject({ name: "CrmError", retry: "later" });
    await vi.advanceTimersByTimeAsync(1_200);
    expect(went.slice(5)).toEqual(["last"]);
  });

  test("before they asked is not let in", async () => {
    const budget = budgetOf();
    await expect(budget.spend("answer", AbortSignal.abort())).rejects.toMatchObject({ retry: "later" });
    expect(budget.state().free).toBe(5);
  });
});
