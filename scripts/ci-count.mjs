// Adds up a CI run and prints `N passed, N failed` as its last line; exits with 1 unless all of it passed.
// Arguments: the JSON report of `npm test` and its exit code, the same of `npm run test:long`, the output of `npm run check`
// and its exit code.
import { readFileSync } from "node:fs";

const [report, testStatus, longReport, longStatus, checkLog, checkStatus] = process.argv.slice(2);

function read(path) {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

/** Whatever did not pass has failed: skipped, pending and to-do tests too. A file that did not load is one failure. */
function countTests(text) {
  const files = JSON.parse(text).testResults;
  let [passed, failed] = [0, 0];
  for (const { name, status, assertionResults = [] } of files) {
    const bad = assertionResults.filter((test) => test.status !== "passed");
    for (const test of bad) console.log(`not passed (${test.status}): ${name}: ${test.fullName}`);
    passed += assertionResults.length - bad.length;
    failed += bad.length;
    if (status === "passed" ? assertionResults.length > 0 : bad.length > 0) continue;
    console.log(`not passed: ${name}: the file did not load, or has no tests`);
    failed += 1;
  }
  return { passed, failed };
}

function tests(path) {
  try {
    return countTests(read(path));
  } catch {
    return { passed: 0, failed: 0 };
  }
}

function checks() {
  const lines = [...read(checkLog).matchAll(/^[\w ]+: (passed|FAILED)$/gm)].map(([, word]) => word);
  const passed = lines.filter((word) => word === "passed").length;
  return { passed, failed: lines.length - passed };
}

/** A command that ended badly without naming a failure, or ended well without doing anything, is one failure. */
function judged(name, { passed, failed }, status) {
  if (failed > 0 || (status === "0" && passed > 0)) return { passed, failed };
  console.log(`not passed: \`${name}\` ended with ${status} and ${passed} passed; its own output says why`);
  return { passed, failed: 1 };
}

const parts = [
  judged("npm test", tests(report), testStatus),
  judged("npm run test:long", tests(longReport), longStatus),
  judged("npm run check", checks(), checkStatus),
];
const sum = (word) => parts.reduce((total, part) => total + part[word], 0);
console.log(`${sum("passed")} passed, ${sum("failed")} failed`);
process.exitCode = sum("failed") === 0 ? 0 : 1;
