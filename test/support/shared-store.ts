import { Client } from "pg";
import { afterAll, afterEach, beforeAll, beforeEach } from "vitest";
import type { SharedStore, Store } from "../../src/store/contract.ts";
import { openPostgresStore } from "../../src/store/postgres/store.ts";
import { type PostgresServer, startPostgres } from "./postgres.ts";

/** A PostgreSQL for the tests of a file, and for each test a store in an empty schema of its own. */
export function useSharedStore() {
  let server: PostgresServer | undefined;
  let current: { url: string; store: Store; shared: SharedStore } | undefined;
  const opened: Store[] = [];

  const present = <T>(value: T | undefined): T => {
    if (value === undefined) throw new Error("only a test has a store");
    return value;
  };
  const openAt = (url: string): Store => {
    const one = openPostgresStore(url);
    opened.push(one);
    return one;
  };

  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.stop());
  beforeEach(async () => {
    const url = await present(server).emptySchema();
    const store = openAt(url);
    current = { url, store, shared: present(store.shared) };
  });
  afterEach(() => Promise.all(opened.splice(0).map((one) => one.close())));

  return {
    server: () => present(server),
    current: () => present(current),
    /** Another store on the same schema. */
    open: (): Store => openAt(present(current).url),
    async query(sql: string): Promise<Record<string, unknown>[]> {
      const client = new Client({ connectionString: present(current).url });
      await client.connect();
      const { rows } = await client.query(sql);
      await client.end();
      return rows as Record<string, unknown>[];
    },
  };
}
