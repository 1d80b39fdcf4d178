import { Worker } from "node:worker_threads";

export type ThreadRequest<Name extends string = string> = { id: number; name: Name; args: unknown[] };
export type ThreadReply = { id: number; value?: unknown; failure?: ThreadFailure };

/** An error as it crosses threads, which drop SQLite's code. */
type ThreadFailure = { type: string; message: string; stack?: string; code?: unknown; errcode?: unknown };

export function failureOf(error: unknown): ThreadFailure {
  if (!(error instanceof Error)) return { type: "Error", message: String(error) };
  const { name: type, message, stack } = error;
  const codes = {
    ...("code" in error && { code: error.code }),
    ...("errcode" in error && { errcode: error.errcode }),
  };
  return { type, message, ...(stack !== undefined && { stack }), ...codes };
}

const types: Readonly<Record<string, new (message: string) => Error>> = {
  SyntaxError,
  TypeError,
  RangeError,
};

function errorOf({ type, message, ...rest }: ThreadFailure): Error {
  return Object.assign(new (types[type] ?? Error)(message), rest);
}

type PendingRequest = { resolve: (value: unknown) => void; reject: (error: unknown) => void };

/**
 * A thread of the store, seen from the one that serves. It starts with the first request, and again after it crashed;
 * what is asked in one turn goes over together.
 */
export function openThread<Name extends string>(file: string, script: "writer" | "reader") {
  const pending = new Map<number, PendingRequest>();
  let worker: Worker | undefined;
  let outbox: ThreadRequest<Name>[] = [];
  let lastId = 0;

  const start = (): Worker => {
    // The package has the same file as JavaScript.
    const ending = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
    const started = new Worker(new URL(`./${script}${ending}`, import.meta.url), { workerData: { file } });
    started.on("message", (replies: ThreadReply[]) => {
      for (const { id, value, failure } of replies) {
        const waiting = pending.get(id);
        pending.delete(id);
        if (failure === undefined) waiting?.resolve(value);
        else waiting?.reject(errorOf(failure));
      }
    });
    started.on("error", (error) => fail(error));
    started.on("exit", () => {
      if (worker === started) worker = undefined;
      fail(new Error(`the store's ${script} has stopped`));
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
    ask: (name: Name, args: unknown[]): Promise<unknown> =>
      new Promise((resolve, reject) => {
        lastId += 1;
        pending.set(lastId, { resolve, reject });
        if (outbox.push({ id: lastId, name, args }) === 1) queueMicrotask(flush);
      }),
    /** What was asked before is still done. */
    async close(): Promise<void> {
      const closing = worker;
      if (!closing) return;
      await new Promise<void>((closed) => {
        closing.once("exit", () => closed());
        closing.postMessage("close");
      });
    },
  };
}
