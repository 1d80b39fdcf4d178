import type { Store } from "../store/contract.ts";
import { openPostgresStore } from "../store/postgres/store.ts";
import { openSqliteStore } from "../store/sqlite/store.ts";

/** The store of a configuration: PostgreSQL where it names one, else the embedded one in the data folder. */
export function openStore(
  { databaseUrl, dataFolder }: { databaseUrl?: string | undefined; dataFolder: string },
  now: () => number = Date.now,
): Store {
  return databaseUrl === undefined ? openSqliteStore(dataFolder, now) : openPostgresStore(databaseUrl, now);
}
