import { setTimeout as pause } from "node:timers/promises";
import { expect, test } from "vitest";
import { sinceOf } from "../../src/cli/replay.ts";
import { activitiesIn, cli, server, settled, until, workFolder, writeAcme, writeMapping } from "./support.ts";

const before = { subject: { text: "Call {{ call.id }}" }, kind: "call" };
const after = {
  subject: { text: "Talk {{ call.id }}" },
  kind: "call",
  seconds: { from: "call.duration.seconds" },
};

async function threeCalls(folder: string) {
  writeAcme(folder, before);
  const child = await server(folder);
  const wishes = [
    "--calls",
    "3",
    "--outcome",
    "completed",
    "--direction",
    "inbound",
    "--installation",
    "acme",
    "--json",
  ];
  const { code } = await cli(folder, ["simulate", "voys", ...wishes], child.settings);
  expect(code).toBe(0);
  return { child, activities: await settled(folder, 3, "crm.json") };
}

const subjects = (folder: string) =>
  activitiesIn(folder, "crm.json").map(({ subject }) => String(subject).slice(0, 4));

test("shows what a changed mapping would change, then changes it in the same activities", async () => {
  const folder = workFolder();
  const { activities } = await threeCalls(folder);
  writeMapping(folder, after);
  const dry = await cli(folder, ["replay", "--since", "1h", "--dry-run"]);
  const id = String(activities[0]?.["subject"]).slice(5);
  expect(dry.stdout).toMatch(`subject: "Call ${id}" -> "Talk ${id}"`);
  expect(dry.stdout).toMatch(/seconds: \(nothing\) -> \d+/);
  expect(dry.stdout).not.toMatch(/kind/);
  expect(dry.stdout).toMatch(
    /3 calls, made of 12 webhooks: 3 to change, 0 not in the CRM yet, 0 unchanged\./,
  );
  // As long as the running server would need to notice.
  await pause(2_000);
  expect(subjects(folder)).toEqual(["Call", "Call", "Call"]);

  const real = await cli(folder, ["replay", "--since", "1h"]);
  expect(real.stdout).toMatch(/The running server does it from here/);
  await until("the new subjects", () => subjects(folder).every((subject) => subject === "Talk"));
  expect(activitiesIn(folder, "crm.json").map(({ id }) => id)).toEqual(activities.map(({ id }) => id));
  const { stdout } = await cli(folder, ["replay", "--since", "1h", "--dry-run", "--json"]);
  const calls = (JSON.parse(stdout) as { calls: { plan: string }[] }).calls;
  expect(calls.map(({ plan }) => plan)).toEqual(["unchanged", "unchanged", "unchanged"]);
});

test("does the work itself when no server runs, for one call or for all", async () => {
  const folder = workFolder();
  const { child, activities } = await threeCalls(folder);
  child.signal("SIGTERM");
  expect(await child.ended).toBe(0);
  writeMapping(folder, after);
  const [{ key } = { key: "" }] = activities;
  const one = await cli(folder, ["replay", "--call", key]);
  expect(one.stdout).toMatch(/1 call, .*: 1 to change/);
  expect(one.stdout).toMatch(/No server is running, so it was done right now/);
  expect(subjects(folder).sort()).toEqual(["Call", "Call", "Talk"]);
  await cli(folder, ["replay", "--since", "1h"]);
  expect(subjects(folder)).toEqual(["Talk", "Talk", "Talk"]);
});

test("asks which calls, and refuses what is no time", async () => {
  const folder = workFolder();
  const none = await cli(folder, ["replay"]);
  expect([none.code, none.stderr]).toEqual([1, expect.stringMatching(/^Say which calls to replay: .*\n$/)]);
  const soon = await cli(folder, ["replay", "--since", "soon"]);
  expect([soon.code, soon.stderr]).toEqual([
    1,
    expect.stringMatching(/^--since "soon" is not a time\. Write it/),
  ]);
});

test("reads times as people write them", () => {
  const now = Date.parse("2026-11-21T12:00:00Z");
  expect(sinceOf("90m", now)).toBe("2026-11-21T10:30:00.000Z");
  expect(sinceOf("3d", now)).toBe("2026-11-18T12:00:00.000Z");
  expect(sinceOf("2026-11-01", now)).toBe("2026-11-01T00:00:00.000Z");
  expect(sinceOf("2026-11-01T08:00:00+05:30", now)).toBe("2026-11-01T02:30:00.000Z");
  for (const text of ["", "h", "-1h", "2x", "9999999h", "2026-13-01"])
    expect(() => sinceOf(text, now)).toThrow("is not a time");
});
