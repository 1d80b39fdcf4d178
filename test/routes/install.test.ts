import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type InstallSite, installSite } from "../support/install-site.ts";
import { waitFor } from "../support/server.ts";

describe.each(["hubspot", "salesforce"] as const)("installing %s", (crm) => {
  let site: InstallSite;
  beforeEach(async () => {
    site = await installSite(crm);
  });
  afterEach(() => site.stop());

  test("asks for the country first, then leads to the CRM with everything it needs", async () => {
    const page = await site.get(`/install/${crm}`);
    expect(page.status).toBe(200);
    expect(page.headers.get("content-security-policy")).toContain("form-action");
    expect(await page.text()).toContain('name="region"');
    const { consent, cookie } = await site.begin();
    expect(cookie).toMatch(/^switchhook_install=s1\.[0-9a-f]{8}\.[\w-]+; .*HttpOnly.*SameSite=Lax/i);
    expect(cookie).toContain("Secure");
    const query = consent.searchParams;
    expect(query.get("redirect_uri")).toBe(`https://hooks.example.com/install/${crm}/callback`);
    expect(query.get("code_challenge_method")).toBe("S256");
    expect(query.get("state")).toMatch(/^[\w-]{43}$/);
    expect(consent.href).not.toContain("secret");
  });

  test("ends with an installation that logs calls, and its webhook URLs to copy", async () => {
    const { status, text, name } = await site.install();
    expect(status, text).toBe(200);
    expect(text).toContain("is connected");
    expect(text).toMatch(new RegExp(`https://hooks\\.example\\.com/webhooks/${name}/voys\\?key=[\\w-]{32}`));
    await site.sendCall(name, "first");
    await waitFor("the call in the CRM", () => site.world.calls().length === 1);
    expect(site.world.calls()[0]).toMatchObject({
      key: `${name}:voys:first`,
      title: "Inbound call from Vera",
    });
  });

  test("keeps tokens sealed, and works on after a restart", async () => {
    const { name } = await site.install();
    const [stored] = await site.server.parts.flow.store.installs();
    expect(stored).toMatchObject({ name, crm, state: "active" });
    expect(stored?.sealed).toMatch(/^s1\./);
    expect(JSON.stringify(stored)).not.toMatch(/accessToken|refreshToken/);
    await site.server.restart();
    await site.sendCall(name, "later");
    await waitFor("the call in the CRM", () => site.world.calls().length === 1);
  });

  test("does not start with a key that does not open what is stored", async () => {
    await site.install();
    await expect(site.startWithKey("another key that is long enough to be one")).rejects.toThrow(
      /SWITCHHOOK_KEY.*does not open the tokens/,
    );
  });

  test("renews tokens by one request, however many calls wait for it", async () => {
    const { name } = await site.install();
    await site.sendCall(name, "before");
    await waitFor("the first call", () => site.world.calls().length === 1);
    const before = site.tokenRequests();
    site.expire();
    await Promise.all(Array.from({ length: 20 }, (_, i) => site.sendCall(name, `at-once-${i}`)));
    await waitFor("all calls", () => site.world.calls().length === 21);
    expect(site.tokenRequests() - before).toBe(1);
  });

  test("when the CRM takes our access back, calls wait; connecting again logs them all", async () => {
    const { name } = await site.install();
    site.revoke();
    await site.sendCall(name, "waiting");
    await waitFor("the loss to be noticed", async () => {
      const [stored] = await site.server.parts.flow.store.installs();
      return stored?.state === "reconnect";
    });
    const reason = await waitFor("a reason", async () => {
      const found = await site.server.parts.flow.store.call(`${name}:voys:waiting`);
      return found?.row.reason;
    });
    expect(reason).toContain(`/install/${crm}`);
    expect(site.world.calls()).toEqual([]);
    site.allow();
    const again = await site.install();
    expect(again.name).toBe(name);
    expect(again.text).toContain("connected before");
    await site.later(3_600_000);
    await waitFor("the call in the CRM", () => site.world.calls().length === 1, 30);
  });

  test("refuses a forged, a used and a stolen consent", async () => {
    const { consent, cookie } = await site.begin();
    const back = await site.agree(consent);
    const forged = new URL(back);
    forged.searchParams.set("state", "A".repeat(43));
    expect((await site.comeBack(forged, cookie)).status).toBe(400);
    const stolen = await site.comeBack(back, "switchhook_install=somebody-else");
    expect([stolen.status, await stolen.text()]).toEqual([400, expect.stringContaining("another browser")]);
    const other = await site.begin();
    expect((await site.comeBack(back, other.cookie)).status).toBe(400);
    const used = await site.agree(other.consent);
    expect((await site.comeBack(used, other.cookie)).status).toBe(200);
    expect((await site.comeBack(used, other.cookie)).status).toBe(400);
    expect(await site.server.parts.flow.store.installs()).toHaveLength(1);
  });

  test("says what to do when somebody does not agree", async () => {
    const { cookie } = await site.begin();
    const refused = new URL(`https://hooks.example.com/install/${crm}/callback?error=access_denied&state=x`);
    const answer = await site.comeBack(refused, cookie);
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain(`Begin again at /install/${crm}`);
  });

  test("its settings can be changed by an administrator, and by nobody else at the same time", async () => {
    const { name } = await site.install();
    const path = `/api/installations/${name}/settings`;
    const read = (await (await site.get(path)).json()) as {
      version: number;
      settings: Record<string, unknown>;
    };
    expect(read).toMatchObject({ crm, state: "active", version: 1, gaps: { agentsWithoutUser: [] } });
    const providers = { ...(read.settings["providers"] as object), retell: { apiKey: "retell-key" } };
    const put = (version: number, settings: object) =>
      fetch(`${site.server.url}${path}`, {
        method: "PUT",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ version, settings, by: "Ada" }),
      });
    expect((await put(1, { ...read.settings, region: "ZZ" })).status).toBe(422);
    expect((await put(1, { ...read.settings, recording: "archive" })).status).toBe(422);
    const silent = { recording: "none", reconcile: false };
    expect((await put(1, { ...read.settings, ...silent, providers })).status).toBe(200);
    expect((await put(1, { ...read.settings })).status).toBe(409);
    const { changes } = (await (await site.get(path)).json()) as {
      changes: { version: number; by: string }[];
    };
    expect(changes).toMatchObject([
      { version: 1, by: expect.stringMatching(/^consent/) },
      { version: 2, by: "Ada" },
    ]);
    expect(Object.keys(site.server.parts.installations.get(name)?.providers ?? {})).toContain("retell");
    await site.sendCall(name, "with-new-settings");
    await waitFor("the call in the CRM", () => site.world.calls().length === 1);
  });

  test("can be disconnected: the CRM is told, the tokens are gone, and no webhook is taken any more", async () => {
    const { name } = await site.install();
    const answer = await fetch(`${site.server.url}/api/installations/${name}`, { method: "DELETE" });
    expect(answer.status).toBe(200);
    const [stored] = await site.server.parts.flow.store.installs();
    expect(stored).toMatchObject({ state: "removed" });
    expect(stored?.sealed).toBeUndefined();
    expect((await site.sendCall(name, "too-late")).at(0)).toBe(404);
    expect(site.isConnected()).toBe(false);
    const again = await site.install();
    expect(again.status).toBe(200);
  });
});

test("nothing can be installed where no app is configured", async () => {
  const site = await installSite("hubspot", { apps: {} });
  expect((await site.get("/install/hubspot?region=NL")).status).toBe(404);
  expect((await site.get("/install/nothing")).status).toBe(404);
  await site.stop();
});
