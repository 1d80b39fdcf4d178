import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { StoredInstall } from "../../src/store/contract.ts";
import { tracesIn } from "../support/everything.ts";
import { type InstallSite, installSite } from "../support/install-site.ts";
import { waitFor } from "../support/server.ts";

const day = 86_400_000;
let site: InstallSite;
let name: string;
beforeEach(async () => {
  site = await installSite("salesforce");
  ({ name } = await site.install());
  await site.sendCall(name, "first");
  await waitFor("the call in the CRM", () => site.world.calls().length === 1);
});
afterEach(() => site.stop());

const store = () => site.server.parts.flow.store;
const stored = async (which = name): Promise<StoredInstall | undefined> =>
  (await store().installs()).find((one) => one.name === which);
const callKept = async (id = "first") => (await store().call(`${name}:voys:${id}`)) !== undefined;
const disconnect = async () => {
  const answer = await fetch(`${site.server.url}/api/installations/${name}`, { method: "DELETE" });
  return (await answer.json()) as { exportUntil: string; export: string };
};
/** Days go by; then the server looks, as it does every hour. */
const after = async (days: number) => {
  await site.later(days * day);
  await site.server.parts.erasing.run();
};
/** The CRM takes our access back, which is noticed when a call is to be logged. */
const lose = async () => {
  site.revoke();
  await site.sendCall(name, "waiting");
  await waitFor("the loss to be noticed", async () => (await stored())?.state === "reconnect");
};

/** The CRM tells that it was uninstalled there: no token is kept after that. */
const leave = async () => {
  await lose();
  const { sealed: _, ...rest } = (await stored()) ?? expect.fail();
  await store().saveInstall(rest);
};

test("what was disconnected is kept for 30 days, and then nothing of it is there", async () => {
  const { exportUntil } = await disconnect();
  expect(Date.parse(exportUntil) - ((await stored()) as { leftAt: number }).leftAt).toBe(30 * day);
  await after(29);
  expect(await stored()).toMatchObject({ state: "removed" });
  expect(await callKept()).toBe(true);
  await after(2);
  expect(await store().installs()).toEqual([]);
  expect(tracesIn(site.server.folder, /Vera|687654321|first/)).toEqual([]);
  expect(site.world.calls()).toHaveLength(1);
});

test("connected again before that, it is as it was, however long ago it was first connected", async () => {
  await disconnect();
  await after(20);
  expect((await site.install()).name).toBe(name);
  await after(20);
  expect(await stored()).toMatchObject({ state: "active" });
  expect(await callKept()).toBe(true);
  await disconnect();
  await after(20);
  expect(await callKept()).toBe(true);
});

test("connected again after that, it is a new installation with new webhook URLs", async () => {
  const secret = async () => JSON.stringify(JSON.parse((await stored())?.body ?? "{}").settings?.providers);
  const before = await secret();
  await disconnect();
  await after(31);
  const again = await site.install();
  expect(again.text).not.toContain("connected before");
  ({ name } = again);
  expect(await secret()).not.toBe(before);
  expect(await callKept()).toBe(false);
  await site.sendCall(name, "second");
  await waitFor("the second call", () => site.world.calls().length === 2);
});

test("an account that only lost its access waits for the next administrator, however long that takes", async () => {
  await lose();
  await after(400);
  expect(await stored()).toMatchObject({ state: "reconnect" });
  expect(site.logged()).not.toContain("will be erased");
  site.allow();
  expect((await site.install()).name).toBe(name);
  await waitFor("the call that waited", () => site.world.calls().length === 2);
});

test("an account that was uninstalled in the CRM is warned about a week before, once, and erased after the same time", async () => {
  await leave();
  await after(20);
  expect(site.logged()).not.toContain("will be erased");
  await after(4);
  const warnings = () => site.logged().split("will be erased").length - 1;
  expect(warnings()).toBe(1);
  expect(site.logged()).toMatch(/erasedAt: '.*connect it again at \/install\/salesforce/);
  await site.server.parts.erasing.run();
  expect(warnings()).toBe(1);
  expect(await callKept("waiting")).toBe(true);
  await after(7);
  // Requests that were under way have their time to end.
  await site.server.parts.erasing.run();
  expect(await stored()).toMatchObject({ state: "erasing" });
  expect((await site.sendCall(name, "too-late")).at(0)).toBe(404);
  await after(1 / 24);
  expect(await stored()).toBeUndefined();
  expect(tracesIn(site.server.folder, /Vera|687654321|waiting/)).toEqual([]);
});

test("an account that is connected again while it is being erased is another installation", async () => {
  await leave();
  await after(31);
  expect(await stored()).toMatchObject({ state: "erasing" });
  site.allow();
  const again = await site.install();
  expect(again.name).toBe(`${name}-2`);
  await after(1 / 24);
  expect((await store().installs()).map((one) => [one.name, one.state])).toEqual([[again.name, "active"]]);
  await site.sendCall(again.name, "second");
  await waitFor("the second call", () => site.world.calls().length === 2);
});

test("its saved mapping goes with it", async () => {
  const file = site.server.parts.erasing.savedMapping(name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, '{"crm":"salesforce","activity":{"Subject":"Call of Vera"}}');
  await disconnect();
  await after(29);
  expect(existsSync(file)).toBe(true);
  await after(2);
  expect(existsSync(file)).toBe(false);
});

test("the list of installations says what was removed, and until when it is kept", async () => {
  const list = async () => (await (await site.get("/api/installations")).json()) as { removed: object[] };
  expect((await list()).removed).toEqual([]);
  const { exportUntil } = await disconnect();
  expect((await list()).removed).toEqual([
    {
      ...{ name, crm: "salesforce", state: "removed", erasedAt: exportUntil },
      ...{ account: expect.any(String), leftAt: expect.stringMatching(/Z$/) },
    },
  ]);
});
