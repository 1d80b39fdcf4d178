import type { Connection } from "./connection.ts";
import type { Operations } from "./operations.ts";
import { openThread } from "./thread.ts";

type Arguments<F> = F extends (db: Connection, ...rest: infer R) => unknown ? R : never;
type ResultOf<F> = F extends (...args: never[]) => infer R ? R : never;

/** Has the writer do something. Resolves once it is on disk; all of it or nothing. */
export type Write = <N extends keyof Operations>(
  name: N,
  ...args: Arguments<Operations[N]>
) => Promise<ResultOf<Operations[N]>>;

/** The writer, seen from the thread that serves. */
export function openWriter(file: string): { write: Write; close: () => Promise<void> } {
  const { ask, close } = openThread<keyof Operations>(file, "writer");
  return { write: (name, ...args) => ask(name, args) as Promise<never>, close };
}
