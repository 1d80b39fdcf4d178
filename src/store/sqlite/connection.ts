import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type ColumnValue, type Db, parameterPattern, type Row, type Values, valuesOf } from "../db/db.ts";
import { noticeLoss, refuseWithoutDatabase } from "./append.ts";
import {
  busyMs,
  isSmall,
  layOutLog,
  logPages,
  makePrivate,
  smallLogPages,
  truncateLog,
  withShortTimeout,
  writeAnew,
} from "./files.ts";
import { isBroken } from "./health.ts";
import { migrations } from "./migrations.ts";

/** A connection to an SQLite file, which opens on first use and again after the disk failed. */
export type Connection = Db & {
  /** Empties the write-ahead log, and a small database of what deleted rows left. Outside of transactions. False while a reader needs the log. */
  cleanLog(): boolean;
  /** For statements that run once for each row of many; their errors have to reach the transaction. */
  prepare(sql: string): StatementSync;
  close(): void;
};

type Prepared = { statement: StatementSync; names: readonly string[] };

const outermost = ["BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"] as const;
const nested = ["SAVEPOINT inner", "RELEASE inner", "ROLLBACK TO inner; RELEASE inner"] as const;

/**
 * `writes`: for the one connection that writes. `isMoving`: for the command that fills the database from another store. Every promise has its outcome when it is returned, so statements that are
 * awaited one after another run without a pause.
 */
export function openConnection(file: string, options: { writes: boolean; isMoving?: boolean }): Connection {
  let database: DatabaseSync | undefined;
  let prepared = new Map<string, Prepared>();

  const open = (): DatabaseSync => {
    refuseWithoutDatabase(file);
    // The log and its index get the rights of the database.
    makePrivate(file);
    const opened = new DatabaseSync(file, { timeout: busyMs });
    try {
      opened.exec(`
        PRAGMA journal_mode = WAL;
        PRAGMA synchronous = FULL;
        PRAGMA cache_size = -8000;
        PRAGMA temp_store = MEMORY;
        PRAGMA wal_autocheckpoint = ${logPages};
      `);
      migrate(opened);
      if (!options.isMoving) refusePart(opened);
      if (options.writes) noticeLoss(opened, file);
      if (options.writes) layOut(opened);
    } catch (error) {
      opened.close();
      throw error;
    }
    return opened;
  };

  const layOut = (opened: DatabaseSync): void => {
    opened.exec("PRAGMA secure_delete = OFF");
    if (!layOutLog(opened, `${file}-wal`)) opened.exec(`PRAGMA wal_autocheckpoint = ${smallLogPages}`);
    // Overwrites what is deleted. Measured: a purge takes half as long again, nothing else is slower (2026-11).
    opened.exec("PRAGMA secure_delete = ON");
  };

  const cleanLog = (opened: DatabaseSync): boolean => {
    if (!truncateLog(opened)) return false;
    if (isSmall(opened)) {
      writeAnew(opened);
      if (!truncateLog(opened)) return false;
    }
    layOut(opened);
    return true;
  };

  const close = (): void => {
    prepared = new Map();
    try {
      database?.close();
    } finally {
      database = undefined;
    }
  };

  /** Closes a database after its disk failed, so that the next use opens it again. Returns the error. */
  const afterFailure = (error: unknown): unknown => {
    if (!isBroken(error)) return error;
    try {
      close();
    } catch {
      // The first error tells more.
    }
    return error;
  };

  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      throw afterFailure(error);
    }
  };

  const undo = (sql: string): void => {
    // SQLite has rolled back by itself after some errors.
    if (!database?.isTransaction) return;
    try {
      database.exec(sql);
    } catch {
      close();
    }
  };

  const preparedOf = (sql: string): Prepared => {
    const known = prepared.get(sql);
    if (known) return known;
    const names: string[] = [];
    // Not `?1`: SQLite looks up the name of each such parameter when it is bound.
    const text = sql.replace(parameterPattern, (_, not = "", list?: string, single?: string) => {
      names.push(list ?? single ?? "");
      return list === undefined ? "?" : `${not}IN (SELECT value FROM json_each(?))`;
    });
    database ??= open();
    const made = { statement: database.prepare(text), names };
    prepared.set(sql, made);
    return made;
  };

  const runningNow =
    <T>(use: (statement: StatementSync, values: ColumnValue[]) => T) =>
    (sql: string, values?: Values): T => {
      try {
        const { statement, names } = preparedOf(sql);
        return use(statement, valuesOf(names, values, toColumn));
      } catch (error) {
        throw afterFailure(error);
      }
    };
  const running = <T>(use: (statement: StatementSync, values: ColumnValue[]) => T) => {
    const run = runningNow(use);
    return async (sql: string, values?: Values): Promise<T> => run(sql, values);
  };

  const send = runningNow((statement, values) => void statement.run(...values));
  const allNow = runningNow((statement, values) => statement.all(...values) as Row[]);
  const statements = {
    all: running((statement, values) => statement.all(...values) as Row[]),
    get: running((statement, values) => statement.get(...values) as Row | undefined),
    run: running((statement, values) => Number(statement.run(...values).changes)),
    send,
    rowsOf: async (sql: string, rows: readonly Values[]) => rows.flatMap((row) => allNow(sql, row)),
    sendRows(sql: string, rows: readonly Values[]) {
      for (const row of rows) send(sql, row);
    },
  };

  const inTransaction = async <T>(isNested: boolean, work: (tx: Db) => Promise<T>): Promise<T> => {
    const [begin, commit, rollback] = isNested ? nested : outermost;
    await statements.run(begin);
    try {
      const result = await work(dbWith(true));
      await statements.run(commit);
      return result;
    } catch (error) {
      undo(rollback);
      throw afterFailure(error);
    }
  };

  const dbWith = (isNested: boolean): Db => {
    let last: Promise<unknown> = Promise.resolve();
    const transaction: Db["transaction"] = (work) => {
      const turn = last.then(() => inTransaction(isNested, work));
      last = turn.catch(() => {});
      return turn;
    };
    return { ...statements, lock() {}, transaction };
  };

  return {
    ...dbWith(false),
    prepare: (sql) => guarded(() => preparedOf(sql).statement),
    cleanLog: () =>
      guarded(() => {
        database ??= open();
        const opened = database;
        return withShortTimeout(opened, () => cleanLog(opened));
      }),
    close,
  };
}

