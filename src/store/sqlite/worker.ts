import { parentPort, workerData } from "node:worker_threads";
import { openConnection } from "./connection.ts";
import { isDamage, isDiskFault } from "./disk-faults.ts";
import { type Mark, openMark } from "./mark.ts";
import { type Operations, operations } from "./operations.ts";
import { type ThreadRequest as AnyRequest, failureOf, type ThreadReply } from "./thread.ts";

type WriterRequest = AnyRequest<keyof Operations>;

/**
 * The writer's thread: the only one that writes. Whatever has come in while it was busy is committed together, with
 * one fsync, so the thread that answers webhooks and live calls never waits for a disk.
 */
const { file } = workerData as { file: string };
const db = openConnection(file, { writes: true });
const mark = openMark(file);
let queue: WriterRequest[] = [];

parentPort?.on("message", (requests: WriterRequest[] | "close") => {
  if (requests === "close") {
    if (queue.length > 0) commit();
    db.close();
    mark.close();
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
  if (requests.length > 0) commitTogether(requests);
  // SQLite does not do it within a transaction.
  if (last.length > 0)
    answerWith(last, () => {
      const value = db.cleanLog();
      return last.map(({ id }) => ({ id, value }));
    });
}

/** Webhooks can be stored when what else is written is damaged. */
function commitTogether(requests: readonly WriterRequest[]): void {
  const work = (group: readonly WriterRequest[]) =>
    marked(
      group,
      db.transaction(() => group.map(perform)),
    );
  try {
    parentPort?.postMessage(work(requests));
  } catch (error) {
    const [appends, others] = [true, false].map((yes) =>
      requests.filter(({ name }) => (name === "append") === yes),
    );
    const apart = isDamage(error) && others?.length ? appends : [];
    if (apart?.length) answerWith(apart, () => work(apart));
    fail(apart?.length ? (others ?? []) : requests, error);
  }
}

/** What was stored is noted before it is acknowledged. */
function marked(requests: readonly WriterRequest[], replies: ThreadReply[]): ThreadReply[] {
  for (let i = requests.length - 1; i >= 0; i -= 1) {
    const last = requests[i]?.name === "append" ? replies[i]?.value : undefined;
    if (last === undefined) continue;
    mark.write(last as Mark);
    break;
  }
  return replies;
}

function answerWith(requests: readonly WriterRequest[], work: () => ThreadReply[]): void {
  try {
    parentPort?.postMessage(work());
  } catch (error) {
    fail(requests, error);
  }
}

function fail(requests: readonly WriterRequest[], error: unknown): void {
  const failure = failureOf(error);
  parentPort?.postMessage(requests.map(({ id }): ThreadReply => ({ id, failure })));
}

/** One request fails alone, unless it is the disk that failed: then nothing of the group is kept. */
function perform({ id, name, args }: WriterRequest): ThreadReply {
  try {
    const operation = operations[name] as (connection: typeof db, ...rest: unknown[]) => unknown;
    return { id, value: db.transaction(() => operation(db, ...args)) };
  } catch (error) {
    if (isDiskFault(error)) throw error;
    return { id, failure: failureOf(error) };
  }
}
