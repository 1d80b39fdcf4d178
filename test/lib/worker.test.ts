import { afterEach, expect, test } from "vitest";
import { ConfigError, Rejected } from "../../src/core/errors.ts";
import { openWorker, type WorkerOptions } from "../../src/lib/worker.ts";

let worker: ReturnType<typeof openWorker>;
afterEach(() => worker.close());

/** Answers with what the job asks for, and in which thread that was. */
const source = `
  import { parentPort, threadId } from "node:worker_threads";
  parentPort.on("message", (job) => {
    if (job === "for ever") for (;;);
    if (job === "die") process.exit(1);
    if (job === "much") for (const all = []; ; ) all.push(new Array(100_000).fill(job));
    if (job === "faults") return parentPort.postMessage({ faults: [{ at: "m.json", problem: "is wrong." }] });
    if (job === "fail") return parentPort.postMessage({ failure: "no luck" });
    parentPort.postMessage({ value: [job, threadId] });
  });`;

function open(options: Partial<WorkerOptions> = {}): (input: unknown) => Promise<unknown> {
  const script = new URL(`data:text/javascript,${encodeURIComponent(source)}`);
  worker = openWorker({ script, what: "test", ...options });
  return (input) => worker.run(() => input);
}

const threadOf = async (answer: Promise<unknown>) => ((await answer) as [unknown, number])[1];

test("does one job after the other in a thread that starts with the first", async () => {
  const run = open();
  const answers = (await Promise.all(["a", "b", "c"].map(run))) as [string, number][];
  expect(answers.map(([job]) => job)).toEqual(["a", "b", "c"]);
  expect(new Set(answers.map(([, thread]) => thread)).size).toBe(1);
  expect(answers[0]?.[1]).not.toBe(0);
});

test("ends when it has been idle, and starts again", async () => {
  const run = open({ idleMs: 1 });
  const first = await threadOf(run("a"));
  await expect.poll(() => threadOf(run("b"))).not.toBe(first);
});

test("a job that takes too long is stopped, its limit is told, and the next one is done", async () => {
  const run = open({ limitMs: 1_500 });
  const [stopped, next] = [run("for ever"), run("b")];
  await expect(stopped).rejects.toThrow("the test was stopped at its limit of 1.5 seconds: make it smaller");
  await expect(stopped).rejects.toMatchObject({ status: 503 });
  expect(await next).toEqual(["b", expect.any(Number)]);
});

test("so is one that takes too much memory, one that ends the thread, and one that cannot be sent", async () => {
  const run = open({ limitMs: 60_000 });
  await expect(run("much")).rejects.toThrow("limit of 256 MB of memory");
  await expect(run("die")).rejects.toThrow("has stopped");
  await expect(run(() => {})).rejects.toThrow("could not be cloned");
  expect(await run("b")).toEqual(["b", expect.any(Number)]);
});

test("turns jobs away when too many wait", async () => {
  const run = open({ mostWaiting: 2 });
  const taken = ["a", "b", "c"].map(run);
  await expect(run("d")).rejects.toBeInstanceOf(Rejected);
  await expect(run("d")).rejects.toMatchObject({ status: 503 });
  await Promise.all(taken);
  expect(await run("d")).toEqual(["d", expect.any(Number)]);
});

test("hands on faults and failures", async () => {
  const run = open();
  await expect(run("faults")).rejects.toBeInstanceOf(ConfigError);
  await expect(run("fail")).rejects.toThrow("no luck");
});

test("a job that is at work when it is closed is told so", async () => {
  const run = open();
  const [working, waiting] = [run("for ever"), run("b")].map((job) => job.catch(String));
  await worker.close();
  expect(await working).toContain("is stopping");
  expect(await waiting).toContain("is stopping");
});
