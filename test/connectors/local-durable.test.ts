import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readCrm } from "../support/crm-files.ts";
import { call, connectTo } from "./local-crm.ts";

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "switchhook-local-"));
  path = join(folder, "crm.json");
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const keysIn = (): string[] => readCrm(path).activities.map(({ key }) => String(key));
const log = () => join(folder, "crm.activities.ndjson");

/** Saves without end, and prints each key once it is acknowledged. */
const saver = `
  import { connectTo } from ${JSON.stringify(join(import.meta.dirname, "local-crm.ts"))};
  const connector = connectTo(process.argv[1]);
  const save = async (key) => {
    const [{ saved }] = await connector.saveCalls([{ key, fields: { note: "x".repeat(2000) }, modes: {}, ours: {} }]);
    if (saved) console.log(key);
  };
  for (let i = 0; ; i += 3) await Promise.all([save(process.pid + "-" + i), save(process.pid + "-" + (i + 1)), save(process.pid + "-" + (i + 2))]);
`;

test("what a killed process left behind is cleared away, and nothing else", async () => {
  const others = [".crm.json.tmp.mine", ".other.json.tmp", "crm.tmp"];
  for (const name of [".crm.json.tmp", ".crm.activities.ndjson.tmp", ...others])
    writeFileSync(join(folder, name), "half");
  const connector = connectTo(path);
  await connector.prepare?.();
  await connector.close?.();
  expect(readdirSync(folder).sort()).toEqual([...others, ".crm.json.lock", "crm.json"].sort());
});

describe("what was acknowledged is in the file", () => {
  test("whenever the process is killed", async () => {
    const acknowledged: string[] = [];
    for (const count of [1, 30, 77, 140]) {
      const child = spawn(process.execPath, ["--input-type=module", "-e", saver, path], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      let seen = 0;
      for await (const key of createInterface(child.stdout)) {
        acknowledged.push(key);
        if (++seen === count) child.kill("SIGKILL");
      }
      const keys = keysIn();
      expect(new Set(keys).size).toBe(keys.length);
      expect(keys).toEqual(expect.arrayContaining(acknowledged));
    }
    const connector = connectTo(path);
    await connector.saveCalls([call("last")]);
    await connector.close?.();
    expect(readdirSync(folder).sort()).toEqual([".crm.json.lock", "crm.activities.ndjson", "crm.json"]);
  });

  test("before close is done", async () => {
    const connector = connectTo(path);
    const saving = connector.saveCalls([call("a")]);
    await connector.close?.();
    expect(keysIn()).toEqual(["a"]);
    await saving;
  });
});

/** The longest time that nothing else could run, as a share of the whole: it means the same on a busy machine. */
async function longestShare(work: () => Promise<unknown> | undefined): Promise<number> {
  const start = performance.now();
  let last = start;
  let longest = 0;
  const turn = () => {
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
  };
  const timer = setInterval(turn, 1);
  await work();
  turn();
  clearInterval(timer);
  return longest / (performance.now() - start);
}

const note = "The customer asked about the plan and wants to be called back. ".repeat(7);
const records = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => ({
    ...call(`acme:voys:${from + i}`, { subject: `Call ${from + i}`, note }),
  }));

test("30 MB of activities are read and written without holding up others", async () => {
  const connector = connectTo(path);
  expect(await longestShare(() => connector.saveCalls(records(0, 30_000)))).toBeLessThan(0.4);
  await connector.saveCalls(records(30_000, 60_000));
  expect(statSync(log()).size).toBeGreaterThan(30e6);
  const restarted = connectTo(path);
  expect(await longestShare(() => restarted.prepare?.())).toBeLessThan(0.4);
  expect(await longestShare(() => restarted.saveCalls(records(60_000, 80_000)))).toBeLessThan(0.4);
  expect(keysIn()).toHaveLength(80_000);
  await Promise.all([connector.close?.(), restarted.close?.()]);
});
