import { mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { ConfigError } from "../../src/core/errors.ts";
import type { Mapping } from "../../src/mapping/compile.ts";
import { createMappingFiles, type MappingFile } from "../../src/mapping/file.ts";
import { faultsOf, fullView } from "./samples.ts";

const mappings = createMappingFiles();
let folder: string;
let path: string;
let opened: MappingFile | undefined;
let changes: Mapping[];
let faults: ConfigError[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "mapping-"));
  path = join(folder, "local.json");
  writeFileSync(path, source("first"));
  changes = [];
  faults = [];
});

afterEach(() => {
  opened?.close();
  rmSync(folder, { recursive: true, force: true });
});

function source(type: string): string {
  return JSON.stringify({ crm: "local", activity: { type } });
}

function open(): () => unknown {
  const file = mappings.watch(path, {
    onChange: (mapping) => changes.push(mapping),
    onFault: (error) => faults.push(error),
  });
  opened = file;
  return () => file.current().activity(fullView).fields["type"];
}

async function until(condition: () => boolean): Promise<void> {
  await vi.waitFor(() => expect(condition()).toBe(true), { timeout: 20_000, interval: 20 });
}

test("a changed file is used from now on", async () => {
  const type = open();
  expect(type()).toBe("first");
  writeFileSync(path, source("second"));
  await until(() => type() === "second");
  expect(changes).toHaveLength(1);
  expect(changes[0]?.activity(fullView).fields).toEqual({ type: "second" });
});

test("an editor that puts a new file in its place is followed, again and again", async () => {
  const type = open();
  for (const name of ["second", "third"]) {
    writeFileSync(`${path}.tmp`, source(name));
    renameSync(`${path}.tmp`, path);
    await until(() => type() === name);
  }
  expect(faults).toEqual([]);
});

test("a wrong version is reported once and the old one stays in use until it is mended", async () => {
  const type = open();
  writeFileSync(path, '{ "crm": "local", "activity": { "type": { "from": "call.idd" } } }');
  await until(() => faults.length === 1);
  expect(faults[0]?.message).toContain(`${path}: activity.type.from`);
  writeFileSync(join(folder, "other.json"), "{}");
  await sleep(300);
  expect([type(), faults.length, changes.length]).toEqual(["first", 1, 0]);
  writeFileSync(path, source("mended"));
  await until(() => type() === "mended");
});

test("a file that goes away is reported, and the mapping stays in use", async () => {
  const type = open();
  unlinkSync(path);
  await until(() => faults.length === 1);
  expect(faults[0]?.message).toContain("cannot be read");
  writeFileSync(join(folder, "other.json"), "{}");
  await sleep(300);
  expect(faults).toHaveLength(1);
  expect(type()).toBe("first");
  writeFileSync(path, source("back"));
  await until(() => type() === "back");
});

test("saving without a change changes nothing, and a closed file is not watched", async () => {
  const type = open();
  writeFileSync(path, source("first"));
  await sleep(300);
  expect(changes).toEqual([]);
  opened?.close();
  writeFileSync(path, source("second"));
  await sleep(300);
  expect(type()).toBe("first");
});

test("a first version that is wrong, missing or monstrous is refused with its path", () => {
  const listeners = { onChange: () => undefined, onFault: () => undefined };
  writeFileSync(path, "{");
  expect(faultsOf(() => mappings.watch(path, listeners))[0]?.at).toBe(`${path}: line 1, column 2`);
  writeFileSync(path, " ".repeat(1_000_001));
  expect(faultsOf(() => mappings.read(path))[0]?.problem).toContain("larger than 256 KB");
  expect(faultsOf(() => mappings.read(join(folder, "none.json")))[0]?.problem).toContain("ENOENT");
  expect(faultsOf(() => mappings.read(folder))[0]?.problem).toContain("EISDIR");
});

test("a forgotten file has no newest valid version any more", () => {
  const resumed = () =>
    mappings.watch(path, { onChange: () => {}, onFault: (error) => faults.push(error) }, { resume: true });
  mappings.read(path);
  writeFileSync(path, "{");
  resumed().close();
  expect(faults).toHaveLength(1);
  mappings.forget(path);
  expect(resumed).toThrow("JSON");
});
