import { DatabaseSync, type StatementSync } from "node:sqlite";
import { type ColumnValue, type Db, parameterPattern, type Row, type Values } from "../db.ts";
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
import { migrate } from "./upgrade.ts";

/** A connection to an SQLite file, which opens on first use and again after the disk failed. */
export type Connection = Db & {
  /** Empties the write-ahead log, and a small database of what deleted rows left. Outside of transactions. False while a reader needs the log. */
  cleanLog(): boolean;
  close(): void;
};

type Prepared = { statement: StatementSync; names: readonly string[] };

const outermost = ["BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"] as const;
const nested = ["SAVEPOINT inner", "RELEASE inner", "ROLLBACK TO inner; RELEASE inner"] as const;

/**
 * `writes`: for the one connection that writes. Every promise has its outcome when it is returned, so statements that are
 * awaited one after another run without a pause.
 */
export function openConnection(file: string, options: { writes: boolean }): Connection {
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
    const text = sql.replace(parameterPattern, (_, list?: string, single?: string) => {
      names.push(list ?? single ?? "");
      return list === undefined ? "?" : "IN (SELECT value FROM json_each(?))";
    });
    database ??= open();
    const made = { statement: database.prepare(text), names };
    prepared.set(sql, made);
    return made;
  };

  const statements = {
    all: async (sql: string, values?: Values) => {
      try {
        const { statement, names } = preparedOf(sql);
        return statement.all(...bind(names, values)) as Row[];
      } catch (error) {
        throw afterFailure(error);
      }
    },
    get: async (sql: string, values?: Values) => {
      try {
        const { statement, names } = preparedOf(sql);
        return statement.get(...bind(names, values)) as Row | undefined;
      } catch (error) {
        throw afterFailure(error);
      }
    },
    run: async (sql: string, values?: Values) => {
      try {
        const { statement, names } = preparedOf(sql);
        return Number(statement.run(...bind(names, values)).changes);
      } catch (error) {
        throw afterFailure(error);
      }
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
      throw error;
    }
  };

  const dbWith = (isNested: boolean): Db => {
    let last: Promise<unknown> = Promise.resolve();
    const transaction: Db["transaction"] = (work) => {
      const turn = last.then(() => inTransaction(isNested, work));
      last = turn.catch(() => {});
      return turn;
    };
    return { ...statements, transaction };
  };

  return {
    ...dbWith(false),
    cleanLog: () =>
      guarded(() => {
        database ??= open();
        const opened = database;
        return withShortTimeout(opened, () => cleanLog(opened));
      }),
    close,
  };
}

function bind(names: readonly string[], values: Values | undefined): ColumnValue[] {
  const bound: ColumnValue[] = [];
  for (const name of names) {
    const value = values?.[name];
    if (value === undefined && !(values && name in values))
      throw new TypeError(`no value for the parameter ${name}`);
    bound.push(isList(value) ? JSON.stringify(value) : (value ?? null));
  }
  return bound;
}

function isList(value: Values[string]): value is readonly (string | number)[] {
  return Array.isArray(value);
}