/** A move that was interrupted has left only a part of a store. */
function refusePart(database: DatabaseSync): void {
  if (!database.prepare("SELECT 1 FROM marks WHERE name = 'move from'").get()) return;
  const message = "a move into this data folder was interrupted, so it has only a part of what was stored";
  throw Object.assign(new Error(message), { code: "MOVING" });
}

function toColumn(value: Values[string]): ColumnValue {
  if (value === undefined) return null;
  return isList(value) ? JSON.stringify(value) : value;
}

function isList(value: Values[string]): value is readonly (string | number)[] {
  return Array.isArray(value);
}

/**
 * Databases of a version whose steps were not the first of today's. `with` and `without`: tables, indexes or columns
 * ("table.column") that tell them apart. `done`: the steps that they have, by their place today. `first`: brings an edited step up
 * to date.
 */
type Variant = {
  version: number;
  with: string;
  without: string;
  done: readonly number[];
  first?: string;
};

const upTo = (count: number): number[] => Array.from({ length: count }, (_, step) => step);

const variants: readonly Variant[] = [
  {
    version: 1,
    with: "deliveries_new",
    without: "events_delivery",
    done: upTo(1),
    first: `
      DROP INDEX deliveries_new;
      DROP INDEX deliveries_unused;
      CREATE INDEX deliveries_new ON deliveries (installation, id) WHERE state IN (0, 3);
      CREATE INDEX deliveries_unused ON deliveries (installation, id) WHERE state IN (1, 2) AND events = 0;
      CREATE INDEX events_delivery ON events (delivery);
    `,
  },
  // The step with the indexes was put before this one later.
  { version: 5, with: "installs.claimed_until", without: "calls_contact", done: [...upTo(4), 5] },
];

/** "swhk", which marks the file as ours. */
export const applicationId = 0x7377686b;

/** Brings the schema up to date; the version is the number of steps done. All of it or nothing. */
export function migrate(database: DatabaseSync): void {
  if (checkedVersion(database) === migrations.length) return;
  database.exec("BEGIN IMMEDIATE");
  try {
    // Another thread or process may have done it meanwhile.
    const version = checkedVersion(database);
    const variant = variants.find(
      (one) => one.version === version && has(database, one.with) && !has(database, one.without),
    );
    const done = new Set(variant?.done ?? upTo(version));
    if (variant?.first) database.exec(variant.first);
    for (const [step, sql] of migrations.entries()) if (!done.has(step)) database.exec(sql);
    database.exec(`PRAGMA user_version = ${migrations.length}; PRAGMA application_id = ${applicationId}`);
    database.exec("COMMIT");
  } catch (error) {
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function checkedVersion(database: DatabaseSync): number {
  const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"] ?? 0);
  if (version <= migrations.length) return version;
  const message = `the data folder was written by a newer Switchhook (schema ${version}, this one knows ${migrations.length})`;
  throw Object.assign(new Error(message), { code: "NEWER" });
}

function has(database: DatabaseSync, thing: string): boolean {
  const [name = "", column] = thing.split(".");
  if (column === undefined)
    return database.prepare("SELECT 1 FROM sqlite_schema WHERE name = ?").get(name) !== undefined;
  return (
    database.prepare("SELECT 1 FROM pragma_table_info(?) WHERE name = ?").get(name, column) !== undefined
  );
}
