import { join } from "node:path";
import { defineConfig } from "vitest/config";

// The servers and threads that tests start load the same files again and again; compiled, they take half the time.
process.env["NODE_COMPILE_CACHE"] ??= join(import.meta.dirname, "node_modules/.cache/switchhook");

/** Tests that change nothing outside themselves share a process, which loads each module once. */
const pure = [
  "test/{config,core,mapping,providers}/**/*.test.ts",
  "test/lib/{budget,cut,json-body,pace,public-address,seal,token,words}.test.ts",
  "test/{boundaries,config,manifest}.test.ts",
];
const tests = "{emulators,test}/**/*.test.ts";

/** What `npm run test:long` runs: the tests that use `test/support/rounds.ts`, with all of their rounds. */
const endurance = ["test/survival/**/*.test.ts", "test/installations/many.test.ts"];

export default defineConfig(({ mode }) => {
  const isLong = mode === "long";
  return {
    test: {
      testTimeout: 120_000,
      hookTimeout: 120_000,
      expect: { poll: { timeout: 20_000 } },
      pool: "forks",
      maxWorkers: 2,
      provide: { rounds: isLong ? "whole" : "short" },
      projects: isLong
        ? [{ extends: true, test: { name: "long", include: endurance } }]
        : [
            { extends: true, test: { name: "whole", include: [tests], exclude: pure } },
            { extends: true, test: { name: "pure", include: pure, isolate: false } },
          ],
    },
  };
});
