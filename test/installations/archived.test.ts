import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { afterEach, beforeEach, expect, test } from "vitest";
import { openArchive } from "../../src/archive/index.ts";
import type { Archive } from "../../src/core/recording.ts";
import { eraserOf } from "../../src/server/erasing.ts";
import type { Store } from "../../src/store/contract.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";

let folder: string;
let store: Store;
let archive: Archive;
const places = new Map<string, string>();

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "switchhook-archived-"));
  store = openSqliteStore(folder);
  archive = openArchive({ folder: join(folder, "kept") }, { spoolFolder: join(folder, "spool") });
  for (const [call, installation] of ["acme", "acme", "other"].entries()) {
    const name = `${installation}/2026/11/${call}`;
    const kept = await archive.keep({
      name,
      type: "audio/mpeg",
      body: Readable.from([Buffer.from(name)]),
      maxBytes: 1_000,
    });
    places.set(name, join(folder, "kept", kept.place));
    await store.deleteRecording({ call, installation }, 0);
    await store.saveRecording(
      { call, installation, state: "kept", since: 0, attempts: 0, ...kept },
      "deleted",
    );
  }
});
afterEach(async () => {
  await archive.close?.();
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const there = () => [...places.values()].map((path) => existsSync(path));

test("what is archived of an account goes with it, and its neighbours keep theirs", async () => {
  expect(there()).toEqual([true, true, true]);
  const erase = eraserOf(store, archive);
  await erase("acme");
  expect(there()).toEqual([false, false, true]);
  expect(await store.archivedRecordings("acme", -1, 10)).toEqual([]);
  expect(await store.archivedRecordings("other", -1, 10)).toHaveLength(1);
  await erase("acme");
});

test("without the archive that has them nothing is forgotten, and the cure is said", async () => {
  await expect(eraserOf(store, undefined)("acme")).rejects.toThrow(/add it again/);
  expect(await store.archivedRecordings("acme", -1, 10)).toHaveLength(2);
});
