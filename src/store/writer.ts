import { parentPort, workerData } from "node:worker_threads";
import { openConnection } from "./connection.ts";
import { isDiskFault } from "./disk-faults.ts";
import { type Operations, operations } from "./operations.ts";
import type { Request as AnyRequest, Reply } from "./thread.ts";

type Request = AnyRequest<keyof Operations>;

/**
 * The writer's thread: the only one that writes. Whatever has come in while it was busy is committed together, with
 * one fsync, so the thread that answers webhooks and live calls never waits for a disk.
 */
const db = openConnection((workerData as { file: string }).file, { writes: true });
let queue: Request[] = [];

parentPort?.on("message", (requests: Request[] | "close") => {
  if (requests === "close") {
    if (queue.length > 0) commit();
    db.close();
    parentPort?.close();
    return;
  }
  if (queue.length === 0) setImmediate(commit);
  queue.push(...requests);
});

function commit(): void {
  const requests = queue.filter(({ name }) => name !== "cleanLog");
  const last = queue.filter(({ name }) => name === "cleanLog");
  queue = [];
  if (requests.length > 0) answerWith(requests, () => db.transaction(() => requests.map(perform)));
  // SQLite does not do it within a transaction.
  if (last.length > 0)
    answerWith(last, () => {
      const value = db.cleanLog();
      return last.map(({ id }) => ({ id, value }));
    });
}

function answerWith(requests: readonly Request[], work: () => Reply[]): void {
  try {
    parentPort?.postMessage(work());
  } catch (error) {
    parentPort?.postMessage(requests.map(({ id }): Reply => ({ id, error })));
  }
}

/** One request fails alone, unless it is the disk that failed: then nothing of the group is kept. */
function perform({ id, name, args }: Request): Reply {
  try {
    const operation = operations[name] as (connection: typeof db, ...rest: unknown[]) => unknown;
    return { id, value: db.transaction(() => operation(db, ...args)) };
  } catch (error) {
    if (isDiskFault(error)) throw error;
    return { id, error };
  }
}
