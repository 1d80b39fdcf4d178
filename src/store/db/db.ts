/** The value of a column. */
export type ColumnValue = string | number | bigint | null | Uint8Array;
export type Row = Record<string, ColumnValue>;

/** Parameters by name, `:name` in the SQL. undefined is bound as NULL; a list stands by itself in `IN (:name)`. */
export type Values = Readonly<Record<string, ColumnValue | undefined | readonly (string | number)[]>>;

export type ReadDb = {
  all(sql: string, values?: Values): Promise<Row[]>;
  get(sql: string, values?: Values): Promise<Row | undefined>;
};

/**
 * A database. Statements are written in the SQL that SQLite and PostgreSQL share, with `instr` as the one function that
 * PostgreSQL's schema has to define; a parameter that no column gives a type is cast.
 */
export type Db = ReadDb & {
  /** Returns how many rows changed. */
  run(sql: string, values?: Values): Promise<number>;
  /** All of it or nothing. Within another transaction it can fail alone. `work` uses only `tx`. */
  transaction<T>(work: (tx: Db) => Promise<T>): Promise<T>;
};

/** A parameter in SQL: a list, with the `IN` before it, or a single value. */
export const parameterPattern = /\bIN \(:(?<list>\w+)\)|:(?<single>\w+)/g;
