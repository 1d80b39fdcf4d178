import { parentPort, workerData } from "node:worker_threads";
import { type Bind, openConnection } from "./connection.ts";
import { failureOf, type ThreadReply, type ThreadRequest } from "./thread.ts";

/**
 * The reader's thread: what people ask may take a second over a million calls, and the thread that answers webhooks
 * and live calls must not wait for it.
 */
const db = openConnection((workerData as { file: string }).file, { writes: false });

parentPort?.on("message", (requests: ThreadRequest<"all">[] | "close") => {
  if (requests === "close") {
    db.close();
    parentPort?.close();
    return;
  }
  for (const request of requests) parentPort?.postMessage([answerTo(request)]);
});

function answerTo({ id, args }: ThreadRequest<"all">): ThreadReply {
  const [sql, values] = args as [string, Bind[]];
  try {
    return { id, value: db.all(sql, ...values) };
  } catch (error) {
    return { id, failure: failureOf(error) };
  }
}
