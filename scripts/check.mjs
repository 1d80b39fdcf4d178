// Checks types, format and lint, the laws of the house, unused code and the OpenAPI description; prints which of them failed.
import { spawnSync } from "node:child_process";

const steps = [
  ["types", ["node_modules/typescript/bin/tsc", "--noEmit"]],
  ["types of the console", ["node_modules/typescript/bin/tsc", "-p", "console", "--noEmit"]],
  ["format and lint", ["node_modules/@biomejs/biome/bin/biome", "check", "."]],
  ["house", ["scripts/house.ts"]],
  ["unused code", ["node_modules/knip/bin/knip.js", "--no-progress"]],
  ["OpenAPI", ["node_modules/vitest/vitest.mjs", "run", "test/routes/openapi.test.ts", "--reporter=dot"]],
];
let failed = false;
for (const [name, args] of steps) {
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  console.log(`${name}: ${status === 0 ? "passed" : "FAILED"}`);
  failed ||= status !== 0;
}
process.exit(failed ? 1 : 0);
