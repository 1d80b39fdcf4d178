import { expect, test } from "vitest";
import { activitiesIn, cli, server, settled, workFolder } from "./support.ts";

const all = ["exotel", "retell", "bird", "voys"];

test("makes exactly one activity per call of every provider, however its events arrive", async () => {
  const folder = workFolder();
  const { settings } = await server(folder);
  const disorder = ["--duplicate", "--shuffle", "--late", "--late-seconds", "2", "--seed", "one", "--json"];
  const reports = await Promise.all(
    all.map((provider) => cli(folder, ["simulate", provider, "--calls", "8", ...disorder], settings)),
  );
  const keys = reports.flatMap(({ stdout, code }) => {
    const { calls, refused, sent, accepted } = JSON.parse(stdout) as Report;
    expect({ code, refused, accepted }).toEqual({ code: 0, refused: 0, accepted: sent });
    return calls;
  });
  expect(new Set(keys).size).toBe(32);
  const activities = await settled(folder, 32);
  expect(activities.map(({ key }) => key).sort()).toEqual([...keys].sort());
  for (const { outcome, startedAt } of activities) {
    expect(outcome).not.toBe("unknown");
    expect(Date.parse(String(startedAt))).toBeGreaterThan(Date.now() - 1_200_000);
  }
});

test("explains who the contact is and why, and lists the latest calls when none is named", async () => {
  const folder = workFolder();
  const { settings } = await server(folder);
  const wishes = [
    "--customer",
    "+919876543210",
    "--direction",
    "inbound",
    "--outcome",
    "completed",
    "--agent",
    "201",
  ];
  const { stdout } = await cli(folder, ["simulate", "voys", ...wishes, "--json"], settings);
  const [key = ""] = (JSON.parse(stdout) as Report).calls;
  await settled(folder, 1);
  const partOfItsId = key.split(":")[2]?.slice(0, 14) ?? "";
  const explained = await cli(folder, ["explain", partOfItsId]);
  expect(explained.stdout).toMatch(/Rohan Mehta/);
  expect(explained.stdout).toMatch(/the only one with this number/);
  expect(explained.stdout).toMatch(/Asha Rao .*talked last with the customer/);
  const { stdout: json } = await cli(folder, ["explain", key, "--json"]);
  expect(JSON.parse(json)).toMatchObject({ key });
  expect((await cli(folder, ["explain"])).stdout).toMatch(key);
  const unknown = await cli(folder, ["explain", "nobody-has-this"]);
  expect(unknown.code).toBe(1);
  expect(unknown.stderr).toMatch(new RegExp(`No call has "nobody-has-this" in its id.*\\n.*${key}`));
});

test("shows what an AI agent was told about a caller", async () => {
  const folder = workFolder();
  const { settings } = await server(folder);
  const wishes = ["--customer", "+919876543210", "--direction", "inbound"];
  const { stdout } = await cli(folder, ["simulate", "retell", ...wishes], settings);
  expect(stdout).toMatch(/Answer to demo:retell:.*"override_agent_id":"agent_asha"/);
});

test("makes the same calls from the same seed, which are then the same activities", async () => {
  const folder = workFolder();
  const { settings } = await server(folder);
  const args = ["simulate", "exotel", "--seed", "again", "--json"];
  const { calls, sent } = JSON.parse((await cli(folder, args, settings)).stdout) as Report;
  const twice = await cli(folder, [...args, "--duplicate"], settings);
  expect(JSON.parse(twice.stdout)).toMatchObject({ calls, sent: 2 * sent });
  expect((await settled(folder, 1)).map(({ key }) => key)).toEqual(calls);
  const other = await cli(folder, ["simulate", "exotel", "--json"], settings);
  expect((JSON.parse(other.stdout) as Report).calls).not.toEqual(calls);
  expect(activitiesIn(folder).length).toBeGreaterThan(0);
});

test("counts what the server refuses, and ends with 1", async () => {
  const folder = workFolder();
  const { settings, url } = await server(folder);
  const wrong = { ...settings, PORT: "1" };
  const { stdout, code } = await cli(folder, ["simulate", "voys", "--url", `${url}/elsewhere`], wrong);
  expect(code).toBe(1);
  expect(stdout).toMatch(/0 accepted, [1-9]\d* refused/);
  expect(stdout).toMatch(/404/);
});

test("says in one sentence what to do when it cannot send", async () => {
  const folder = workFolder();
  const nobody = await cli(folder, ["simulate", "voys", "--calls", "40", "--url", "http://127.0.0.1:1"]);
  expect(nobody.code).toBe(1);
  expect(nobody.stderr.trim()).toMatch(/^No server answers at http:\/\/127\.0\.0\.1:1 .*--url\.$/);
  const typo = await cli(folder, ["simulate", "voys", "--installation", "dem"]);
  expect(typo.stderr.trim()).toBe(
    'There is no installation "dem" in the configuration. Did you mean demo? Choose with --installation.',
  );
});

type Report = { calls: string[]; sent: number; accepted: number; refused: number };
