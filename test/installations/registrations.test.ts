import type { HubspotOptions } from "@switchhook/emulators/hubspot";
import { expect, onTestFinished, test } from "vitest";
import { createRecordings } from "../../connectors/hubspot/recordings.ts";
import { GrantError, type TokenSource } from "../../src/core/crm-app.ts";
import { registerRecordings } from "../../src/installations/registrations.ts";
import { appAt, start } from "../connectors/hubspot-consent.ts";
import { waitFor } from "../support/server.ts";

/** Our app at an emulated HubSpot, told where recordings are as a server tells it. */
async function prepared(options: HubspotOptions = {}, everyMs = 5) {
  const { crm, context, tokens } = await start(options);
  const recordings = createRecordings(tokens);
  const warnings: { reason: string; sentence: string }[] = [];
  const accounts: TokenSource[] = [];
  const disk = { error: undefined as Error | undefined };
  const registrations = registerRecordings({
    crms: new Map([["hubspot", { label: "HubSpot", app: appAt(crm, { appId: 777 }), recordings }]]),
    address: async (name) => {
      if (disk.error) throw disk.error;
      return `https://hooks.example.com/${name}`;
    },
    accounts: () => accounts,
    context,
    warn: (facts, sentence) => void warnings.push({ ...(facts as { reason: string }), sentence }),
    everyMs,
  });
  onTestFinished(registrations.stop);
  const requests = () =>
    crm.requests.filter(({ kind }) => kind === "recording setting").map(({ method }) => method);
  return {
    ...{ crm, accounts, warnings, disk, registrations, requests },
    told: () => waitFor("the address", () => requests().includes("POST")),
  };
}

test("it is told once, however often somebody has it looked at", async () => {
  const { registrations, requests, told } = await prepared();
  registrations.start();
  registrations.look("hubspot");
  await told();
  registrations.look("hubspot");
  registrations.look("nobody's");
  await waitFor("what could follow", async () => true);
  expect(requests()).toEqual(["GET", "POST"]);
});

test("what passes is tried again by itself, and warned of once", async () => {
  const { registrations, crm, warnings, told } = await prepared();
  crm.faults.add({ type: "status", status: 503, match: "recording setting", times: 3 });
  registrations.start();
  await told();
  expect(warnings).toEqual([
    expect.objectContaining({
      reason: expect.stringContaining("503"),
      sentence: expect.stringContaining("for now"),
    }),
  ]);
});

test("a fault of ours is tried again, too", async () => {
  const { registrations, disk, warnings, told } = await prepared();
  disk.error = new Error("the disk failed");
  registrations.start();
  await waitFor("a warning", () => warnings.length > 0);
  disk.error = undefined;
  await told();
  expect(warnings).toEqual([expect.objectContaining({ reason: "the disk failed", err: expect.any(Error) })]);
});

test("what nobody may is left until an account is connected that may", async () => {
  const { registrations, crm, accounts, warnings, requests, told } = await prepared({
    recordingSetters: ["account"],
  });
  registrations.start();
  await waitFor("a warning", () => warnings.length > 0);
  expect(warnings[0]?.sentence).toContain("until the next account is connected");
  const token = { accessToken: crm.people.install().accessToken };
  accounts.push({ current: async () => token, refused: () => {} });
  expect(requests()).toEqual(["GET"]);
  registrations.look("hubspot");
  await told();
});

test("after the end nothing is asked any more", async () => {
  const { registrations, disk, warnings, requests } = await prepared();
  disk.error = new GrantError("later", "not now");
  registrations.start();
  await waitFor("a warning", () => warnings.length > 0);
  registrations.stop();
  disk.error = undefined;
  registrations.look("hubspot");
  const other = await prepared();
  other.registrations.start();
  await other.told();
  expect(requests()).toEqual([]);
});

test("a server that leads again after another one did goes on", async () => {
  const { registrations, crm, requests, told } = await prepared();
  crm.faults.add({ type: "status", status: 503, match: "recording setting", times: 1 });
  registrations.start();
  await waitFor("a refusal", () => requests().length > 0);
  registrations.stop();
  registrations.start();
  await told();
});
