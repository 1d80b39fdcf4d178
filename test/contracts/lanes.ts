import { setTimeout as pause } from "node:timers/promises";
import { describe, expect, test, vi } from "vitest";
import type { Lanes } from "../../src/lanes/contract.ts";

type Open = (onError: (lane: string, error: unknown) => void) => Lanes;

/** The contract that every kind of lanes keeps. */
export function testLanes(name: string, open: Open): void {
  describe(`${name} keep the lanes contract`, () => {
    test("run a job at the start, when woken, and at the time it asked for", async () => {
      const lanes = open(() => {});
      let runs = 0;
      lanes.add("acme", async () => {
        runs += 1;
        return runs === 2 ? Date.now() + 20 : undefined;
      });
      await vi.waitFor(() => expect(runs).toBe(1), { timeout: 20_000 });
      lanes.wake("acme");
      await vi.waitFor(() => expect(runs).toBe(3), { timeout: 20_000 });
      await lanes.stop();
    });

    test("never run one lane twice at a time, and run it again when woken meanwhile", async () => {
      const lanes = open(() => {});
      let running = 0;
      let most = 0;
      let runs = 0;
      lanes.add("acme", async () => {
        running += 1;
        runs += 1;
        most = Math.max(most, running);
        if (runs === 1) for (let i = 0; i < 50; i++) lanes.wake("acme");
        await pause(10);
        running -= 1;
        return undefined;
      });
      await vi.waitFor(() => expect(runs).toBe(2), { timeout: 20_000 });
      expect(most).toBe(1);
      await lanes.stop();
    });

    test("rest between two runs, and run at once when woken after that", async () => {
      const lanes = open(() => {});
      const runs = { rested: 0, resting: 0 };
      const job = (name: keyof typeof runs) => async () => {
        runs[name] += 1;
        if (runs[name] === 1) lanes.wake(name);
        return undefined;
      };
      lanes.add("resting", job("resting"), { restMs: 3_600_000 });
      lanes.add("rested", job("rested"), { restMs: 1 });
      await vi.waitFor(() => expect(runs.rested).toBe(2), { timeout: 20_000 });
      lanes.wake("resting");
      lanes.wake("rested");
      await vi.waitFor(() => expect(runs.rested).toBe(3), { timeout: 20_000 });
      expect(runs.resting).toBe(1);
      await lanes.stop();
    });

    test("let one lane fail without stopping another, and try it again", async () => {
      const errors: string[] = [];
      const lanes = open((lane) => errors.push(lane));
      let attempts = 0;
      let healthy = 0;
      lanes.add("broken", async () => {
        attempts += 1;
        if (attempts === 1) throw new Error("the CRM is away");
        return undefined;
      });
      lanes.add("healthy", async () => {
        healthy += 1;
        return undefined;
      });
      await vi.waitFor(() => expect(attempts).toBe(2), { timeout: 20_000 });
      expect(errors).toEqual(["broken"]);
      expect(healthy).toBeGreaterThan(0);
      await lanes.stop();
    });

    test("stop when the running job is through, and start nothing after", async () => {
      const lanes = open(() => {});
      let finished = 0;
      let stopped = false;
      lanes.add("acme", async (signal) => {
        await pause(30);
        stopped = signal.aborted;
        finished += 1;
        return Date.now();
      });
      await pause(10);
      await lanes.stop();
      expect([finished, stopped]).toEqual([1, true]);
      lanes.wake("acme");
      await pause(30);
      expect(finished).toBe(1);
    });
  });
}
