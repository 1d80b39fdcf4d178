import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cli, server, settled, workFolder, writeAcme } from "./support.ts";

test("finds everything in order, one line per check", async () => {
  const folder = workFolder();
  writeAcme(folder, { subject: "A call" });
  const { code, stdout } = await cli(folder, ["check"]);
  expect(code).toBe(0);
  for (const line of stdout.trim().split("\n")) expect(line).toMatch(/^ok {5}/);
  expect(stdout).toMatch(
    /ok {5}acme: voys: webhook URL http:\/\/127\.0\.0\.1:8484\/webhooks\/acme\/voys\?key=<secret> \(<secret>: `secret` of its provider voys\); /,
  );
  expect(stdout).toMatch(/ok {5}acme: local: reachable, 1 owner$/m);
});

test("finds a wrong mapping field and a secret that is not set, with the cures", async () => {
  const folder = workFolder();
  const secret = { env: "VOYS_SECRET_THAT_IS_NOT_SET" };
  writeAcme(folder, { seconds: { from: "call.duration.second" } }, { providers: { voys: { secret } } });
  const { code, stdout } = await cli(folder, ["check"]);
  expect(code).toBe(1);
  const faults = stdout.trim().split("\n");
  expect(faults).toHaveLength(2);
  expect(stdout).toMatch(
    /FAULT {2}.*mapping\.json: activity\.seconds\.from.*Did you mean call\.duration\.seconds\?/i,
  );
  expect(stdout).toMatch(
    /FAULT {2}.*installations\.acme\.providers\.voys\.secret.*VOYS_SECRET_THAT_IS_NOT_SET/,
  );
  const json = await cli(folder, ["check", "--json"]);
  expect(json.code).toBe(1);
  expect(JSON.parse(json.stdout)).toMatchObject({ ok: false });
});

test("finds a text that runs into a limit, and a filter that compiles a text at each call", async () => {
  const folder = workFolder();
  const wild = "{% for i in (1..9000) %}{{ contact.name }}{% endfor %}";
  writeAcme(folder, { subject: "A call", notes: { text: wild } });
  const limited = await cli(folder, ["check"]);
  expect(limited.code).toBe(1);
  expect(limited.stdout).toMatch(
    /FAULT {2}acme: mapping: .*mapping\.json: activity\.notes\.text: with a call of an hour.*10,000 steps.*To do: /,
  );
  writeAcme(folder, { subject: { text: "{{ call.transcript | split: ' ' | where_exp: 'x', 'x' }}" } });
  const refused = await cli(folder, ["check"]);
  expect(refused.stdout).toMatch(/FAULT {2}.*undefined filter: where_exp.*use where, or for with if/);
});

test("finds a CRM that cannot be read and a data folder that cannot be written to", async () => {
  const folder = workFolder();
  writeAcme(folder, { subject: "A call" });
  writeFileSync(join(folder, "crm.json"), '{"contacts": [}');
  const { code, stdout } = await cli(folder, ["check", "--data", "switchhook.json/data"]);
  expect(code).toBe(1);
  expect(stdout).toMatch(/FAULT {2}acme: local: .*crm\.json/);
  expect(stdout).toMatch(/FAULT {2}data folder: The data folder switchhook\.json\/data cannot be used/);
});

test("lists every broken line of the local CRM's activities", async () => {
  const folder = workFolder();
  writeAcme(folder, { subject: "A call" });
  const broken = ["rubbish", "[1]", '{"key":"b"}', '{"id":"3","key":'];
  const file = join(folder, "crm.activities.ndjson");
  const text = ['{"id":"1","key":"a"}', ...broken].join("\n");
  writeFileSync(file, text, { mode: 0o600 });
  const { code, stdout } = await cli(folder, ["check"]);
  expect(code).toBe(1);
  const faults = stdout.split("\n").filter((line) => line.startsWith("FAULT"));
  expect(faults).toEqual(
    [2, 3, 4, 5].map((n) =>
      expect.stringMatching(
        new RegExp(
          `^FAULT  acme: local records: .*crm\\.activities\\.ndjson: line ${n}\\b.* Correct or delete`,
        ),
      ),
    ),
  );
  expect(stdout).toMatch(/ok {5}acme: local: reachable/);
  expect(readFileSync(file, "utf8")).toBe(text);
});

test("brings the contact index up to date on request", async () => {
  const folder = workFolder();
  writeAcme(folder, { subject: "A call" });
  const first = await cli(folder, ["sync"]);
  expect(first.stdout).toBe("acme: 1 contact in the index (1 read, 0 removed).\n");
  const again = await cli(folder, ["sync", "--json"]);
  expect(JSON.parse(again.stdout)).toMatchObject({
    synced: [{ installation: "acme", contacts: 0, known: 1 }],
  });
  const typo = await cli(folder, ["sync", "--installation", "acmee"]);
  expect([typo.code, typo.stderr]).toEqual([1, expect.stringMatching(/Did you mean acme\?/)]);
});

test("does not disturb a running server", async () => {
  const folder = workFolder();
  writeAcme(folder, { subject: "A call" });
  const { settings } = await server(folder);
  expect((await cli(folder, ["check"], settings)).code).toBe(0);
  await cli(folder, ["simulate", "voys", "--installation", "acme"], settings);
  await settled(folder, 1, "crm.json");
});
