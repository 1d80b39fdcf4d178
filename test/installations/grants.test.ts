import { beforeEach, describe, expect, test } from "vitest";
import type { GrantKeeper } from "../../src/installations/grants.ts";
import { waitFor } from "../support/server.ts";
import { failingOnce, rotatingAccount } from "./kept-grant.ts";

/** Asks for a token after the one in use was refused, as the connectors do. */
async function afterRefusal(keeper: GrantKeeper) {
  keeper.tokens.refused(await keeper.tokens.current());
  return keeper.tokens.current();
}

describe.each(["hubspot", "salesforce"] as const)("a refresh token of %s that is good once", (crm) => {
  let account: Awaited<ReturnType<typeof rotatingAccount>>;
  beforeEach(async () => {
    account = await rotatingAccount(crm);
  });

  test("a grant that could not be stored is not given out, is not asked for again, and is used once stored", async () => {
    const before = await account.storedGrant();
    const keeper = await account.start(failingOnce("before"));
    await expect(afterRefusal(keeper)).rejects.toThrow("before the write");
    expect(await account.storedGrant()).toEqual(before);
    const token = await keeper.tokens.current();
    expect(token.accessToken).toBe((await account.storedGrant()).accessToken);
    expect(token.accessToken).not.toBe(before.accessToken);
    expect(account.refreshes()).toBe(1);
    await expect(afterRefusal(keeper)).resolves.toBeDefined();
    expect(account.lost).toEqual([]);
  });

  test("a grant that was stored although the disk failed is used as it is, by us and after a restart", async () => {
    const keeper = await account.start(failingOnce("after"));
    await expect(afterRefusal(keeper)).rejects.toThrow("after the write");
    const stored = await account.storedGrant();
    expect((await keeper.tokens.current()).accessToken).toBe(stored.accessToken);
    const restarted = await account.start();
    expect((await restarted.tokens.current()).accessToken).toBe(stored.accessToken);
    expect(account.refreshes()).toBe(1);
    await expect(afterRefusal(restarted)).resolves.toBeDefined();
  });

  test("a process that ended before it could store says after its restart that it must be connected again", async () => {
    await expect(afterRefusal(await account.start(failingOnce("before")))).rejects.toThrow("the disk");
    const restarted = await account.start();
    await expect(afterRefusal(restarted)).rejects.toThrow(/calls wait/);
    expect(await account.stored()).toMatchObject({ state: "reconnect", reason: expect.any(String) });
    await expect(restarted.tokens.current()).rejects.toThrow(new RegExp(`/install/${crm}`));
    expect(account.lost).toHaveLength(1);
    await restarted.replace(await account.stored(), await account.consent());
    await expect(afterRefusal(restarted)).resolves.toBeDefined();
  });

  test("of several processes one renews it, and the others read what came", async () => {
    const keepers = await Promise.all(Array.from({ length: 4 }, () => account.start()));
    const used = await Promise.all(keepers.map(({ tokens }) => tokens.current()));
    expect(new Set(used.map(({ accessToken }) => accessToken)).size).toBe(1);
    for (let round = 1; round <= 3; round += 1) {
      account.expire();
      const tokens = await Promise.all(keepers.map(afterRefusal));
      const { accessToken } = await account.storedGrant();
      expect(tokens.map((token) => token.accessToken)).toEqual(tokens.map(() => accessToken));
      expect(account.refreshes()).toBe(round);
    }
    expect(account.lost).toEqual([]);
  });

  test("what a killed process has claimed runs out", async () => {
    const at = account.clock.now();
    expect(await account.store.claimInstall("one", at, at + 90_000)).toBe(true);
    const keeper = await account.start();
    const waiting = afterRefusal(keeper);
    expect(await account.store.claimInstall("one", at + 1, at + 90_001)).toBe(false);
    account.clock.move(90_000);
    await expect(waiting).resolves.toBeDefined();
    expect(account.refreshes()).toBe(1);
  });

  test("a process that was overtaken stores nothing", async () => {
    account.faults.add({ type: "slow", ms: 300, match: "token", times: 1 });
    const asleep = afterRefusal(await account.start());
    await waitFor("the refresh to begin", () => account.refreshes() === 1);
    account.clock.move(90_001);
    const at = account.clock.now();
    expect(await account.store.claimInstall("one", at, at + 90_000)).toBe(true);
    const before = await account.stored();
    await expect(asleep).rejects.toThrow("another process has changed one");
    expect(await account.stored()).toEqual(before);
  });

  test("settings that are changed during a refresh, and the grant that it brings, are both kept", async () => {
    const keeper = await account.start();
    account.faults.add({ type: "slow", ms: 200, match: "token", times: 1 });
    const refreshed = afterRefusal(keeper);
    await waitFor("the refresh to begin", () => account.refreshes() === 1);
    const other = await account.start();
    const body = '{"settings":{"region":"IN"}}';
    await Promise.all([
      keeper.update((stored) => ({ ...stored, body, version: stored.version + 1 })),
      other.update((stored) => ({ ...stored, version: stored.version + 1 })),
    ]);
    expect(await account.stored()).toMatchObject({ body, version: 3 });
    expect((await account.storedGrant()).accessToken).toBe((await refreshed).accessToken);
  });

  test("a new consent is not undone by a refresh that fails at the same time", async () => {
    const keeper = await account.start();
    const consent = await account.consent();
    const token = await keeper.tokens.current();
    account.revoke();
    account.faults.add({ type: "slow", ms: 200, match: "token", times: 1 });
    keeper.tokens.refused(token);
    const failed = expect(keeper.tokens.current()).rejects.toThrow("calls wait");
    await waitFor("the refresh to begin", () => account.refreshes() > 0);
    await keeper.replace(await account.stored(), consent);
    await failed;
    expect(await account.stored()).toMatchObject({ state: "active" });
    expect((await keeper.tokens.current()).accessToken).toBe(consent.accessToken);
  });
});

test("a grant of Salesforce, whose access tokens have no end, is renewed before its 30 idle days are over", async () => {
  const day = 86_400_000;
  const account = await rotatingAccount("salesforce");
  const keeper = await account.start();
  for (let days = 0; days < 24; days += 1) {
    account.clock.move(day);
    await keeper.tokens.current();
  }
  expect(account.refreshes()).toBe(0);
  account.clock.move(2 * day);
  const { accessToken } = await keeper.tokens.current();
  expect(account.refreshes()).toBe(1);
  expect((await account.storedGrant()).accessToken).toBe(accessToken);
  account.clock.move(20 * day);
  await (await account.start()).tokens.current();
  expect(account.refreshes()).toBe(1);
});
