import { isObject, textAt } from "../../src/lib/body.ts";

/**
 * Where the reading of contacts stands. `shape`: which fields are read. `since`: ISO time of the last complete round;
 * absent during the first. `start`: ISO time when this round began; absent between rounds. `object`: which kind of
 * person is being read, and `stamp` with `id` the last one that was.
 */
export type ChangesCursor = {
  shape: string;
  since?: string;
  start?: string;
  object?: string;
  stamp?: string;
  id?: string;
};

/** A cursor as `changedContacts` gave it out; undefined for anything else. */
export function readCursor(text: string | undefined): ChangesCursor | undefined {
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  const shape = isObject(value) ? textAt(value, "shape") : undefined;
  if (!isObject(value) || !shape) return undefined;
  const cursor: ChangesCursor = { shape };
  for (const name of ["since", "start", "object", "stamp", "id"] as const) {
    const text = textAt(value, name);
    if (text) cursor[name] = text;
  }
  return cursor;
}
