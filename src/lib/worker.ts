import { Worker } from "node:worker_threads";
import { ConfigError, type Fault, Rejected } from "../core/errors.ts";

/** A worker's reply to one job. `faults`: the job threw a `ConfigError`. */
export type WorkerReply = { value: unknown } | { faults: readonly Fault[] } | { failure: string };

/**
 * `script`: answers each message with one `WorkerReply`. `what`: names a job, for people. `limitMs`: a job that takes longer is
 * stopped. `idleMs`: the worker ends after so long without one. `mostWaiting`: jobs that wait for the one at work.
 */
export type WorkerOptions = {
  script: URL;
  what: string;
  limitMs?: number;
  idleMs?: number;
  mostWaiting?: number;
};

type WorkerJob = {
  input: () => unknown;
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
};

const memoryMb = 256;

/**
 * A thread for work that would block the serving one. One job at a time; it starts with the first one. Rejects with
 * `Rejected(503)` when too many wait, and when a job runs into its limit of time or memory.
 */
export function openWorker(options: WorkerOptions) {
  const { script, what, limitMs = 10_000, idleMs = 30_000, mostWaiting = 250 } = options;
  const waiting: WorkerJob[] = [];
  let worker: Worker | undefined;
  let job: WorkerJob | undefined;
  let timer: NodeJS.Timeout | undefined;

  const start = (): Worker => {
    const started = new Worker(script, { resourceLimits: { maxOldGenerationSizeMb: memoryMb } });
    // The worker does not keep the process alive.
    started.unref();
    started.on("message", (reply: WorkerReply) => settle(started, reply));
    started.on("error", (error) =>
      drop(started, isOutOfMemory(error) ? tooLong(`${memoryMb} MB of memory`) : error),
    );
    started.on("exit", () => drop(started, new Error(`the worker of a ${what} has stopped`)));
    return started;
  };

  const settle = (from: Worker, reply: WorkerReply): void => {
    if (from !== worker) return;
    if ("value" in reply) job?.resolve(reply.value);
    else job?.reject("faults" in reply ? new ConfigError(reply.faults) : new Error(reply.failure));
    next();
  };

  /** The next job gets another worker. */
  const drop = (from: Worker, error: unknown): void => {
    if (from !== worker) return;
    worker = undefined;
    void from.terminate();
    job?.reject(error);
    next();
  };

  const next = (): void => {
    clearTimeout(timer);
    job = waiting.shift();
    if (!job) {
      const idle = worker;
      timer = setTimeout(() => idle && drop(idle, undefined), idleMs).unref();
      return;
    }
    worker ??= start();
    const working = worker;
    timer = setTimeout(() => drop(working, tooLong(`${limitMs / 1_000} seconds`)), limitMs).unref();
    void post(working, job);
  };

  const post = async (working: Worker, current: WorkerJob): Promise<void> => {
    try {
      const input = await current.input();
      if (current === job) working.postMessage(input);
    } catch (error) {
      if (current === job) drop(working, error);
    }
  };

  const tooLong = (limit: string): Rejected =>
    new Rejected(
      503,
      `the ${what} was stopped at its limit of ${limit}: make it smaller, or try again later`,
    );

  return {
    /** `input`: made when the job's turn comes, so that waiting jobs use no memory. */
    run: (input: () => unknown): Promise<unknown> =>
      new Promise((resolve, reject) => {
        if (waiting.length >= mostWaiting)
          throw new Rejected(
            503,
            `${waiting.length} others wait for a ${what} already: try again in a few seconds`,
          );
        waiting.push({ input, resolve, reject });
        if (!job) next();
      }),
    async close(): Promise<void> {
      clearTimeout(timer);
      const [open, ended] = [worker, new Error("the server is stopping")];
      worker = undefined;
      for (const one of [...(job ? [job] : []), ...waiting.splice(0)]) one.reject(ended);
      job = undefined;
      await open?.terminate();
    },
  };
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ERR_WORKER_OUT_OF_MEMORY";
}
