import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir, totalmem } from "node:os";
import { join } from "node:path";
import { crmRows } from "./crm-rows.ts";
import { doorRows } from "./door-rows.ts";
import { idleRows } from "./idle.ts";
import { instanceRows } from "./instances.ts";

/**
 * Measures Switchhook next to a bare Express 5 app, in one interleaved run on loopback. `--quick` shrinks everything
 * for a look that takes a minute; `--only-door`, `--only-crm` and `--only-idle` run a part of it. `--instances` measures
 * several instances over a PostgreSQL instead, in about six minutes. Prints a table and writes `bench/results/<time>.json`.
 */
const quick = process.argv.includes("--quick");
const only = process.argv.includes("--instances")
  ? "instances"
  : ["door", "crm", "idle"].find((part) => process.argv.includes(`--only-${part}`));
const size = quick
  ? {
      rounds: 1,
      seconds: 2,
      sustained: 6,
      stored: 50_000,
      contacts: 50_000,
      answers: 4,
      drain: 1_000,
      idle: { local: 200, connected: 2_000, settle: 5, rest: 10 },
      instances: {
        rounds: 1,
        perCall: { installations: 20, rate: 30, warm: 50, rest: 2, seconds: 5 },
        waiting: { installations: 40, places: 5, warm: 6, seconds: 6 },
        append: { seconds: 2 },
        rest: { accounts: 1_000, settle: 60, seconds: 15 },
      },
    }
  : {
      rounds: 3,
      seconds: 5,
      sustained: 60,
      stored: 1_000_000,
      contacts: 1_000_000,
      answers: 20,
      drain: 10_000,
      idle: { local: 1_000, connected: 10_000, settle: 30, rest: 60 },
      instances: {
        rounds: 2,
        perCall: { installations: 40, rate: 40, warm: 150, rest: 4, seconds: 10 },
        waiting: { installations: 200, places: 25, warm: 10, seconds: 15 },
        append: { seconds: 5 },
        rest: { accounts: 10_000, settle: 180, seconds: 60 },
      },
    };
const root = mkdtempSync(join(tmpdir(), "switchhook-bench-"));
const folder = (name: string): string => join(root, name);
// PostgreSQL and the servers end with this process.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));
process.on("exit", () => rmSync(root, { recursive: true, force: true }));
const rows: { what: string; measured: string; target: string; met: boolean | "-" }[] = [];
const results: Record<string, unknown> = {
  at: new Date().toISOString(),
  node: process.version,
  cpus: cpus().length,
  memoryGb: Math.round(totalmem() / 2 ** 30),
  size,
};

function row(what: string, measured: string, target = "", met: boolean | "-" = "-"): void {
  rows.push({ what, measured, target, met });
  console.log(
    `${what}: ${measured}${target ? `  (target ${target}${met === true ? ", met" : met === false ? ", MISSED" : ""})` : ""}`,
  );
}

if (only === undefined || only === "door") Object.assign(results, await doorRows(folder, size, row));
if (only === undefined || only === "crm") results["crm"] = await crmRows(folder, size, row);
if (only === undefined || only === "idle") results["idle"] = await idleRows(folder, size.idle, row);
if (only === "instances") results["instances"] = await instanceRows(folder, size.instances, row);

const results_ = join(import.meta.dirname, "results");
mkdirSync(results_, { recursive: true });
const file = join(results_, `${new Date().toISOString().replaceAll(":", "-")}.json`);
writeFileSync(file, JSON.stringify({ ...results, rows }, null, 2));
console.log("");
console.table(rows);
console.log(`written to ${file}`);
