import { writeSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { Fault } from "../../src/core/errors.ts";
import type { JsonObject } from "../../src/lib/body.ts";
import { createPace } from "../../src/lib/pace.ts";
import { emptyIndex, enter, indexOf, type Line, linesOf, nameOf, type RecordKind } from "./activity-index.ts";
import {
  missing,
  Overtaken,
  orMissing,
  readSettled,
  replaceFile,
  syncFolder,
  versionNow,
  versionOf,
  withCure,
  writeAll,
} from "./files.ts";
import { parseExactly, renderRecord } from "./records.ts";

/**
 * The activities and tasks: one JSON object a line, appended. The newest line of a key counts; an older one gets `#` in
 * place of its `{`, so that each record is there once for a person, and is dropped when the file is compacted.
 */
export type ActivityLog = {
  /** Reads the file again if another program changed it. */
  refresh(): Promise<void>;
  activity(key: string, id?: string): Promise<JsonObject | undefined>;
  task(id: string): Promise<JsonObject | undefined>;
  taskIdOf(key: string): string | undefined;
  /** What is wrong with the lines that are no records. */
  faults(): Fault[];
  nextId(kind: RecordKind): string;
  put(kind: RecordKind, record: JsonObject): void;
  remove(key: string, id?: string): void;
  /** Makes all changes durable. */
  flush(): Promise<void>;
  /** Adds records that an earlier version kept elsewhere, but for those that are here; all of them or none. */
  takeOver(records: Readonly<Record<RecordKind, readonly JsonObject[]>>): Promise<void>;
  /** After a failure memory and file may differ: drops all changes, and the file is read again. */
  forget(): Promise<void>;
};

/** Of superseded lines; a small file is not compacted. */
const spareBytes = 1024 * 1024;
const namedProblems = 3;

export function activityLog(file: string, warn: (message: string) => void): ActivityLog {
  let index = emptyIndex();
  let seen: string | undefined;
  let hadFile = false;
  let reader: FileHandle | undefined;
  let pending: Line[] = [];
  let removed = false;
  let lastWarning = "";

  const load = async (): Promise<void> => {
    const found = await readSettled(file, hadFile, indexOf);
    index = found?.content ?? emptyIndex();
    seen = found?.version ?? missing;
    hadFile = found !== undefined;
    const { problems } = index;
    const more = problems.length > namedProblems ? `; and ${problems.length - namedProblems} more` : "";
    const warning = `${file} has lines that are no activities: ${problems.slice(0, namedProblems).join("; ")}${more}. They are left out and stay in the file; correct or delete them there.`;
    if (problems.length > 0 && warning !== lastWarning) warn(warning);
    lastWarning = warning;
  };

  const read = async (line: Line | undefined): Promise<JsonObject | undefined> => {
    if (!line) return undefined;
    let text = line.text;
    if (text === undefined) {
      reader ??= await open(file, "r");
      const bytes = Buffer.allocUnsafe(line.length);
      await reader.read(bytes, 0, line.length, line.at);
      text = bytes.toString("utf8").replace(/^\uFEFF/, "");
    }
    try {
      return parseExactly(text) as JsonObject;
    } catch {
      throw new Overtaken(file);
    }
  };

  const activityName = (key: string, id?: string): string =>
    index.activities.has(key) || id === undefined ? key : `#${id}`;

  const put = (kind: RecordKind, record: JsonObject): void => {
    const text = renderRecord(record);
    const line = { at: -1, length: Buffer.byteLength(text), text };
    pending.push(line);
    enter(index, kind, record, line);
  };

  const flush = async (): Promise<void> => {
    if (versionNow(file) !== seen && (pending.length > 0 || index.older.length > 0))
      throw new Overtaken(file);
    if (pending.length > 0) await append(pending);
    pending = [];
    // All else is saved by now: what fails below is done after the next change.
    await (removed ? markOlder() : markOlder().catch(forget));
    await closeReader();
    if (index.deadBytes * 2 > index.size + spareBytes) await rewrite().catch(forget);
  };

  const append = async (lines: readonly Line[]): Promise<void> => {
    const isNew = seen === missing;
    const first = index.isEnded ? "" : "\n";
    const size = lines.reduce((sum, { length }) => sum + length + 1, index.size + first.length);
    const handle = await open(file, isNew ? "ax" : "a", 0o600);
    try {
      const texts = lines.map(({ text }) => `${text}\n`);
      await writeAll(handle, [first, ...texts]).catch(async (error: unknown) => {
        // A disk without room: no half line is left.
        await handle.truncate(index.size).catch(() => undefined);
        throw error;
      });
      await handle.sync();
      if (isNew) await syncFolder(file);
      const stats = await handle.stat({ bigint: true });
      const version = versionOf(stats);
      if (Number(stats.size) !== size || versionNow(file) !== version) throw new Overtaken(file);
      seen = version;
      hadFile = true;
    } finally {
      await handle.close();
    }
    let at = index.size + first.length;
    for (const line of lines) {
      line.at = at;
      at += line.length + 1;
      delete line.text;
    }
    Object.assign(index, { size, isEnded: true });
  };

  /** One byte a line: nothing that a power failure could tear. */
  const markOlder = async (): Promise<void> => {
    const older = index.older.splice(0).filter(({ at }) => at >= 0);
    if (older.length === 0) return;
    const pace = createPace();
    const handle = await open(file, "r+");
    try {
      for (const { at, length } of older) {
        // Without an await in between: a person's save must not be written to.
        if (versionNow(file) !== seen) throw new Overtaken(file);
        writeSync(handle.fd, "#", at);
        seen = versionNow(file);
        index.deadBytes += length + 1;
        await pace();
      }
      if (removed) await handle.sync();
      removed = false;
    } finally {
      await handle.close();
    }
  };

  /** Writes the file with its newest lines alone, and more records. */
  const rewrite = async (more: readonly Line[] = []): Promise<void> => {
    const { activities, tasks, broken } = index;
    const lines = new Map(
      [...activities.values(), ...tasks.values(), ...broken].map((line) => [line.at, line]),
    );
    const places: [Line, number][] = [];
    let size = 0;
    const place = (line: Line): void => {
      places.push([line, size]);
      size += line.length + 1;
    };
    const content = async function* () {
      const handle = await orMissing(open(file, "r"));
      try {
        if (handle)
          for await (const { at, bytes } of linesOf(handle)) {
            const line = lines.get(at);
            if (!line) continue;
            place(line);
            yield bytes;
            yield "\n";
          }
      } finally {
        await handle?.close();
      }
      for (const line of more) {
        place(line);
        yield `${line.text}\n`;
      }
    };
    seen = await replaceFile(file, seen ?? missing, content());
    hadFile = true;
    for (const [line, at] of places) {
      line.at = at;
      delete line.text;
    }
    Object.assign(index, { size, deadBytes: 0, older: [], isEnded: true });
  };

  const closeReader = async (): Promise<void> => {
    const handle = reader;
    reader = undefined;
    await handle?.close();
  };

  const forget = async (): Promise<void> => {
    pending = [];
    removed = false;
    seen = undefined;
    await closeReader();
  };

  const cured = (error: unknown) => Promise.reject(withCure(file, error));
  return {
    refresh: async () => {
      if (seen === undefined || versionNow(file) !== seen) await load().catch(cured);
    },
    activity: (key, id) => read(index.activities.get(activityName(key, id))).catch(cured),
    task: (id) => read(index.tasks.get(id)).catch(cured),
    taskIdOf: (key) => index.taskIds.get(key),
    faults: () =>
      index.problems.map((problem) => ({
        at: file,
        problem: `${problem}.`,
        cure: "Correct or delete the line: until then it is left out and stays in the file.",
      })),
    nextId: (kind) => String(index.lastIds[kind] + 1),
    put,
    remove: (key, id) => {
      const name = activityName(key, id);
      const line = index.activities.get(name);
      if (!line) return;
      index.activities.delete(name);
      pending = pending.filter((one) => one !== line);
      index.older.push(line);
      removed = true;
    },
    flush: () => flush().catch(cured),
    takeOver: async (records) => {
      for (const kind of ["activities", "tasks"] as const)
        for (const record of records[kind]) {
          if (!index[kind].has(nameOf(kind, record))) put(kind, record);
        }
      const added = pending;
      pending = [];
      if (added.length > 0) await rewrite(added).catch(cured);
    },
    forget,
  };
}
