import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
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

const open: OpenStore = async () => {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-store-"));
  const store = openSqliteStore(folder);
  const reopen = async () => {
    await store.close();
    return openSqliteStore(folder);
  };
  return { store, reopen };
};

testStore("the embedded store", open);
testCallStore("the embedded store", open);
testListings("the embedded store", open);
testInstallStore("the embedded store", open);
testLineStore("the embedded store", open);
testAccessStore("the embedded store", open);
testFailureStore("the embedded store", open);
testMappingStore("the embedded store", open);
testWaitingStore("the embedded store", open);
testContactChanges("the embedded store", open);
