import type { HubspotEmulator } from "@switchhook/emulators/hubspot";
import { afterEach, beforeEach, expect, test } from "vitest";
import { watchDepartures } from "../../src/installations/departures.ts";
import { createSealer } from "../../src/lib/seal.ts";
import type { StoredInstall } from "../../src/store/contract.ts";
import { type InstallSite, installSite } from "../support/install-site.ts";
import { waitFor } from "../support/server.ts";

let site: InstallSite;
let watching: { stop(): void } | undefined;
let name: string;
beforeEach(async () => {
  site = await installSite("hubspot");
  // Only what happens after the subscription is told.
  await waitFor("the look at the start", () => reads().length > 0);
  ({ name } = await site.install());
  // Whoever asks HubSpot at the moment of an uninstall notices it before the journal does.
  const { store } = site.server.parts.flow;
  await waitFor("the first contacts", async () => (await store.syncState(name)).finishedAt);
});
afterEach(async () => {
  watching?.stop();
  await site.stop();
});

const faults = () => site.world.emulator.faults;
const uninstall = () => (site.world.emulator as HubspotEmulator).people.uninstall();
const reads = () => site.world.emulator.requests.filter(({ kind }) => kind === "journal");
const stored = async (which = name): Promise<StoredInstall | undefined> =>
  (await site.server.parts.flow.store.installs()).find((one) => one.name === which);

/** Looks every few milliseconds, besides the usual looks. */
function watch(): void {
  watching?.stop();
  watching = site.server.parts.installed?.watch(5);
}

/** The same, with its warnings to be read. */
function watchAndListen(): { reason: string }[] {
  const warnings: { reason: string }[] = [];
  const { installed, flow } = site.server.parts;
  watching = watchDepartures({
    crms: installed?.installer.crms ?? new Map(),
    ...{ store: flow.store, context: { now: flow.now }, left: async () => {}, everyMs: 5 },
    warn: (facts) => void warnings.push(facts as { reason: string }),
  });
  return warnings;
}

async function looked(times = 4): Promise<void> {
  const before = reads().length;
  await waitFor("looks at the journal", () => reads().length >= before + times);
}

/** By the journal: tokens that cannot be renewed are a sign, too, and say something else. */
const noticed = () =>
  waitFor("the uninstall to be noticed", async () =>
    (await stored())?.reason?.startsWith("uninstalled in HubSpot at "),
  );

test("an uninstall is noticed: calls wait without tokens, until the account is connected again", async () => {
  watch();
  uninstall();
  await noticed();
  const gone = await stored();
  expect(gone).toMatchObject({ state: "reconnect", reason: expect.stringMatching(/at \d{4}-\d\d-\d\dT/) });
  expect(gone).not.toHaveProperty("sealed");
  const before = site.tokenRequests();
  expect(new Set(await site.sendCall(name, "waiting"))).toEqual(new Set([200]));
  const reason = await waitFor("a reason", async () => {
    const found = await site.server.parts.flow.store.call(`${name}:voys:waiting`);
    return found?.row.reason;
  });
  expect(reason).toContain("uninstalled in HubSpot");
  expect(site.tokenRequests()).toBe(before);
  expect((await site.install()).name).toBe(name);
  await looked();
  expect(await stored()).toMatchObject({ state: "active", sealed: expect.any(String) });
  await site.later(3_600_000);
  await waitFor("the call in the CRM", () => site.world.calls().length === 1, 30);
});

test("a server that was down meanwhile notices it when it starts", async () => {
  await site.server.restart(uninstall);
  await noticed();
  const before = await stored();
  expect(before).toMatchObject({ state: "reconnect" });
  await site.server.restart();
  expect(await stored()).toEqual(before);
});

test("who was connected again before we looked stays connected", async () => {
  uninstall();
  await site.install();
  const before = await stored();
  watch();
  await looked();
  expect(await stored()).toEqual(before);
  expect(before?.state).toBe("active");
});

test("other accounts stay as they are", async () => {
  const sealer = createSealer(["a sealing key that is long enough to be one"]);
  const mine = await stored();
  if (!mine?.sealed) throw new Error("nothing is installed");
  const sealed = sealer.seal(sealer.open(mine.sealed, name), "hubspot-other");
  const other = { ...mine, name: "hubspot-other", account: "999", sealed };
  await site.server.parts.flow.store.saveInstall(other, undefined);
  await site.server.restart(uninstall);
  await noticed();
  const { store } = site.server.parts.flow;
  await waitFor("the end of the journal", async () => (await store.syncState("app:hubspot")).cursor);
  expect(await stored("hubspot-other")).toHaveProperty("sealed", sealed);
});

test("what was read is not read again after a restart", async () => {
  watch();
  uninstall();
  await noticed();
  await looked();
  watching?.stop();
  const before = reads().length;
  await site.server.restart();
  const next = await waitFor("the next look", () => reads()[before]);
  expect(next.path).toMatch(/\/offset\/[^/]+\/next$/);
});

test("an uninstall that is told twice changes nothing more", async () => {
  watch();
  uninstall();
  await noticed();
  await looked();
  watching?.stop();
  const before = await stored();
  await site.server.parts.flow.store.saveSyncState("app:hubspot", { generation: 0 });
  watch();
  await looked();
  expect(await stored()).toEqual(before);
});

test.each([
  ["away", { type: "status", status: 503 }],
  ["cut off", { type: "reset" }],
] as const)("a journal that is %s is asked again, and one warning is given", async (_, fault) => {
  const mend = faults().add({ ...fault, match: "journal" });
  const warnings = watchAndListen();
  await looked();
  expect(warnings).toEqual([{ crm: "hubspot", reason: expect.stringContaining("journal") }]);
  watching?.stop();
  watch();
  uninstall();
  await looked();
  expect(await stored()).toMatchObject({ state: "active" });
  mend();
  await noticed();
});

test("a journal that never answers holds nothing up, and the end neither", async () => {
  const mend = faults().add({ type: "hang", match: "journal" });
  watch();
  await waitFor("a look", () => reads().some(({ status }) => status === "hang"));
  await site.sendCall(name, "meanwhile");
  await waitFor("the call in the CRM", () => site.world.calls().length === 1);
  mend();
  await site.server.restart(uninstall);
  await noticed();
});

test("an app that may not read the journal is told once, and asks no more", async () => {
  const body = { status: "error", category: "MISSING_SCOPES", message: "no such scopes" };
  faults().add({ type: "status", status: 403, body, match: "journal", times: 1 });
  const warnings = watchAndListen();
  await waitFor("the warning", () => warnings.length > 0);
  const before = reads().length;
  await site.sendCall(name, "meanwhile");
  await waitFor("the call in the CRM", () => site.world.calls().length === 1);
  expect([reads().length, warnings.length]).toEqual([before, 1]);
  expect(warnings[0]?.reason).toContain("no such scopes");
});
