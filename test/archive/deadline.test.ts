import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createDeadline } from "../../src/archive/s3-client.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("lasts as long as something is heard often enough", () => {
  const limit = createDeadline(100, undefined);
  for (let i = 0; i < 5; i += 1) {
    vi.advanceTimersByTime(90);
    limit.extend();
  }
  expect([limit.hasPassed(), limit.signal.aborted]).toEqual([false, false]);
  vi.advanceTimersByTime(100);
  expect([limit.hasPassed(), limit.signal.aborted]).toEqual([true, true]);
});

test("is over with the work, for good", () => {
  const limit = createDeadline(100, undefined);
  limit.clear();
  limit.extend();
  vi.advanceTimersByTime(1_000);
  expect(limit.signal.aborted).toBe(false);
  expect(vi.getTimerCount()).toBe(0);
});

test("is not what ended when somebody else stopped", () => {
  const stop = new AbortController();
  const limit = createDeadline(100, stop.signal);
  stop.abort();
  expect([limit.hasPassed(), limit.signal.aborted]).toEqual([false, true]);
  limit.clear();
});
