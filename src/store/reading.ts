import type { Bind, Row } from "./connection.ts";
import { openThread } from "./thread.ts";

/** Where a query is answered: at once, or by another thread. */
export type QueryRunner = { all(sql: string, ...values: Bind[]): Row[] | Promise<Row[]> };

/** The reader, seen from the thread that serves. */
export function openReader(file: string): QueryRunner & { close: () => Promise<void> } {
  const { ask, close } = openThread<"all">(file, "reader");
  return { all: (sql, ...values) => ask("all", [sql, values]) as Promise<Row[]>, close };
}
