import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { toneOf } from "@switchhook/emulators/audio";
import { startExotel } from "@switchhook/emulators/exotel";
import { expect, onTestFinished, test } from "vitest";
import type { SimulatedCall } from "../../src/core/provider.ts";
import { openSqliteStore } from "../../src/store/sqlite/store.ts";
import { type ChildServer, freePort, isUp, startChild } from "../support/child-server.ts";
import { readCrm } from "../support/crm-files.ts";
import { seeded } from "../support/random.ts";
import { rounds } from "../support/rounds.ts";
import { waitFor } from "../support/server.ts";

const kills = rounds({ whole: 8, short: 2 });
const calls = rounds({ whole: 120, short: 40 });

const callOf = (i: number): SimulatedCall => ({
  ...{
    id: `lost-${i}`,
    direction: "inbound",
    customer: "+919876543210",
    line: "+918047112200",
    agent: "ravi",
  },
  startedAt: new Date(Date.now() - (10 + (i % 60)) * 60_000).toISOString(),
  ...{ ringSeconds: 4, talkSeconds: 5 + i, outcome: "completed" },
});

function folderFor(exotel: object): string {
  const folder = mkdtempSync(join(tmpdir(), "switchhook-reconcile-kill-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "data"));
  const contacts = [{ id: "1", name: "Asha Rao", phones: ["+91 98765 43210"] }];
  writeFileSync(join(folder, "crm.json"), JSON.stringify({ contacts, owners: [], activities: [] }));
  const acme = {
    ...{ crm: { type: "local", file: "crm.json" }, region: "IN", settleSeconds: 0, recording: "archive" },
    providers: { exotel },
  };
  const config = { archive: { folder: "kept" }, installations: { acme } };
  writeFileSync(join(folder, "switchhook.json"), JSON.stringify(config));
  return folder;
}

function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

const sha256 = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");

test(`killed ${kills} times while it asks for lost calls and archives them, logs and keeps each once`, {
  timeout: 600_000,
}, async () => {
  const exotel = await startExotel();
  onTestFinished(() => exotel.stop());
  for (let i = 0; i < calls; i += 1) exotel.place(callOf(i));
  exotel.latencyMs = 20;
  const folder = folderFor(exotel.settings);
  const random = seeded(11);
  const port = await freePort();
  const start = (): ChildServer => {
    const child = startChild(folder, port);
    onTestFinished(() => child.kill());
    return child;
  };
  for (let i = 0; i < kills; i += 1) {
    const child = start();
    await waitFor("the server to answer", () => isUp(child), 30);
    await pause(random.below(500));
    child.kill();
    expect(await child.ended, child.output()).toBe("SIGKILL");
  }
  const last = start();
  const kept = () => filesIn(join(folder, "kept")).filter((path) => !path.includes(".incoming"));
  await waitFor("all copies", () => kept().length >= calls, 120);
  const store = openSqliteStore(join(folder, "data"));
  await waitFor("all that is due", async () => (await store.nextDue("acme")) === undefined, 60);
  await waitFor(
    "all recordings",
    async () => (await store.dueRecordings("acme", Date.now(), 1)).length === 0,
    60,
  );
  await store.close();
  const { activities } = readCrm<{
    activities: { key: string; contactId: string; durationSeconds: number; recordingUrl?: string }[];
  }>(join(folder, "crm.json"));
  expect(activities.map(({ key }) => key).sort()).toEqual(
    Array.from({ length: calls }, (_, i) => `acme:exotel:lost-${i}`).sort(),
  );
  expect(activities.every(({ contactId, recordingUrl }) => contactId === "1" && recordingUrl)).toBe(true);
  const wanted = Array.from({ length: calls }, (_, i) => sha256(toneOf(`lost-${i}`, 5 + i)));
  expect(
    kept()
      .map((path) => sha256(readFileSync(path)))
      .sort(),
  ).toEqual(wanted.sort());
  expect(filesIn(join(folder, "kept", ".incoming"))).toEqual([]);
  expect(last.log().filter(({ level }) => level === "error")).toEqual([]);
});
