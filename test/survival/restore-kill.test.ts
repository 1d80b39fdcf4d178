import { spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { cli, server, settled, workFolder, writeAcme } from "../cli/support.ts";
import { readCrm } from "../support/crm-files.ts";
import { seeded } from "../support/random.ts";
import { rounds } from "../support/rounds.ts";

const kills = rounds({ whole: 12, short: 3 });
const cliFile = resolve(import.meta.dirname, "../../src/cli.ts");

test(`restore is killed at ${kills} moments: the database is whole or away, and a last restore finishes it`, async () => {
  const folder = workFolder();
  writeAcme(folder, { subject: "A call" });
  const running = await server(folder);
  const simulate = ["simulate", "voys", "--installation", "acme", "--direction", "inbound", "--calls", "5"];
  await cli(folder, simulate, running.settings);
  await settled(folder, 5, "crm.json");
  expect((await cli(folder, ["backup", "kept.backup"], running.settings)).code).toBe(0);
  running.signal("SIGKILL");
  await running.ended;
  const random = seeded(11);
  for (let i = 0; i < kills; i += 1) {
    await killedRestore(folder, random.below(60));
    const db = join(folder, "data", "switchhook.db");
    if (!existsSync(db)) expect(existsSync(join(folder, "data", "switchhook.mark"))).toBe(true);
    else expect(callsIn(db)).toBe(5);
  }
  rmSync(join(folder, "crm.json"));
  expect((await cli(folder, ["restore", "kept.backup"])).code).toBe(0);
  expect(callsIn(join(folder, "data", "switchhook.db"))).toBe(5);
  const crm = readCrm(join(folder, "crm.json"));
  expect(crm.activities).toHaveLength(5);
}, 180_000);

/** Killed some time after it has begun to write. */
async function killedRestore(folder: string, afterMs: number): Promise<void> {
  const part = join(folder, "data", "switchhook.db.restoring");
  rmSync(part, { force: true });
  const child = spawn(process.execPath, [cliFile, "restore", "kept.backup"], {
    cwd: folder,
    stdio: "ignore",
  });
  const ended = new Promise((done) => child.on("close", done));
  while (!existsSync(part) && child.exitCode === null) await pause(1);
  await pause(afterMs);
  child.kill("SIGKILL");
  await ended;
}

function callsIn(file: string): number {
  const db = new DatabaseSync(file);
  const row = db.prepare("SELECT COUNT(*) AS n FROM calls").get();
  const check = db.prepare("PRAGMA integrity_check").get();
  db.close();
  expect(check).toEqual({ integrity_check: "ok" });
  return Number(row?.["n"]);
}
