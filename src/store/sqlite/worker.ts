import { parentPort, workerData } from "node:worker_threads";
import type { Db, Values } from "../db/db.ts";
import { operations as shared } from "../store.ts";
import { append, type Mark, openMark, ready } from "./append.ts";
import { openConnection } from "./connection.ts";
import { isDamage, isDiskFault } from "./health.ts";
import { failureOf, type ThreadReply, type ThreadRequest, type WriterOperations } from "./store.ts";

/**
 * A thread of the store. The writer is the only one that writes: it commits all that came in while it was busy with one
 * fsync, so the thread that serves never waits for a disk. The reader runs listings, which may take a second over a
 * million calls.
 */

const { file, role } = workerData as { file: string; role: "writer" | "reader" };
const db = openConnection(file, { writes: role === "writer" });
const mark = openMark(file);
const operations: WriterOperations = {
  ...shared,
  append: async (_, columns) => append(db, columns),
  ready: async () => ready(db),
  cleanLog: async () => db.cleanLog(),
};
let queue: ThreadRequest[] = [];
let isBusy = false;
let isClosing = false;

parentPort?.on("message", (requests: ThreadRequest[] | "close") => {
  if (requests === "close") isClosing = true;
  else queue.push(...requests);
  if (isBusy) return;
  isBusy = true;
  // What comes in during the same turn is committed together.
  setImmediate(() => void work());
});

/** Groups run one after another. */
async function work(): Promise<void> {
  while (queue.length > 0) {
    const requests = queue;
    queue = [];
    if (role === "reader") for (const request of requests) await read(request);
    else await write(requests);
  }
  isBusy = false;
  if (!isClosing) return;
  db.close();
  mark.close();
  parentPort?.close();
}

async function read({ id, args }: ThreadRequest): Promise<void> {
  const [sql, values] = args as [string, Values | undefined];
  await answerWith([{ id }], async () => [{ id, value: await db.all(sql, values) }]);
}

async function write(requests: readonly ThreadRequest[]): Promise<void> {
  const inGroup = requests.filter(({ name }) => name !== "cleanLog");
  if (inGroup.length > 0) await commitTogether(inGroup);
  // SQLite cannot do it within a transaction.
  for (const { id, name } of requests)
    if (name === "cleanLog") await answerWith([{ id }], async () => [{ id, value: db.cleanLog() }]);
}

async function commitTogether(requests: readonly ThreadRequest[]): Promise<void> {
  try {
    parentPort?.postMessage(await commit(requests));
  } catch (error) {
    // Webhooks can be stored when other tables are damaged.
    const appends = isDamage(error) ? requests.filter(({ name }) => name === "append") : [];
    const isMixed = appends.length > 0 && appends.length < requests.length;
    if (isMixed) await answerWith(appends, () => commit(appends));
    fail(isMixed ? requests.filter(({ name }) => name !== "append") : requests, error);
  }
}

/** One transaction, within which the requests run one after another. */
async function commit(requests: readonly ThreadRequest[]): Promise<ThreadReply[]> {
  const replies = await db.transaction(async (tx) => {
    const done: ThreadReply[] = [];
    for (const request of requests) done.push(await perform(tx, request));
    return done;
  });
  // The mark is written before the webhooks are acknowledged.
  const last = replies.findLast(({ value }, i) => requests[i]?.name === "append" && value !== undefined);
  if (last) mark.write(last.value as Mark);
  return replies;
}

/** A request that fails is undone alone, unless the disk failed: then the whole group is. */
async function perform(group: Db, { id, name, args }: ThreadRequest): Promise<ThreadReply> {
  try {
    const operation = operations[name as keyof WriterOperations] as (
      tx: Db,
      ...rest: unknown[]
    ) => Promise<unknown>;
    return { id, value: await group.transaction((tx) => operation(tx, ...args)) };
  } catch (error) {
    if (isDiskFault(error)) throw error;
    return { id, failure: failureOf(error) };
  }
}

async function answerWith(
  requests: readonly Pick<ThreadRequest, "id">[],
  result: () => Promise<ThreadReply[]>,
): Promise<void> {
  try {
    parentPort?.postMessage(await result());
  } catch (error) {
    fail(requests, error);
  }
}

function fail(requests: readonly Pick<ThreadRequest, "id">[], error: unknown): void {
  const failure = failureOf(error);
  parentPort?.postMessage(requests.map(({ id }): ThreadReply => ({ id, failure })));
}
