import { type ExotelEmulator, startExotel } from "@switchhook/emulators/exotel";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { SimulatedCall } from "../../src/core/provider.ts";
import { activitiesIn, cli, server, settled, workFolder, writeAcme } from "./support.ts";

let exotel: ExotelEmulator;
beforeEach(async () => {
  exotel = await startExotel();
});
afterEach(() => exotel.stop());

const minute = 60_000;

function placeCall(id: string, minutesAgo: number): void {
  const call: SimulatedCall = {
    ...{ id, direction: "inbound", customer: "+919876543210", line: "+918047112200", agent: "agent_001" },
    startedAt: new Date(Date.now() - minutesAgo * minute).toISOString(),
    ...{ ringSeconds: 4, talkSeconds: 61, outcome: "completed" },
  };
  exotel.place(call);
}

function acmeIn(folder: string, settings: object = {}): void {
  const providers = { voys: { secret: "voys-secret" }, exotel: exotel.settings };
  writeAcme(folder, { subject: "A call" }, { providers, reconcile: true, ...settings });
}

test("asks for the calls that no webhook told of, logs them, and finds nothing the next time", async () => {
  const folder = workFolder();
  acmeIn(folder);
  placeCall("lost-1", 100);
  placeCall("lost-2", 30);
  const first = await cli(folder, ["reconcile", "--since", "2h"]);
  expect(first.stdout).toMatch(/^acme: voys was not polled: Voys has no API that lists calls\.\n/);
  expect(first.stdout).toMatch(/\nacme: exotel returned 2 calls: 2 without a webhook, 0 incomplete\.\n/);
  expect(first.stdout).toMatch(/No server is running, so it was done right now\.\n$/);
  expect(
    activitiesIn(folder, "crm.json")
      .map(({ key }) => key)
      .sort(),
  ).toEqual(["acme:exotel:lost-1", "acme:exotel:lost-2"]);
  const again = await cli(folder, ["reconcile", "--since", "2h", "--provider", "exotel", "--json"]);
  expect(JSON.parse(again.stdout)).toMatchObject({
    asked: [{ provider: "exotel", told: 2, missed: 0, mended: 0 }],
    by: "here",
  });
  expect(activitiesIn(folder, "crm.json")).toHaveLength(2);
  const explained = await cli(folder, ["explain", "lost-1"]);
  expect(explained.stdout).toMatch(/call_details, ended, not from a webhook/);
});

test("leaves the logging to a server that runs, which asks by itself as well", async () => {
  const folder = workFolder();
  acmeIn(folder);
  placeCall("old", 300);
  placeCall("young", 20);
  const { settings } = await server(folder);
  const young = await settled(folder, 1, "crm.json");
  expect(young.map(({ key }) => key)).toContain("acme:exotel:young");
  const { stdout } = await cli(folder, ["reconcile", "--since", "6h"], settings);
  expect(stdout).toMatch(/1 without a webhook/);
  expect(stdout).toMatch(/The running server does it/);
  await expect
    .poll(() => activitiesIn(folder, "crm.json").map(({ key }) => key), { timeout: 30_000 })
    .toContain("acme:exotel:old");
});

test("says what is missing for it, and what went wrong", async () => {
  const folder = workFolder();
  const { apiToken: _, ...unable } = exotel.settings;
  acmeIn(folder, { providers: { exotel: unable } });
  const { stdout } = await cli(folder, ["reconcile"]);
  expect(stdout).toMatch(/^acme: exotel was not polled: .*apiToken/);
  acmeIn(folder, { providers: { exotel: { ...exotel.settings, apiToken: "another" } } });
  const refused = await cli(folder, ["reconcile"]);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toMatch(/acme: .*401.*settings/);
  acmeIn(folder, { reconcile: false });
  expect((await cli(folder, ["reconcile"])).stdout).toMatch(
    /exotel was not polled: the installation's setting reconcile is off/,
  );
  expect((await cli(folder, ["reconcile", "--provider", "nobody"])).stderr).toMatch(
    /There is no provider nobody/,
  );
  expect((await cli(folder, ["reconcile", "--since", "soon"])).stderr).toMatch(/is not a time/);
});

test("check says whether lost webhooks are polled, and whether recordings can be archived", async () => {
  const folder = workFolder();
  acmeIn(folder);
  const { stdout } = await cli(folder, ["check"]);
  expect(stdout).toMatch(/ok {5}acme: exotel: webhook URL .*; lost webhooks are polled\n/);
  expect(stdout).toMatch(
    /ok {5}acme: voys: .*; lost webhooks are not polled: Voys has no API that lists calls\n/,
  );
});
