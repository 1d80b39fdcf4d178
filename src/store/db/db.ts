/** The value of a column. */
export type ColumnValue = string | number | bigint | null | Uint8Array;
export type Row = Record<string, ColumnValue>;

/** Parameters by name, `:name` in the SQL. undefined is bound as NULL; a list stands by itself in `IN (:name)`. */
export type Values = Readonly<Record<string, ColumnValue | undefined | readonly (string | number)[]>>;

export type ReadDb = {
  all(sql: string, values?: Values): Promise<Row[]>;
  get(sql: string, values?: Values): Promise<Row | undefined>;
};

/** `shared`: beside other shared ones; `exclusive`: alone. */
export type LockMode = "shared" | "exclusive";

/**
 * A database. Statements are written in the SQL that SQLite and PostgreSQL share, with `instr` as the one function that
 * PostgreSQL's schema defines; a parameter that no column gives a type is cast.
 */
export type Db = ReadDb & {
  /** Returns how many rows changed. */
  run(sql: string, values?: Values): Promise<number>;
  /**
   * Runs a statement whose outcome is not read, after those before it; PostgreSQL does not wait for it. Only in a
   * transaction, which fails when it does.
   */
  send(sql: string, values?: Values): void;
  /**
   * Runs an `INSERT` with one row in its `VALUES` for each of these rows, of which no two may meet the same row of the
   * table; PostgreSQL takes many at a time. Returns what its `RETURNING` gives, in no order.
   */
  rowsOf(sql: string, rows: readonly Values[]): Promise<Row[]>;
  /** The same, when the outcome is not read; as `send`. */
  sendRows(sql: string, rows: readonly Values[]): void;
  /**
   * Holds a lock of this name from the next statement until the transaction ends. SQLite runs one transaction at a time, so
   * there it does nothing.
   */
  lock(name: string, mode: LockMode): void;
  /** All of it or nothing. Within another transaction it can fail alone. `work` uses only `tx`. */
  transaction<T>(work: (tx: Db) => Promise<T>): Promise<T>;
};

/** Text as PostgreSQL stores it, which has no NUL. */
export function withoutNul(text: string): string {
  return text.includes("\0") ? text.replaceAll("\0", "\u2400") : text;
}

/** A parameter in SQL: a list, with the `IN` before it, or a single value. */
export const parameterPattern = /\b(?<not>NOT )?IN \(:(?<list>\w+)\)|(?<!:):(?<single>\w+)/g;

/** The parameters of a statement that runs, in the order of their names. Throws when one has no value. */
export function valuesOf<T>(
  names: readonly string[],
  values: Values = {},
  toColumn: (value: Values[string]) => T,
): T[] {
  const found = new Array<T>(names.length);
  for (let i = 0; i < names.length; i += 1) {
    const name = names[i] as string;
    const value = values[name];
    if (value === undefined && !(name in values)) throw new TypeError(`no value for the parameter ${name}`);
    found[i] = toColumn(value);
  }
  return found;
}
