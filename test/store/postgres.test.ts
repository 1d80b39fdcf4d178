import { afterAll, beforeAll, describe } from "vitest";
import { openPostgresStore } from "../../src/store/postgres/store.ts";
import { testStore } from "../contracts/store.ts";
import { testAccessStore } from "../contracts/store-access.ts";
import { testCallStore } from "../contracts/store-calls.ts";
import { testContactChanges } from "../contracts/store-contact-changes.ts";
import { testFailureStore } from "../contracts/store-failures.ts";
import { testInstallStore } from "../contracts/store-installs.ts";
import { testLineStore } from "../contracts/store-lines.ts";
import { testListings } from "../contracts/store-listings.ts";
import { testMappingStore } from "../contracts/store-mappings.ts";
import type { OpenStore } from "../contracts/store-samples.ts";
import { testWaitingStore } from "../contracts/store-waiting.ts";
import { installedPostgres, type PostgresServer, startPostgres } from "../support/postgres.ts";

for (const installed of installedPostgres())
  describe(installed.name, () => {
    let server: PostgresServer;
    beforeAll(async () => {
      server = await startPostgres(installed);
    });
    afterAll(() => server.stop());

    const open: OpenStore = async () => {
      const url = await server.emptySchema();
      const store = openPostgresStore(url);
      const reopen = async () => {
        await store.close();
        return openPostgresStore(url);
      };
      return { store, reopen };
    };

    testStore(installed.name, open);
    testCallStore(installed.name, open);
    testListings(installed.name, open);
    testInstallStore(installed.name, open);
    testLineStore(installed.name, open);
    testAccessStore(installed.name, open);
    testFailureStore(installed.name, open);
    testMappingStore(installed.name, open);
    testWaitingStore(installed.name, open);
    testContactChanges(installed.name, open);
  });
