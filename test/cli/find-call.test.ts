import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findCall } from "../../src/cli/explain.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { decodedCall } from "../contracts/store-samples.ts";

test("a whole id is found among newer calls that have it as a part of theirs", async () => {
  const folder = mkdtempSync(join(tmpdir(), "find-call-"));
  const store = openSqliteStore(folder);
  onTestFinished(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const ids = ["call-5", ...Array.from({ length: 30 }, (_, n) => `call-5${n}`)];
  await store.saveDecoded(
    "acme",
    [],
    ids.map((id) => decodedCall(id)),
  );
  expect(await findCall(store, "call-5")).toMatch(/:call-5$/);
  await expect(findCall(store, "call-")).rejects.toThrow('More than one call has "call-" in its id');
});
