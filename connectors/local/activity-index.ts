import type { FileHandle } from "node:fs/promises";
import { isObject, type JsonObject } from "../../src/lib/body.ts";
import { createPace } from "../../src/lib/pace.ts";
import { higherId, JsonFault, parseText, textOf } from "./records.ts";

export type RecordKind = "activities" | "tasks";

/** A line of the file. */
export type Line = {
  /** Its first byte; -1 until it is written. */
  at: number;
  /** In bytes, without the line break. */
  length: number;
  /** Until it is written. */
  text?: string;
};

/** What is held in memory: where the newest line of each record is, but not what is in it. */
export type Index = {
  /** By the key of the call; `#` and the id for one that a person wrote without a key. */
  activities: Map<string, Line>;
  /** By id. */
  tasks: Map<string, Line>;
  /** By the key of the call. */
  taskIds: Map<string, string>;
  lastIds: Record<RecordKind, number>;
  /** Lines that are no records: they are reported and stay in the file. */
  broken: Line[];
  /** What is wrong with them, with the place. */
  problems: string[];
  /** Superseded lines that are not marked yet. */
  older: Line[];
  /** Of the file. */
  size: number;
  /** Of superseded and empty lines. */
  deadBytes: number;
  /** Whether the last line ends in a line break. */
  isEnded: boolean;
};

const blockBytes = 256 * 1024;
const newLine = 0x0a;

export function emptyIndex(): Index {
  return {
    activities: new Map(),
    tasks: new Map(),
    taskIds: new Map(),
    lastIds: { activities: 0, tasks: 0 },
    broken: [],
    problems: [],
    older: [],
    size: 0,
    deadBytes: 0,
    isEnded: true,
  };
}

export async function indexOf(handle: FileHandle): Promise<Index> {
  const index = emptyIndex();
  const pace = createPace();
  let number = 0;
  for await (const { at, bytes, isEnded } of linesOf(handle)) {
    takeLine(index, { at, length: bytes.length }, bytes, ++number);
    index.size = at + bytes.length + (isEnded ? 1 : 0);
    index.isEnded = isEnded;
    await pace();
  }
  return index;
}

function takeLine(index: Index, line: Line, bytes: Buffer, number: number): void {
  try {
    const text = textOf(bytes, number);
    if (isSuperseded(text)) index.deadBytes += line.length + 1;
    else {
      const record = recordOf(text, number);
      enter(index, "taskFor" in record ? "tasks" : "activities", record, line);
    }
  } catch (error) {
    if (!(error instanceof JsonFault)) throw error;
    index.broken.push(line);
    index.problems.push(error.message);
  }
}

/** Nothing, or a record of ours with `#` in place of its `{`. */
function isSuperseded(text: string): boolean {
  if (!text.startsWith("#")) return text.trim() === "";
  try {
    return isObject(JSON.parse(`{${text.slice(1)}`));
  } catch {
    return false;
  }
}

function recordOf(text: string, number: number): JsonObject {
  const record = parseText(text, number);
  const fault = (problem: string) => new JsonFault(`line ${number}`, problem);
  if (!isObject(record)) throw fault('expected a record: "{"');
  const { id, key } = record;
  if (!Number.isFinite(id) && (typeof id !== "string" || id === ""))
    throw fault('id: expected an id, e.g. "12"');
  if (key !== undefined && key !== null && typeof key !== "string")
    throw fault("key: expected the key of a call, a text");
  return record;
}

/** Makes this line the newest one of its record. */
export function enter(index: Index, kind: RecordKind, record: JsonObject, line: Line): void {
  const name = nameOf(kind, record);
  const before = index[kind].get(name);
  if (before) index.older.push(before);
  index[kind].set(name, line);
  index.lastIds[kind] = higherId(index.lastIds[kind], record["id"]);
  const call = kind === "tasks" && record["taskFor"];
  if (typeof call === "string" && !index.taskIds.has(call)) index.taskIds.set(call, name);
}

export function nameOf(kind: RecordKind, { id, key }: JsonObject): string {
  if (kind === "tasks") return String(id);
  return typeof key === "string" ? key : `#${String(id)}`;
}

export async function* linesOf(
  handle: FileHandle,
): AsyncGenerator<{ at: number; bytes: Buffer; isEnded: boolean }> {
  let at = 0;
  let rest: Buffer = Buffer.alloc(0);
  for (let place = 0; ; ) {
    const block = Buffer.allocUnsafe(blockBytes);
    const { bytesRead } = await handle.read(block, 0, blockBytes, place);
    if (bytesRead === 0) break;
    place += bytesRead;
    const bytes =
      rest.length > 0 ? Buffer.concat([rest, block.subarray(0, bytesRead)]) : block.subarray(0, bytesRead);
    let start = 0;
    // What is left of the block before has no line break.
    for (let end = bytes.indexOf(newLine, rest.length); end >= 0; end = bytes.indexOf(newLine, start)) {
      yield { at, bytes: bytes.subarray(start, end), isEnded: true };
      at += end + 1 - start;
      start = end + 1;
    }
    rest = bytes.subarray(start);
  }
  if (rest.length > 0) yield { at, bytes: rest, isEnded: false };
}
