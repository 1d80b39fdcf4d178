import { spawn } from "node:child_process";
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { activityLog } from "../../connectors/local/activity-log.ts";
import type { Connector } from "../../src/core/crm.ts";
import { readCrm } from "../support/crm-files.ts";
import { seeded } from "../support/random.ts";
import { call, connectTo } from "./local-crm.ts";

let folder: string;
let path: string;
let log: string;
const warnings: string[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "switchhook-local-"));
  path = join(folder, "crm.json");
  log = join(folder, "crm.activities.ndjson");
  warnings.length = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function open(): Connector {
  const connector = connectTo(path, warnings);
  onTestFinished(async () => connector.close?.());
  return connector;
}

const lines = () => readFileSync(log, "utf8").trimEnd().split("\n");
const editLog = (change: (text: string) => string) => writeFileSync(log, change(readFileSync(log, "utf8")));
const update = (key: string, subject: string, before: string) => ({
  ...call(key, { subject }),
  ours: { subject: [before] },
});

describe("the lines of the activities", () => {
  test("have each record once for a person: an older line is marked", async () => {
    const connector = open();
    await connector.saveCalls([call("a", { subject: "one" }), call("b")]);
    await connector.saveCalls([update("a", "two", "one")]);
    expect(lines()).toEqual([
      '# "id": "1", "key": "a", "subject": "one" }',
      '{ "id": "2", "key": "b", "subject": "Inbound call" }',
      '{ "id": "1", "key": "a", "subject": "two" }',
    ]);
    const restarted = open();
    expect(await restarted.saveCalls([update("a", "two", "one")])).toMatchObject([{ saved: "1", wrote: {} }]);
    expect(warnings).toEqual([]);
  });

  test("count by the newest, also when the process was killed before it marked the older one", async () => {
    writeFileSync(log, '{"id":"1","key":"a","subject":"one"}\n{"id":"1","key":"a","subject":"two"}\n');
    expect(await open().saveCalls([update("a", "three", "two")])).toMatchObject([{ saved: "1", kept: [] }]);
    expect(readCrm(path).activities).toEqual([{ id: "1", key: "a", subject: "three" }]);
  });

  test("may be edited and deleted by a person: what is deleted stays deleted, also after a restart", async () => {
    const connector = open();
    await connector.saveCalls([call("a", { subject: "one" }), call("b"), call("c")]);
    await connector.saveCalls([update("a", "two", "one")]);
    editLog((text) =>
      text
        .replace(/.*"two".*\n/, "")
        .replace('"key": "b", "subject": "Inbound call"', '"key": "b", "subject": "Mine", "rating": 5'),
    );
    for (const each of [connector, open()]) {
      expect(await each.saveCalls([{ ...update("a", "three", "two"), activityId: "1" }])).toEqual([
        { key: "a", gone: true },
      ]);
      expect(
        await each.saveCalls([{ ...update("b", "new", "Inbound call"), activityId: "2" }]),
      ).toMatchObject([{ saved: "2", kept: ["subject"] }]);
    }
    expect(readCrm(path).activities).toEqual([
      { id: "2", key: "b", subject: "Mine", rating: 5 },
      { id: "3", key: "c", subject: "Inbound call" },
    ]);
  });

  test("that are broken are reported with their place, and stay through a compaction", async () => {
    const half = '{ "id": "9", "key": "half", "sub';
    writeFileSync(log, `{"id":"1","key":"a"}\nrubbish é\n\n[1]\n{"key":"b"}\n${half}`);
    const connector = open();
    expect(await connector.saveCalls([call("b")])).toMatchObject([{ saved: "2", created: true }]);
    expect(warnings).toEqual([
      expect.stringMatching(/crm\.activities\.ndjson.*line 2, column 1: not JSON.*line 4: expected a record/),
    ]);
    expect(warnings[0]).toMatch(/line 5: id: expected an id.*and 1 more/);
    expect(lines().slice(-2)).toEqual([half, '{ "id": "2", "key": "b", "subject": "Inbound call" }']);
    const note = (n: number) => `${n} ${"x".repeat(300_000)}`;
    await connector.saveCalls([call("big", { note: note(0) })]);
    for (let n = 1; n < 12; n++)
      await connector.saveCalls([{ ...call("big", { note: note(n) }), ours: { note: [note(n - 1)] } }]);
    await connector.prepare?.();
    expect(statSync(log).size).toBeLessThan(2_500_000);
    for (const line of ["rubbish é", "[1]", '{"key":"b"}', half]) expect(lines()).toContain(line);
    expect(readCrm(path).activities.map(({ key, note: found }) => [key, found])).toEqual([
      ["a", undefined],
      ["b", undefined],
      ["big", note(11)],
    ]);
  });
});

