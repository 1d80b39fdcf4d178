// Types, format and lint, the laws and figures of the house, then what nothing uses; says which of them failed.
import { spawnSync } from "node:child_process";

const steps = [
  ["types", ["node_modules/typescript/bin/tsc", "--noEmit"]],
  ["format and lint", ["node_modules/@biomejs/biome/bin/biome", "check", "."]],
  ["house", ["scripts/house.ts"]],
  ["unused code", ["node_modules/knip/bin/knip.js", "--no-progress"]],
];
let failed = false;
for (const [name, args] of steps) {
  const { status } = spawnSync(process.execPath, args, { stdio: "inherit" });
  console.log(`${name}: ${status === 0 ? "passed" : "FAILED"}`);
  failed ||= status !== 0;
}
process.exit(failed ? 1 : 0);
