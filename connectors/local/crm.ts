import { Low } from "lowdb";
import { messageOf } from "../../src/core/errors.ts";
import { isObject, type JsonObject } from "../../src/lib/body.ts";
import { createTurns } from "../../src/lib/pace.ts";
import { type ActivityLog, activityLog } from "./activity-log.ts";
import { contactsFile, type Document, newDocument } from "./contacts-file.ts";
import { filesOf, Overtaken, removeLeftovers, whileLocked, withCure } from "./files.ts";

/** The two files of a local CRM. */
export type LocalCrm = {
  /** The contacts and owners, with a person's edits. */
  contacts(): Promise<Document>;
  /**
   * Returns the result of an edit once it is on the disk. An edit may run again on a version that another program has just
   * saved.
   */
  change<T>(edit: (document: Document, log: ActivityLog) => Promise<T>): Promise<T>;
  /** Calls back soon after another program changed the contacts. */
  watch(changed: () => void): () => void;
  close(): Promise<void>;
};

/** Polling the file's time and size works on every file system; notifications do not. */
const lookEveryMs = 250;
/** Several saves of an editor are one change. */
const settleMs = 50;
const maxAttempts = 10;

export function openCrm(path: string, region: string, warn: (message: string) => void): LocalCrm {
  const turns = createTurns();
  const file = contactsFile(path, region);
  const database = new Low<Document>(file, newDocument());
  const watchers = new Set<() => void>();
  let opened: { lock: string; log: ActivityLog } | undefined;
  let isRead = false;
  let looking: NodeJS.Timeout | undefined;
  let notifying: NodeJS.Timeout | undefined;
  let lastWarning: string | undefined;

  const open = async () => {
    const { contacts, activities } = await filesOf(path);
    for (const name of [contacts, activities]) await removeLeftovers(name);
    return { lock: contacts, log: activityLog(activities, warn) };
  };

  const refresh = async (log: ActivityLog): Promise<void> => {
    if (!isRead || (await file.changed())) {
      await database.read();
      if (isRead) notifying ??= setTimeout(notify, settleMs);
      isRead = true;
    }
    await log.refresh();
    await takeOver(log);
  };

  /** Moves the activities and tasks of an earlier version, which kept them with the contacts, into their own file. */
  const takeOver = async (log: ActivityLog): Promise<void> => {
    const { activities, tasks, ...members } = database.data.members;
    const old = [activities, tasks].map((list) => (Array.isArray(list) ? list.filter(isObject) : []));
    const [oldActivities = [], oldTasks = []] = old;
    if (oldActivities.length + oldTasks.length === 0) return;
    await log.takeOver({ activities: oldActivities, tasks: oldTasks.map(asTask) });
    Object.assign(database.data, { members, isEdited: true });
  };

  const notify = (): void => {
    notifying = undefined;
    for (const changed of watchers) changed();
  };

  const change = <T>(edit: (document: Document, log: ActivityLog) => Promise<T>): Promise<T> =>
    turns(async () => {
      opened ??= await open();
      const { lock, log } = opened;
      try {
        return await whileLocked(lock, () => attempt(log, edit));
      } catch (error) {
        throw withCure(path, error);
      } finally {
        await log.release();
        if (log.isCompactionDue()) void turns(() => whileLocked(lock, () => compact(log)));
      }
    });

  const attempt = async <T>(
    log: ActivityLog,
    edit: (document: Document, log: ActivityLog) => Promise<T>,
    attempts = 1,
  ): Promise<T> => {
    try {
      await refresh(log);
      const result = await edit(database.data, log);
      if (database.data.isEdited) await database.write();
      await log.flush();
      return result;
    } catch (error) {
      file.forget();
      log.forget();
      if (!(error instanceof Overtaken) || attempts >= maxAttempts) throw error;
      return attempt(log, edit, attempts + 1);
    }
  };

  const compact = async (log: ActivityLog): Promise<void> => {
    try {
      await log.refresh();
      if (log.isCompactionDue()) await log.compact();
    } catch (error) {
      log.forget();
      if (!(error instanceof Overtaken)) warn(messageOf(error));
    }
  };

  const contacts = async (): Promise<Document> => {
    if (isRead && !(await file.changed())) return database.data;
    return change(async (document) => document);
  };

  const look = async (): Promise<void> => {
    const problem = await contacts().then(() => undefined, messageOf);
    if (problem && problem !== lastWarning) warn(problem);
    lastWarning = problem;
  };

  return {
    contacts,
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
      await turns(async () => {});
      clearTimeout(notifying);
    },
  };
}

function asTask({ id, key = null, ...fields }: JsonObject): JsonObject {
  return { id, taskFor: key, ...fields };
}
