import { DatabaseSync, type StatementSync } from "node:sqlite";
import { isBroken } from "./disk-faults.ts";
import {
  busyMs,
  impatiently,
  isSmall,
  layOutLog,
  logPages,
  smallLogPages,
  truncateLog,
  writeAnew,
} from "./files.ts";
import { noticeLoss, refuseWithoutDatabase } from "./mark.ts";
import { makePrivate } from "./private.ts";
import { migrate } from "./upgrade.ts";

/** A value that SQLite takes as a parameter. */
export type Bind = string | number | bigint | null | Uint8Array;
export type Row = Record<string, Bind>;

/**
 * One SQLite connection that opens itself on first use and again after the disk failed. Synchronous throughout.
 * `transaction`: all of it or nothing; inside another one it can fail alone.
 */
export type Connection = {
  all(sql: string, ...values: Bind[]): Row[];
  get(sql: string, ...values: Bind[]): Row | undefined;
  run(sql: string, ...values: Bind[]): { changes: number; id: number };
  statement(sql: string): StatementSync;
  transaction<T>(work: () => T): T;
  /** Empties the write-ahead log, and the rests of deleted rows where that is quick. Outside of transactions. False while somebody reads. */
  cleanLog(): boolean;
  close(): void;
};

const outermost = ["BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"] as const;
const nested = ["SAVEPOINT inner", "RELEASE inner", "ROLLBACK TO inner; RELEASE inner"] as const;

/** `writes`: for the one connection that does; its commits survive a power loss. The others only read. */
export function openConnection(file: string, options: { writes: boolean }): Connection {
  let database: DatabaseSync | undefined;
  let statements = new Map<string, StatementSync>();

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
    // What is deleted is overwritten, too. Measured: a purge takes half as long again, nothing else is slower (2026-11).
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
    statements = new Map();
    try {
      database?.close();
    } finally {
      database = undefined;
    }
  };

  /** Lets go of a database that the disk failed under, so that the next use opens it again. */
  const guarded = <T>(work: () => T): T => {
    try {
      return work();
    } catch (error) {
      if (isBroken(error)) closeAfter(error);
      throw error;
    }
  };

  /** What went wrong first is worth more than a complaint about closing. */
  const closeAfter = (error: unknown): void => {
    try {
      close();
    } catch {
      throw error;
    }
  };

  const undo = (sql: string, error: unknown): void => {
    // SQLite has rolled back by itself after some errors.
    if (!database?.isTransaction) return;
    try {
      database.exec(sql);
    } catch {
      closeAfter(error);
    }
  };

  const statement = (sql: string): StatementSync => {
    const known = statements.get(sql);
    if (known) return known;
    database ??= open();
    const prepared = database.prepare(sql);
    statements.set(sql, prepared);
    return prepared;
  };

  return {
    statement: (sql) => guarded(() => statement(sql)),
    all: (sql, ...values) => guarded(() => statement(sql).all(...values) as Row[]),
    get: (sql, ...values) => guarded(() => statement(sql).get(...values) as Row | undefined),
    run: (sql, ...values) =>
      guarded(() => {
        const { changes, lastInsertRowid } = statement(sql).run(...values);
        return { changes: Number(changes), id: Number(lastInsertRowid) };
      }),
    transaction: (work) =>
      guarded(() => {
        const [begin, commit, rollback] = database?.isTransaction ? nested : outermost;
        statement(begin).run();
        try {
          const result = work();
          statement(commit).run();
          return result;
        } catch (error) {
          undo(rollback, error);
          throw error;
        }
      }),
    cleanLog: () =>
      guarded(() => {
        database ??= open();
        const opened = database;
        return impatiently(opened, () => cleanLog(opened));
      }),
    close,
  };
}
