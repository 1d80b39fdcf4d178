import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { freePort } from "../support/child-server.ts";
import { cli, refusedServer, server, settled, until, workFolder, writeAcme } from "./support.ts";

test("starts with a demo and prints a curl that works when pasted, and where to look", async () => {
  const folder = workFolder();
  const { output, url } = await server(folder);
  expect(output()).toContain(`open   ${url}/`);
  expect(output()).toContain(join(folder, "data/demo-crm.json"));
  const curl = /curl .*/.exec(output())?.[0] ?? "";
  expect(execFileSync("sh", ["-c", `${curl} -s`], { encoding: "utf8" })).toBe('{"ok":true}');
  const [activity] = await settled(folder, 1);
  expect(activity).toMatchObject({ contactId: "1", outcome: "completed", durationSeconds: 185 });
  const call = /explain (demo-\w+)/.exec(output())?.[1] ?? "";
  expect((await cli(folder, ["explain", call])).stdout).toMatch(/logged as activity 1/);
});

test("keeps the demo's CRM file when it starts again", async () => {
  const folder = workFolder();
  const crm = join(folder, "data/demo-crm.json");
  mkdirSync(join(folder, "data"));
  writeFileSync(crm, '{"contacts": [{"id": "1", "name": "Mine", "phones": []}]}');
  await server(folder);
  expect(readFileSync(crm, "utf8")).toContain("Mine");
});

test("logs JSON lines, one per event, when nobody watches", async () => {
  const folder = workFolder();
  writeAcme(folder, { subject: "A call" });
  const { output } = await server(folder);
  await until("the first lines", () => output().includes("listening"));
  const lines = output().trim().split("\n");
  for (const line of lines) expect(JSON.parse(line)).toMatchObject({ level: "info" });
});

test("takes any free port for port 0", async () => {
  const folder = workFolder();
  const { output, signal, ended } = await server(folder, { PORT: "0" });
  const url = /listens on (http:\/\/127\.0\.0\.1:\d+)/.exec(output())?.[1] ?? "";
  expect((await fetch(`${url}/healthz`)).status).toBe(200);
  signal("SIGTERM");
  expect(await ended).toBe(0);
});

const refused = async (folder: string, settings: Record<string, string> = {}) => {
  const { code, output } = await refusedServer(folder, settings);
  expect(code).toBe(1);
  expect(output).not.toMatch(/\n\s+at /);
  return output.trim();
};

test("says in one sentence that its port is in use", async () => {
  const folder = workFolder();
  const other = createServer((socket) => socket.destroy());
  const port = await freePort();
  await new Promise<void>((listening) => other.listen(port, "127.0.0.1", listening));
  expect(await refused(folder, { PORT: String(port) })).toBe(
    `Port ${port} on 127.0.0.1 is already in use. Stop the program that has it, or choose another: PORT=${port + 1}.`,
  );
  await new Promise((closed) => other.close(closed));
});

test("does not share a data folder with another server", async () => {
  const folder = workFolder();
  const first = await server(folder);
  expect(await refused(folder)).toMatch(
    /^Another Switchhook is already working in the data folder \.\/data\./,
  );
  first.signal("SIGKILL");
  await first.ended;
  const third = await server(folder);
  expect(third.output()).toContain("open   http");
});

test("says in one sentence that its data folder cannot be written to", async () => {
  const folder = workFolder();
  writeAcme(folder, { subject: "A call" });
  writeFileSync(join(folder, "occupied"), "a file where the folder should be");
  expect(await refused(folder, { SWITCHHOOK_DATA: "occupied/data" })).toMatch(
    /^The data folder occupied\/data cannot be used: .*set SWITCHHOOK_DATA to another folder\.$/,
  );
});

test("prints all faults of a broken configuration, one per line", async () => {
  const folder = workFolder();
  writeAcme(folder, { subject: { from: "call.strated" } }, { region: "XX", timeZone: "Mars/Olympus" });
  const lines = (await refused(folder)).split("\n");
  expect(lines).toHaveLength(3);
  expect(lines.join("\n")).toMatch(/region/);
  expect(lines.join("\n")).toMatch(/timeZone/);
  expect(lines.join("\n")).toMatch(/activity\.subject.*call\.startedAt/);
});

test("says which config file it cannot read", async () => {
  const folder = workFolder();
  expect(await refused(folder, { SWITCHHOOK_CONFIG: "nowhere.json" })).toMatch(
    /^nowhere\.json: cannot be read/,
  );
});
