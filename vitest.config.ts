import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["{emulators,test}/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 20_000 } },
    pool: "forks",
    maxWorkers: 2,
  },
});
