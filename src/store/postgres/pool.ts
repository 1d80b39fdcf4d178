import type { Writable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import type { Pool, PoolClient, PoolConfig, QueryConfig, QueryResult } from "pg";
import { type Db, parameterPattern, type Row, type Values, valuesOf, withoutNul } from "../db/db.ts";
import { isConflict, isConnectionFault, isOutdatedPlan } from "./faults.ts";

/** Connections to PostgreSQL, opened on first use and again after one failed. */
export type Connections = Db & { close(): Promise<void> };

type PoolOptions = {
  /** Connections at most. */
  size: number;
  /** What a statement may take, in milliseconds. */
  timeoutMs: number;
  /** PostgreSQL plans each run by its parameters: a plan for all of them uses no index of one state. */
  isPlannedAnew?: boolean;
};

const connectMs = 5_000;
/** The server ends a statement first; a server that does not answer is given up after this. */
const silentMs = 2_000;
/** A process that stalls within a transaction loses its locks before another instance takes its work over. */
const stalledMs = 5_000;
/** How often a transaction that others stood in the way of is tried. */
const tries = 6;

type Statement = { name: string; text: string; names: readonly string[] };

/** Rows of one statement; the sizes are powers of two, so that there are few statements to be prepared. */
const mostRows = 32;

/** Transactions are READ COMMITTED; one that lost against another is run again, so `work` does nothing but use `tx`. */
export function openConnections(
  url: string,
  { size, timeoutMs, isPlannedAnew = false }: PoolOptions,
): Connections {
  const config: PoolConfig & { pipeline: boolean } = {
    connectionString: url,
    max: size,
    connectionTimeoutMillis: connectMs,
    idleTimeoutMillis: 60_000,
    keepAlive: true,
    pipeline: true,
    application_name: "switchhook",
    statement_timeout: timeoutMs,
    query_timeout: timeoutMs + silentMs,
    lock_timeout: timeoutMs,
    idle_in_transaction_session_timeout: Math.min(timeoutMs, stalledMs),
  };
  let opened: Promise<Pool> | undefined;
  const pool = (): Promise<Pool> => {
    opened ??= openPool(config);
    return opened;
  };
  const statements = new Map<string, Statement>();
  let closed: Promise<void> | undefined;

  const statementOf = (sql: string): Statement => {
    const known = statements.get(sql);
    if (known) return known;
    const made = { name: `switchhook_${statements.size}`, ...translated(sql) };
    statements.set(sql, made);
    return made;
  };

  const query = (client: Session, sql: string, given?: Values): Promise<QueryResult> => {
    const { name, text, names } = statementOf(sql);
    const values = valuesOf(names, given, toParameter);
    return client.query(isPlannedAnew ? { text, values } : { name, text, values });
  };

  /** The pool closes a connection on which a statement failed. All of them may have an outdated plan. */
  const queryAlone = async (sql: string, given?: Values): Promise<QueryResult> => {
    for (let n = 0; ; n += 1) {
      try {
        return await query(await pool(), sql, given);
      } catch (error) {
        if (!isOutdatedPlan(error) || n === size) throw error;
      }
    }
  };

  /** `sent`: the statements that are not waited for. */
  const within = (client: Session, sent: Sent): Db => {
    const own = rowsBy((sql, given) => query(client, sql, given));
    let last: Promise<unknown> = Promise.resolve();
    return {
      ...own,
      send: (sql, given) => sent.add(own.run(sql, given)),
      sendRows(sql, rows) {
        for (const part of partsOf(rows)) sent.add(own.run(repeated(sql, part.length), numbered(part)));
      },
      lock(name, mode) {
        const of = mode === "shared" ? "pg_advisory_xact_lock_shared" : "pg_advisory_xact_lock";
        sent.add(own.run(`SELECT ${of}(hashtextextended(:name, 0))`, { name }));
      },
      transaction: (work) => {
        const turn = last.then(async () => {
          await client.query("SAVEPOINT inner_work");
          try {
            const result = await work(within(client, sent));
            await sent.done();
            await client.query("RELEASE SAVEPOINT inner_work");
            return result;
          } catch (error) {
            await client.query("ROLLBACK TO SAVEPOINT inner_work");
            throw error;
          }
        });
        last = turn.catch(() => {});
        return turn;
      },
    };
  };

  /** One attempt. `mayRepeat`: nothing of it was committed, and it may succeed the next time. */
  const attempt = async <T>(
    work: (tx: Db) => Promise<T>,
  ): Promise<{ result: T } | { error: unknown; mayRepeat: boolean }> => {
    const client = await (await pool()).connect();
    const session = inOneWrite(client);
    const sent = createSent();
    let isCommitting = false;
    try {
      sent.add(session.query("BEGIN"));
      const result = await work(within(session, sent));
      isCommitting = true;
      // Not after the others have answered: when one of them failed, PostgreSQL rolls back.
      const committing = session.query("COMMIT");
      committing.catch(() => {});
      await sent.done();
      const { command } = await committing;
      if (command !== "COMMIT") throw new Error("PostgreSQL rolled the transaction back");
      client.release();
      return { result };
    } catch (caught) {
      // What was sent before failed first: then everything after it does.
      const error = sent.failure() ?? caught;
      const isLost = isConnectionFault(error) || isOutdatedPlan(error);
      if (isLost) client.release(true);
      else
        await client.query("ROLLBACK").then(
          () => client.release(),
          () => client.release(true),
        );
      return { error, mayRepeat: isConflict(error) || (isLost && !isCommitting) };
    }
  };

  const transaction: Db["transaction"] = async (work) => {
    for (let n = 1; ; n += 1) {
      const done = await attempt(work);
      if ("result" in done) return done.result;
      if (!done.mayRepeat || n === tries) throw done.error;
      await pause(Math.random() * 10 * 2 ** n);
    }
  };

  return {
    ...rowsBy(queryAlone),
    send() {
      throw new TypeError("only a transaction sends statements");
    },
    sendRows() {
      throw new TypeError("only a transaction sends statements");
    },
    lock() {
      throw new TypeError("a lock is held by a transaction");
    },
    transaction,
    close: () => {
      closed ??= opened?.then((one) => one.end()) ?? Promise.resolve();
      return closed;
    },
  };
}

function rowsBy(query: (sql: string, given?: Values) => Promise<QueryResult>) {
  return {
    all: async (sql: string, given?: Values) => (await query(sql, given)).rows as Row[],
    get: async (sql: string, given?: Values) => (await query(sql, given)).rows[0] as Row | undefined,
    run: async (sql: string, given?: Values) => (await query(sql, given)).rowCount ?? 0,
    rowsOf: async (sql: string, rows: readonly Values[]) => {
      const parts = partsOf(rows).map((part) => query(repeated(sql, part.length), numbered(part)));
      return (await Promise.all(parts)).flatMap((result) => result.rows as Row[]);
    },
  };
}

/** The library is loaded when it is used: a server with the embedded store does not need it. */
async function openPool(config: PoolConfig): Promise<Pool> {
  const { Pool, types } = await import("pg");
  // Integers of 64 bits are ids and times, which JavaScript's numbers hold; sums are numeric.
  const asNumber = new Set([types.builtins.INT8, types.builtins.NUMERIC]);
  const getTypeParser: typeof types.getTypeParser = (oid: number, format?: unknown) =>
    asNumber.has(oid) ? Number : types.getTypeParser(oid, format as "text");
  const pool = new Pool({ ...config, types: { getTypeParser } });
  // Each statement that fails rejects; these events tell of connections that are not in use.
  pool.on("error", () => {});
  pool.on("connect", (client) => client.on("error", () => {}));
  return pool;
}

type Session = { query(statement: string | QueryConfig): Promise<QueryResult> };

/**
 * Statements that are sent in one turn go to the socket in one write: `pg` writes each of them, which takes longer than all
 * else that it does (measured 2026-11).
 */
function inOneWrite(client: PoolClient): Session {
  // The types of `pg` leave the connection out.
  const { stream } = (client as unknown as { connection: { stream: Writable } }).connection;
  let isCorked = false;
  return {
    query(statement) {
      if (!isCorked) {
        isCorked = true;
        stream.cork();
        process.nextTick(() => {
          isCorked = false;
          stream.uncork();
        });
      }
      return client.query(statement);
    },
  };
}

type Sent = ReturnType<typeof createSent>;

/** Statements of one transaction that are not waited for one by one. */
function createSent() {
  let failed: { error: unknown } | undefined;
  let last: Promise<unknown> = Promise.resolve();
  return {
    add(running: Promise<unknown>): void {
      last = running.catch((error: unknown) => {
        failed ??= { error };
      });
    },
    failure: (): unknown => failed?.error,
    /** Resolves when all have run: a connection answers in order. */
    async done(): Promise<void> {
      await last;
      if (failed) throw failed.error;
    },
  };
}

/** A statement with PostgreSQL's parameters. */
function translated(sql: string): Omit<Statement, "name"> {
  const names: string[] = [];
  const place = (name: string): string => {
    if (!names.includes(name)) names.push(name);
    return `$${names.indexOf(name) + 1}`;
  };
  const text = sql.replaceAll(parameterPattern, (_, not?: string, list?: string, single?: string) => {
    if (list === undefined) return place(single ?? "");
    return not ? `<> ALL (${place(list)})` : `= ANY (${place(list)})`;
  });
  return { text, names };
}

function partsOf<T>(rows: readonly T[]): T[][] {
  const parts: T[][] = [];
  for (let i = 0; i < rows.length; ) {
    const size = Math.min(mostRows, 2 ** Math.floor(Math.log2(rows.length - i)));
    parts.push(rows.slice(i, i + size));
    i += size;
  }
  return parts;
}

/** An INSERT with its row of VALUES several times, each with parameters of its own. */
function repeated(sql: string, times: number): string {
  if (times === 1) return sql;
  const copy = (row: string, n: number): string => row.replaceAll(/:(\w+)/g, (_, name) => `:${name}_${n}`);
  const rowOf = (row: string): string => Array.from({ length: times }, (_, n) => copy(row, n)).join(", ");
  return sql.replace(/(?<=VALUES )\([^()]*\)/, rowOf);
}

/** The values of such rows. */
function numbered(rows: readonly Values[]): Values {
  if (rows.length === 1) return rows[0] as Values;
  const named = rows.flatMap((row, n) =>
    Object.entries(row).map(([name, value]) => [`${name}_${n}`, value] as const),
  );
  return Object.fromEntries(named);
}

/** PostgreSQL has no NUL in text; all of our numbers are integers. */
function toParameter(value: Values[string]): unknown {
  if (typeof value === "string") return withoutNul(value);
  if (typeof value === "number") return Math.round(value);
  if (Array.isArray(value)) return value.map((one) => (typeof one === "string" ? withoutNul(one) : one));
  return value ?? null;
}
