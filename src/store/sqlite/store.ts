import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import type { Store } from "../contract.ts";
import type { Db, ReadDb } from "../db/db.ts";
import { type DeliveryColumns, groupCommit } from "../group-commit.ts";
import { withNamedErrors } from "../named-errors.ts";
import { type Operations, storeOver, type Write } from "../store.ts";
import { losses, type Mark } from "./append.ts";
import { openConnection } from "./connection.ts";
import { healthOf } from "./health.ts";
import { faultsOf, integrityCheck } from "./recovery.ts";

/**
 * The embedded store: one SQLite file, `switchhook.db`, in the data folder. Quick reads run in the thread that calls,
 * listings and writes in threads of their own.
 */
export function openSqliteStore(folder: string, now: () => number = Date.now): Store {
  const file = join(folder, "switchhook.db");
  const db = openConnection(file, { writes: false });
  const { write, close } = openWriter(file);
  const listings = openReader(file);
  const health = healthOf(file);

  const cleanUp = async (): Promise<void> => {
    for (let n = 1; n <= tries && !(await write("cleanLog")); n += 1) await pause(againMs);
  };

  const store: Store = {
    ...storeOver({ read: db, listings, write, cleanUp }, now),
    append: groupCommit((columns) => write("append", columns), {
      atOnce: Number.POSITIVE_INFINITY,
      named: health.named,
    }),
    ready: async () => {
      health.check();
      await write("ready");
    },
    losses: (since) => losses(db, since),
    damage: async () => {
      const reader = openReader(file);
      try {
        const faults = faultsOf(await reader.all(integrityCheck));
        health.found(faults);
        return faults;
      } catch (error) {
        const named = health.named(error);
        if (named.fault !== "damaged") throw named;
        return [named.message];
      } finally {
        await reader.close();
      }
    },
    close: async () => {
      await Promise.all([close(), listings.close()]);
      db.close();
    },
  };
  return withNamedErrors(store, health.named);
}

/** A long reader, such as a backup, can keep what was erased in the log; the log is overwritten in time. */
const tries = 10;
const againMs = 100;

/** What the writer can do. Arguments and results cross threads: plain data only. */
export type WriterOperations = Operations & {
  append: (tx: Db, columns: DeliveryColumns) => Promise<Mark>;
  ready: () => Promise<void>;
  cleanLog: () => Promise<boolean>;
};

export type ThreadRequest = { id: number; name: string; args: unknown[] };
export type ThreadReply = { id: number; value?: unknown; failure?: ThreadFailure };

/** An error as it crosses threads, which drop SQLite's codes. */
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

function openWriter(file: string): { write: Write<WriterOperations>; close: () => Promise<void> } {
  const { request, close } = openThread(file, "writer");
  return { write: (name, ...args) => request(name, args) as Promise<never>, close };
}

function openReader(file: string): ReadDb & { close: () => Promise<void> } {
  const { request, close } = openThread(file, "reader");
  const all: ReadDb["all"] = (sql, values) => request("all", [sql, values]) as ReturnType<ReadDb["all"]>;
  return { all, get: async (sql, values) => (await all(sql, values))[0], close };
}

type PendingRequest = { resolve: (value: unknown) => void; reject: (error: unknown) => void };

/** Starts the thread with the first request, and again after it crashed. Requests of one turn go over together. */
function openThread(file: string, role: "writer" | "reader") {
  const pending = new Map<number, PendingRequest>();
  let worker: Worker | undefined;
  let outbox: ThreadRequest[] = [];
  let lastId = 0;

  const start = (): Worker => {
    // The package has the same file as JavaScript.
    const ending = import.meta.url.endsWith(".ts") ? ".ts" : ".js";
    const started = new Worker(new URL(`./worker${ending}`, import.meta.url), { workerData: { file, role } });
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
      fail(new Error(`the store's ${role} has stopped`));
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
    request: (name: string, args: unknown[]): Promise<unknown> =>
      new Promise((resolve, reject) => {
        lastId += 1;
        pending.set(lastId, { resolve, reject });
        if (outbox.push({ id: lastId, name, args }) === 1) queueMicrotask(flush);
      }),
    /** Requests from before are still done. */
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
