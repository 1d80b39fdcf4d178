import { type ColumnType, Kysely, type SqliteDatabase, SqliteDialect } from "kysely";
import type { Bind, Connection } from "./connection.ts";

/** A column that the database or a later step fills. */
type Later<T> = ColumnType<T, T | undefined, T>;

/** The tables as the shared queries see them; `migrations.ts` has them in full. */
export type Tables = {
  deliveries: {
    id: Later<number>;
    installation: string;
    provider: string;
    received_at: number;
    method: string;
    url: string;
    headers: string;
    body: Uint8Array;
    state: number;
    kind: string | null;
    events: number;
    repeats: number;
    fault: string | null;
  };
  digests: { digest: number; delivery: number; at: number };
  calls: {
    id: Later<number>;
    key: string;
    installation: string;
    provider: string;
    revision: number;
    body: string;
    state: string;
    reason: string | null;
    number: string | null;
    due_at: number | null;
    attempts: number;
    saved_revision: number;
    contact_kind: string | null;
    contact_id: string | null;
    owner_id: string | null;
    activity_id: string | null;
    ours: string;
    decision: string | null;
    merged_into: number | null;
    created_at: number;
    updated_at: number;
  };
  events: { call: number; digest: number; delivery: number; body: string };
  history: { id: Later<number>; call: number; at: number; step: string; detail: string };
  contacts: {
    installation: string;
    kind: string;
    id: string;
    generation: number;
    numbers: string;
    body: string;
  };
  syncs: { installation: string; cursor: string | null; generation: number; finished_at: number | null };
  answers: {
    installation: string;
    provider: string;
    ref: string;
    at: number;
    number: string | null;
    reply: string;
    why: string;
  };
};

/** Kysely over our connection; closing it is the connection's business. */
export function kyselyOver(connection: Connection): Kysely<Tables> {
  const database: SqliteDatabase = {
    close: () => {},
    prepare: (sql) => {
      const statement = connection.statement(sql);
      return {
        reader: statement.columns().length > 0,
        all: (values) => connection.all(sql, ...(values as Bind[])),
        run: (values) => {
          const { changes, id } = connection.run(sql, ...(values as Bind[]));
          return { changes, lastInsertRowid: id };
        },
        iterate: (values) => statement.iterate(...(values as Bind[])),
      };
    },
  };
  return new Kysely<Tables>({ dialect: new SqliteDialect({ database }) });
}
