import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const scratch = mkdtempSync(join(tmpdir(), "switchhook-ci-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

type Run = {
  report?: unknown;
  tests?: number;
  longReport?: unknown;
  long?: number;
  log?: string;
  checks?: number;
};

const passed = { status: "passed", fullName: "a test" };
const good = { name: "a.test.ts", status: "passed", assertionResults: [passed, passed] };
const goodLong = { name: "long.test.ts", status: "passed", assertionResults: [passed] };
const goodLog = "types: passed\nformat and lint: passed\n";

/** The last line and the exit code of a run with these reports. */
function count({ tests = 0, long = 0, log = goodLog, checks = 0, ...reports }: Run) {
  const { report = { testResults: [good] }, longReport = { testResults: [goodLong] } } = reports;
  const logFile = join(scratch, "check.log");
  writeFileSync(logFile, log);
  const script = join(import.meta.dirname, "../scripts/ci-count.mjs");
  const runs = [
    written("tests.json", report),
    tests,
    written("long.json", longReport),
    long,
    logFile,
    checks,
  ];
  const { stdout, status } = spawnSync(process.execPath, [script, ...runs.map(String)], { encoding: "utf8" });
  return { last: stdout.trimEnd().split("\n").at(-1), status };
}

function written(name: string, report: unknown): string {
  const file = join(scratch, name);
  writeFileSync(file, typeof report === "string" ? report : JSON.stringify(report));
  return file;
}

function fileWith(...statuses: string[]) {
  const assertionResults = statuses.map((status) => ({ status, fullName: "a test" }));
  return { name: "b.test.ts", status: statuses.includes("failed") ? "failed" : "passed", assertionResults };
}

test("counts what passed, checks included", () => {
  expect(count({})).toEqual({ last: "5 passed, 0 failed", status: 0 });
});

test.each<[string, Run, string]>([
  [
    "a failed test",
    { report: { testResults: [good, fileWith("passed", "failed")] }, tests: 1 },
    "6 passed, 1 failed",
  ],
  [
    "skipped and to-do tests",
    { report: { testResults: [good, fileWith("skipped", "pending", "todo")] } },
    "5 passed, 3 failed",
  ],
  [
    "a file that did not load",
    { report: { testResults: [good, { name: "c", status: "failed", assertionResults: [] }] }, tests: 1 },
    "5 passed, 1 failed",
  ],
  ["an error outside of any test", { tests: 1 }, "5 passed, 1 failed"],
  ["a crash before the report", { report: "", tests: 137 }, "3 passed, 1 failed"],
  ["half a report", { report: '{"testResults": [', tests: 1 }, "3 passed, 1 failed"],
  ["a report of another shape", { report: { testResults: null } }, "3 passed, 1 failed"],
  ["a run without tests", { report: { testResults: [] } }, "3 passed, 1 failed"],
  [
    "a failed endurance test",
    { longReport: { testResults: [fileWith("failed")] }, long: 1 },
    "4 passed, 1 failed",
  ],
  ["a skipped endurance test", { longReport: { testResults: [fileWith("skipped")] } }, "4 passed, 1 failed"],
  ["endurance tests that did not start", { longReport: "", long: 1 }, "4 passed, 1 failed"],
  ["a failed check", { log: "types: FAILED\nformat and lint: passed\n", checks: 1 }, "4 passed, 1 failed"],
  ["a check that did not start", { log: "", checks: 1 }, "3 passed, 1 failed"],
  ["a check that did nothing", { log: "" }, "3 passed, 1 failed"],
])("fails on %s", (_name, run, last) => {
  expect(count(run)).toEqual({ last, status: 1 });
});
