import { setImmediate } from "node:timers/promises";
import { Low } from "lowdb";
import { messageOf } from "../../src/core/errors.ts";
import { type Disk, Overtaken } from "./disk.ts";
import { type Document, newDocument } from "./document.ts";

/**
 * The document and its file. `change` returns its result once it is on the disk; all changes during one write go into
 * the next one. An edit may run again on a version that another program has just saved.
 */
export type LocalFile = {
  current(): Promise<Document>;
  change<T>(edit: (document: Document) => T | Promise<T>): Promise<T>;
  /** Calls back soon after another program changed the file. */
  watch(changed: () => void): () => void;
  close(): Promise<void>;
};

type FileJob = { run(document: Document): Promise<void>; done(): void; fail(error: unknown): void };

/** Polling the file's time and size works on every file system; notifications do not. */
const lookEveryMs = 250;
/** Several saves of an editor are one change. */
const settleMs = 50;
const maxAttempts = 10;

export function openFile(disk: Disk, warn: (message: string) => void): LocalFile {
  const nothingYet = newDocument();
  const database = new Low<Document>(disk, nothingYet);
  const watchers = new Set<() => void>();
  let queue: FileJob[] = [];
  let working: Promise<void> | undefined;
  let isOpen = false;
  let looking: NodeJS.Timeout | undefined;
  let telling: NodeJS.Timeout | undefined;
  let lastWarning: string | undefined;

  const refresh = async (): Promise<void> => {
    if (isOpen && !(await disk.changed())) return;
    await database.read();
    if (!isOpen && database.data === nothingYet) await database.write();
    if (isOpen) telling ??= setTimeout(tell, settleMs);
    isOpen = true;
  };

  const tell = (): void => {
    telling = undefined;
    for (const changed of watchers) changed();
  };

  const attempt = async (jobs: readonly FileJob[], attempts = 1): Promise<void> => {
    await refresh();
    const before = database.data.edits;
    for (const job of jobs) await job.run(database.data);
    if (database.data.edits === before) return;
    const overtaken = await database.write().catch((error: unknown) => {
      if (!(error instanceof Overtaken) || attempts >= maxAttempts) throw error;
      return true;
    });
    if (overtaken) await attempt(jobs, attempts + 1);
  };

  const work = async (): Promise<void> => {
    await setImmediate();
    while (queue.length > 0) {
      const jobs = queue;
      queue = [];
      await attempt(jobs).then(
        () => {
          for (const job of jobs) job.done();
        },
        (error: unknown) => {
          disk.forget();
          for (const job of jobs) job.fail(error);
        },
      );
    }
    working = undefined;
  };

  const change = <T>(edit: (document: Document) => T | Promise<T>): Promise<T> =>
    new Promise<T>((resolve, fail) => {
      let result: T;
      const run = async (document: Document) => {
        result = await edit(document);
      };
      queue.push({ run, done: () => resolve(result), fail });
      working ??= work();
    });

  const current = async (): Promise<Document> => {
    if (isOpen && !(await disk.changed())) return database.data;
    return change((document) => document);
  };

  const look = async (): Promise<void> => {
    const problem = await current().then(() => undefined, messageOf);
    if (problem && problem !== lastWarning) warn(problem);
    lastWarning = problem;
  };

  return {
    current,
    change,
    watch: (changed) => {
      const watcher = () => changed();
      watchers.add(watcher);
      looking ??= setInterval(look, lookEveryMs).unref();
      return () => {
        watchers.delete(watcher);
        if (watchers.size > 0) return;
        clearInterval(looking);
        looking = undefined;
      };
    },
    close: async () => {
      watchers.clear();
      clearInterval(looking);
      await working;
      clearTimeout(telling);
    },
  };
}
