import type { Job, Lanes } from "./contract.ts";

type Lane = {
  job: Job;
  restMs: number;
  running?: Promise<void>;
  /** When its last run ended, on the monotonic clock. */
  endedAt: number;
  woken: boolean;
  failures: number;
  ending: AbortController;
  /** Of the lane and of all lanes. */
  signal: AbortSignal;
  timer?: NodeJS.Timeout;
};

type InProcessOptions = {
  now?: () => number;
  onError: (lane: string, error: unknown, againInMs: number) => void;
};

const longestPauseMs = 30_000;
/** The longest that a timer of Node's can wait. */
const longestWaitMs = 2_147_483_647;

/** Lanes inside this process. */
export function inProcessLanes({ now = Date.now, onError }: InProcessOptions): Lanes {
  const lanes = new Map<string, Lane>();
  const stopping = new AbortController();

  const run = async (name: string, lane: Lane): Promise<void> => {
    lane.woken = false;
    let next: number | undefined;
    try {
      next = await lane.job(lane.signal);
      lane.failures = 0;
    } catch (error) {
      lane.failures += 1;
      const pause = Math.min(longestPauseMs, 250 * 2 ** lane.failures);
      next = now() + pause;
      if (!lane.signal.aborted) onError(name, error, pause);
    }
    delete lane.running;
    lane.endedAt = performance.now();
    if (stopping.signal.aborted || lanes.get(name) !== lane) return;
    if (lane.woken && lane.failures === 0) schedule(name, lane, 0);
    else if (next !== undefined) schedule(name, lane, Math.max(0, next - now()));
  };

  const schedule = (name: string, lane: Lane, delayMs: number): void => {
    const restMs = lane.endedAt + lane.restMs - performance.now();
    clearTimeout(lane.timer);
    lane.timer = setTimeout(() => start(name, lane), Math.min(Math.max(delayMs, restMs), longestWaitMs));
  };

  const start = (name: string, lane: Lane): void => {
    if (lane.running || stopping.signal.aborted) return;
    clearTimeout(lane.timer);
    lane.running = run(name, lane);
  };

  return {
    add(name, job, { restMs = 0 } = {}) {
      const ending = new AbortController();
      const signal = AbortSignal.any([stopping.signal, ending.signal]);
      const endedAt = Number.NEGATIVE_INFINITY;
      const lane: Lane = { job, restMs, endedAt, woken: false, failures: 0, ending, signal };
      lanes.set(name, lane);
      schedule(name, lane, 0);
    },
    wake(name) {
      const lane = lanes.get(name);
      if (!lane || lane.woken) return;
      lane.woken = true;
      if (!lane.running && lane.failures === 0) schedule(name, lane, 0);
    },
    async remove(name, { abort = false } = {}) {
      const lane = lanes.get(name);
      if (abort) lane?.ending.abort();
      lanes.delete(name);
      clearTimeout(lane?.timer);
      await lane?.running;
    },
    async stop() {
      stopping.abort();
      for (const { timer } of lanes.values()) clearTimeout(timer);
      await Promise.all([...lanes.values()].map(({ running }) => running));
    },
  };
}
