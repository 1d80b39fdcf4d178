import { Worker } from "node:worker_threads";
import type { Connection } from "./connection.ts";
import type { Operations } from "./operations.ts";

export type Request = { id: number; name: keyof Operations; args: unknown[] };
export type Reply = { id: number; value?: unknown; error?: unknown };

type Arguments<F> = F extends (db: Connection, ...rest: infer R) => unknown ? R : never;
type Result<F> = F extends (...args: never[]) => infer R ? R : never;

/** Has the writer do something. Resolves once it is on disk; all of it or nothing. */
export type Write = <N extends keyof Operations>(
  name: N,
  ...args: Arguments<Operations[N]>
) => Promise<Result<Operations[N]>>;

type Pending = { resolve: (value: never) => void; reject: (error: unknown) => void };

/** The writer, seen from the thread that serves. It starts with the first write, and again after it crashed. */
export function openWriter(file: string): { write: Write; close: () => Promise<void> } {
  const pending = new Map<number, Pending>();
  let worker: Worker | undefined;
  let outbox: Request[] = [];
  let lastId = 0;

  const start = (): Worker => {
    // The package has the same file as JavaScript.
    const entry = new URL(import.meta.url.endsWith(".ts") ? "./writer.ts" : "./writer.js", import.meta.url);
    const started = new Worker(entry, { workerData: { file } });
    started.on("message", (replies: Reply[]) => {
      for (const { id, value, error } of replies) {
        const waiting = pending.get(id);
        pending.delete(id);
        if (error === undefined) waiting?.resolve(value as never);
        else waiting?.reject(error);
      }
    });
    started.on("error", (error) => fail(error));
    started.on("exit", () => {
      if (worker === started) worker = undefined;
      fail(new Error("the store's writer has stopped"));
    });
    return started;
  };

  const fail = (error: unknown): void => {
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
  };

  const flush = (): void => {
    const requests = outbox;
    outbox = [];
    worker ??= start();
    worker.postMessage(requests);
  };

  return {
    write: (name, ...args) =>
      new Promise((resolve, reject) => {
        lastId += 1;
        pending.set(lastId, { resolve: resolve as Pending["resolve"], reject });
        if (outbox.push({ id: lastId, name, args }) === 1) queueMicrotask(flush);
      }),
    async close() {
      const closing = worker;
      if (!closing) return;
      await new Promise<void>((closed) => {
        closing.once("exit", () => closed());
        closing.postMessage("close");
      });
    },
  };
}
