import { rm } from "node:fs/promises";
import { Low } from "lowdb";
import { messageOf } from "../../src/core/errors.ts";
import { isObject, type JsonObject } from "../../src/lib/body.ts";
import { createTurns } from "../../src/lib/pace.ts";
import { type ActivityLog, activityLog } from "./activity-log.ts";
import { contactsFile, type Document, newDocument } from "./contacts-file.ts";
import { filesOf, Overtaken, temporaryOf, whileLocked, withCure } from "./files.ts";

/** The two files of a local CRM. */
export type LocalCrm = {
  /** The contacts and owners, with a person's edits. */
  contacts(): Promise<Document>;
  /**
   * Returns the result of an edit once it is on the disk. An edit may run again on a version that another program has just
   * saved.
   */
  change<T>(edit: Edit<T>): Promise<T>;
  /** Calls back soon after another program changed the contacts. */
  watch(changed: () => void): () => void;
  close(): Promise<void>;
};

type Edit<T> = (document: Document, log: ActivityLog) => Promise<T>;
type Opened = { files: { contacts: string; activities: string }; log: ActivityLog };

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
  let opened: Opened | undefined;
  let isRead = false;
  let looking: NodeJS.Timeout | undefined;
  let notifying: NodeJS.Timeout | undefined;
  let lastWarning: string | undefined;

  const open = async () => {
    const files = await filesOf(path);
    return { files, log: activityLog(files.activities, warn) };
  };

  const refresh = async ({ files, log }: Opened): Promise<void> => {
    if (!isRead || (await file.changed())) {
      await database.read();
      if (isRead) notifying ??= setTimeout(notify, settleMs);
      else for (const name of Object.values(files)) await rm(temporaryOf(name), { force: true });
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

  const change = <T>(edit: Edit<T>): Promise<T> =>
    turns(async () => {
      opened ??= await open();
      const current = opened;
      try {
        return await whileLocked(current.files.contacts, () => attempt(current, edit));
      } catch (error) {
        throw withCure(path, error);
      }
    });

  const attempt = async <T>(current: Opened, edit: Edit<T>, attempts = 1): Promise<T> => {
    const { log } = current;
    try {
      await refresh(current);
      const result = await edit(database.data, log);
      if (database.data.isEdited) await database.write();
      await log.flush();
      return result;
    } catch (error) {
      file.forget();
      await log.forget();
      if (!(error instanceof Overtaken) || attempts >= maxAttempts) throw error;
      return attempt(current, edit, attempts + 1);
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
