import {
  type ColumnType,
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import type { Bind } from "./connection.ts";
import type { QueryRunner } from "./reading.ts";
import type { Write } from "./writing.ts";

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
    link: Later<number>;
  };
  asks: {
    call: number;
    installation: string;
    provider: string;
    since: number;
    due_at: number;
    attempts: Later<number>;
  };
  recordings: {
    call: number;
    installation: string;
    state: string;
    since: number;
    due_at: number | null;
    attempts: number;
    seen_at: number | null;
    told_at: number | null;
    place: string | null;
    bytes: number | null;
    sha256: string | null;
    type: string | null;
    reason: string | null;
  };
  follow_ups: {
    call: number;
    installation: string;
    state: string;
    since: number;
    contact_kind: string | null;
    contact_id: string | null;
    number: string | null;
    task_id: string | null;
    fields: string;
    close_at: number | null;
    attempts: number;
    reached_by: string | null;
    reason: string | null;
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
  secrets: { name: string; value: Uint8Array };
  tallies: { installation: string; state: string; calls: number };
  erased: { installation: string; mark: Uint8Array; at: number; until: number };
  installs: {
    name: string;
    crm: string;
    account: string;
    state: string;
    reason: string | null;
    body: string;
    sealed: string | null;
    version: number;
    updated_at: number;
    claimed_until: Later<number | null>;
    left_at: Later<number | null>;
  };
};

/**
 * Kysely over our own threads: queries go to a reader, changes to the writer. Each statement stands alone;
 * what needs a transaction is an operation of the writer.
 */
export function kyselyOver(reader: QueryRunner, write: Write): Kysely<Tables> {
  const connection: DatabaseConnection = {
    async executeQuery<R>({ sql, parameters, query }: CompiledQuery): Promise<QueryResult<R>> {
      const values = parameters as Bind[];
      if (query.kind === "SelectQueryNode") return { rows: (await reader.all(sql, ...values)) as R[] };
      const { changes } = await write("run", sql, values);
      return { rows: [], numAffectedRows: BigInt(changes) };
    },
    streamQuery() {
      throw new Error("queries are not streamed here: ask for pages");
    },
  };
  return new Kysely<Tables>({
    dialect: {
      createAdapter: () => new SqliteAdapter(),
      createQueryCompiler: () => new SqliteQueryCompiler(),
      createIntrospector: (db) => new SqliteIntrospector(db),
      createDriver: () => driverOf(connection),
    },
  });
}

function driverOf(connection: DatabaseConnection): Driver {
  const noTransactions = async (): Promise<void> => {
    throw new Error("a transaction is an operation of the writer");
  };
  return {
    init: async () => {},
    acquireConnection: async () => connection,
    beginTransaction: noTransactions,
    commitTransaction: noTransactions,
    rollbackTransaction: noTransactions,
    releaseConnection: async () => {},
    destroy: async () => {},
  };
}