describe("what an earlier version kept with the contacts", () => {
  const old = {
    contacts: [{ id: "1", phones: ["+31612345678"] }],
    activities: [
      { id: "1", key: "a", subject: "one", big: 1 },
      { id: 7, subject: "a person's" },
    ],
    tasks: [{ id: "3", key: "a", subject: "Call back" }],
    mine: true,
  };

  test("is moved into the activities, also when a kill left it in both", async () => {
    writeFileSync(path, JSON.stringify(old));
    await open().prepare?.();
    expect(JSON.parse(readFileSync(path, "utf8"))).toEqual({ contacts: old.contacts, mine: true });
    const moved = [
      '{ "id": "1", "key": "a", "subject": "one", "big": 1 }',
      '{ "id": 7, "subject": "a person\'s" }',
      '{ "id": "3", "taskFor": "a", "subject": "Call back" }',
    ];
    expect(lines()).toEqual(moved);
    writeFileSync(path, JSON.stringify(old));
    const older = '{ "id": "1", "key": "a", "subject": "not marked yet" }';
    editLog((text) => `${older}\n${text.replace('"one"', '"two"').replace(/.*person's.*\n/, "")}`);
    const connector = open();
    const task = { fields: { subject: "Call back" } };
    expect(await connector.saveCalls([{ ...call("a"), task, activityId: "1" }, call("b")])).toMatchObject([
      { saved: "1", kept: ["subject"], task: { id: "3" } },
      { saved: "8", created: true },
    ]);
    expect(readCrm(path)).toEqual({
      contacts: old.contacts,
      mine: true,
      activities: [
        { id: "1", key: "a", subject: "two", big: 1, taskId: "3" },
        { id: 7, subject: "a person's" },
        { id: "8", key: "b", subject: "Inbound call" },
      ],
      tasks: old.tasks,
    });
  });

  test("is neither lost nor doubled when the process is killed while it is moved", async () => {
    const random = seeded(5);
    const activities = Array.from({ length: 5_000 }, (_, i) => ({ id: String(i + 1), key: `k${i}`, note }));
    writeFileSync(path, JSON.stringify({ ...old, activities, tasks: [] }));
    for (let i = 0; i < 8; i++) {
      const child = spawn(process.execPath, ["--input-type=module", "-e", opener, path], { stdio: "pipe" });
      const ended = new Promise((done) => child.on("exit", done));
      setTimeout(() => child.kill("SIGKILL"), 250 + random.below(500));
      await ended;
    }
    await open().prepare?.();
    expect(lines()).toHaveLength(5_000);
    expect(readCrm(path).activities.map(({ key }) => key)).toEqual(activities.map(({ key }) => key));
    expect(JSON.parse(readFileSync(path, "utf8"))).not.toHaveProperty("activities");
  }, 60_000);
});

const note = "x".repeat(2_000);
const helper = JSON.stringify(join(import.meta.dirname, "local-crm.ts"));
const opener = `import { connectTo } from ${helper}; await connectTo(process.argv[1]).prepare();`;
/** Saves and updates the same calls without end, so that the file is compacted often; prints what was acknowledged. */
const updater = `
  import { connectTo } from ${helper};
  const connector = connectTo(process.argv[1]);
  const name = process.argv[2];
  for (let n = Number(process.argv[3]); ; n++) {
    const keys = Array.from({ length: 20 }, (_, i) => name + "-" + (n % 3) + "-" + i);
    const records = keys.map((key) => ({ key, fields: { n, note: "y".repeat(8000) + n }, modes: {}, ours: { n: Array.from({ length: 60 }, (_, i) => n - i), note: Array.from({ length: 60 }, (_, i) => "y".repeat(8000) + (n - i)) } }));
    for (const { key, saved } of await connector.saveCalls(records)) if (saved) console.log(key + " " + n);
  }
`;

/** Runs the updater until it has acknowledged this much; returns the last number by key. */
async function updates(name: string, from: number, count: number): Promise<Map<string, number>> {
  const child = spawn(process.execPath, ["--input-type=module", "-e", updater, path, name, String(from)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const acknowledged = new Map<string, number>();
  let seen = 0;
  for await (const line of createInterface(child.stdout)) {
    const [key = "", n] = line.split(" ");
    acknowledged.set(key, Number(n));
    if (++seen === count) child.kill("SIGKILL");
  }
  return acknowledged;
}

function expectAcknowledged(acknowledged: ReadonlyMap<string, number>): void {
  const found = new Map(readCrm(path).activities.map(({ key, n }) => [String(key), Number(n)]));
  for (const [key, n] of acknowledged) expect(found.get(key), key).toBeGreaterThanOrEqual(n);
}

test("updates that were acknowledged survive kills, also while the file is compacted", async () => {
  let from = 1;
  const all = new Map<string, number>();
  for (const count of [150, 700, 433, 291]) {
    for (const [key, n] of await updates("k", from, count)) all.set(key, n);
    from = Math.max(...all.values()) + 1;
    expectAcknowledged(all);
  }
  await open().saveCalls([call("last")]);
  expect(readdirSync(folder).sort()).toEqual([".crm.json.lock", "crm.activities.ndjson", "crm.json"]);
  expect(statSync(log).size).toBeLessThan(4_000_000);
  expect(readCrm(path).activities).toHaveLength(61);
}, 60_000);

test("two processes that work on the same files lose nothing and double nothing", async () => {
  const [one, two] = await Promise.all([updates("one", 1, 800), updates("two", 1, 800)]);
  expectAcknowledged(new Map([...one, ...two]));
  await open().saveCalls([call("last")]);
  const { activities } = readCrm(path);
  expect(new Set(activities.map(({ id }) => id)).size).toBe(activities.length);
  const live = lines().filter((line) => line.startsWith("{"));
  expect(live).toHaveLength(activities.length);
}, 60_000);

test("a file that vanishes between two reads is an error with its cure", async () => {
  await open().saveCalls([call("mine")]);
  const activities = activityLog(log, (warning) => warnings.push(warning));
  await activities.refresh();
  rmSync(log);
  await expect(activities.activity("mine")).rejects.toThrow(/cannot be read or written \(ENOENT\)\. Let /);
});

test("a person who saves the activities at the same moment loses nothing", async () => {
  const connector = open();
  await connector.saveCalls([call("mine")]);
  const saving = (async () => {
    for (let i = 0; i < 40; ) {
      const saved = await connector.saveCalls([call(`call-${i}`)]).catch(() => []);
      i += saved.length;
    }
  })();
  for (let i = 0; i < 20; i++) {
    appendFileSync(log, `{"id":"p${i}","note":"a person's"}\n`);
    await new Promise((resolve) => setTimeout(resolve, i % 7));
  }
  await saving;
  expect(readCrm(path).activities).toHaveLength(61);
});
