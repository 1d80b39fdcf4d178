import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type InstallSite, installSite } from "../support/install-site.ts";
import { waitFor } from "../support/server.ts";

describe.each(["hubspot", "salesforce"] as const)("an installation of %s that is interrupted", (crm) => {
  let site: InstallSite;
  let name: string;
  beforeEach(async () => {
    site = await installSite(crm);
    ({ name } = await site.install());
  });
  afterEach(() => site.stop());

  const logged = (): string[] => site.world.calls().map(({ key }) => key);
  const keysOf = (ids: string[]): string[] => ids.map((id) => `${name}:voys:${id}`).sort();
  const stateNow = async () => (await site.server.parts.flow.store.installs())[0]?.state;

  test("loses no call when the app is uninstalled in the middle of 50, and logs each of them once", async () => {
    const ids = Array.from({ length: 50 }, (_, i) => `c${i}`);
    await site.sendCall(name, "before");
    await waitFor("the first call", () => logged().length === 1);
    // The CRM takes its time with the batch, and our access ends while it works.
    site.world.emulator.latencyMs = 40;
    const seen = site.world.emulator.requests.length;
    await Promise.all(ids.map((id) => site.sendCall(name, id)));
    await waitFor("the batch to begin", () => site.world.emulator.requests.length > seen);
    site.revoke();
    site.world.emulator.latencyMs = 0;
    await waitFor("the loss to be noticed", async () => (await stateNow()) === "reconnect");
    expect(logged().length).toBeLessThan(51);
    site.allow();
    expect((await site.install()).name).toBe(name);
    await site.later(3_600_000);
    await waitFor("all calls", () => new Set(logged()).size === 51, 30);
    expect(logged().sort()).toEqual(keysOf(["before", ...ids]));
  });

  test.each(["before", "after"] as const)(
    "works on when the disk fails %s the write of a new grant",
    async (when) => {
      await site.sendCall(name, "first");
      await waitFor("the first call", () => logged().length === 1);
      site.expire();
      site.failNextSave(when);
      await site.sendCall(name, "second");
      await waitFor("the second call", () => logged().length === 2, 30);
      expect(await stateNow()).toBe("active");
      await site.server.restart();
      site.expire();
      await site.sendCall(name, "third");
      await waitFor("the third call", () => logged().length === 3, 30);
      expect(logged().sort()).toEqual(keysOf(["first", "second", "third"]));
    },
  );

  test("does not exist when its first grant could not be stored, and can be begun again", async () => {
    await site.server.parts.accounts.disconnect(name);
    expect(await stateNow()).toBe("removed");
    site.failNextSave("before");
    expect((await site.install()).status).toBe(500);
    expect((await site.get(`/api/installations/${name}/settings`)).status).toBe(404);
    expect((await site.install()).name).toBe(name);
    expect(await stateNow()).toBe("active");
  });

  test("renews its access by one request, although a command works over the same data", async () => {
    const beside = await site.beside();
    const sources = [site.server.parts, beside].map(
      ({ installed }) => installed?.connected(name)?.keeper.tokens,
    );
    await Promise.all(sources.map((tokens) => tokens?.current()));
    const before = site.tokenRequests();
    site.expire();
    const fresh = await Promise.all(
      sources.map(async (tokens) => {
        const token = await tokens?.current();
        if (token) tokens?.refused(token);
        return tokens?.current();
      }),
    );
    expect(fresh[0]?.accessToken).toBe(fresh[1]?.accessToken);
    expect(site.tokenRequests() - before).toBe(1);
    await beside.stop();
  });
});

test("two people who connect one account at the same time get the same webhook URLs", async () => {
  const site = await installSite("hubspot");
  const [one, other] = await Promise.all([site.install(), site.install()]);
  const key = (text: string) => /voys\?key=([\w-]+)/.exec(text)?.[1];
  expect(key(one.text)).toMatch(/^[\w-]{32}$/);
  expect(key(other.text)).toBe(key(one.text));
  await site.server.restart();
  expect(await site.sendCall(one.name, "after")).toEqual(expect.not.arrayContaining([401, 404]));
  await site.stop();
});
