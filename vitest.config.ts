import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

// All temporary folders of a run are in one, which is removed at its end. Workers load this file, too, and inherit it.
if (process.env["SWITCHHOOK_TEST_FOLDER"] === undefined) {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-tests-"));
  process.env["SWITCHHOOK_TEST_FOLDER"] = folder;
  process.env["TMPDIR"] = folder;
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
}

// The servers and threads that tests start load the same files again and again; compiled, they take half the time.
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, "node_modules/.cache/switchhook");

const tests = "{emulators,test}/**/*.test.ts";

/** What `npm run test:long` runs: among others the tests that use `test/support/rounds.ts`, with all of their rounds. */
export const endurance = ["test/survival/**/*.test.ts", "test/installations/many.test.ts"];

/**
 * Only in `npm run test:long`: several instances wait for heartbeats and outages, which cannot be made shorter, and the
 * others have no rounds, so both commands would run the same.
 */
export const onlyLong = [
  "test/survival/instances-*.test.ts",
  "test/survival/{clock,crm-live,damage,disk,follow-ups,lost-log,merges,slow-bodies,slow-client}.test.ts",
];

/** Tests that measure time or memory, start processes, or change the process that they run in. */
const apart = [
  ...endurance,
  "test/{browser,cli,linear,marketplace}/**/*.test.ts",
  "test/{ci-count,package,readme}.test.ts",
  "test/installations/keys.test.ts",
  "test/store/large.test.ts",
  "emulators/test/salesforce-million.test.ts",
];

export default defineConfig(({ mode }) => {
  const isLong = mode === "long";
  return {
    test: {
      testTimeout: 120_000,
      hookTimeout: 120_000,
      expect: { poll: { timeout: 20_000 } },
      pool: "forks",
      maxWorkers: 3,
      provide: { rounds: isLong ? "whole" : "short" },
      projects: isLong
        ? [{ extends: true, test: { name: "long", include: endurance } }]
        : [
            { extends: true, test: { name: "apart", include: apart, exclude: onlyLong } },
            // These share processes, which load each module once.
            { extends: true, test: { name: "shared", include: [tests], exclude: apart, isolate: false } },
          ],
    },
  };
});
