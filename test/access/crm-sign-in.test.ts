import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type InstallSite, installSite } from "../support/install-site.ts";
import { browserAt } from "./browsers.ts";

describe.each(["hubspot", "salesforce"] as const)("signing in with %s", (crm) => {
  let site: InstallSite;
  beforeEach(async () => {
    site = await installSite(crm);
  });
  afterEach(() => site.stop());

  const begin = async () => {
    const browser = browserAt(site.server);
    const begun = await browser.get(`/login/${crm}?next=/api/calls`);
    expect(begun.status, await begun.clone().text()).toBe(302);
    return { browser, consent: new URL(begun.headers.get("location") ?? "") };
  };

  const signIn = async () => {
    const { browser, consent } = await begin();
    const back = await site.agree(consent);
    expect(back.href).toContain(`${site.publicUrl}/login/${crm}/callback?`);
    const answer = await browser.get(`${back.pathname}${back.search}`);
    return { browser, back, answer, text: await answer.clone().text() };
  };

  // The server of the tests lets everyone in who sends no header of their own.
  const asVisitor = { authorization: "none" };

  test("is offered on the login page", async () => {
    const text = await (await browserAt(site.server).get("/login")).text();
    expect(text).toContain(`href="./login/${crm}?next=%2F"`);
  });

  test("opens a session for the one installation of the account", async () => {
    const { name } = await site.install();
    const { browser, answer } = await signIn();
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "../../api/calls"]);
    const session = await (await browser.get("/api/session", asVisitor)).json();
    expect(session).toMatchObject({
      ...{
        role: "admin",
        installation: name,
        signedInBy: crm,
        name: expect.stringContaining("@example.com"),
      },
      rights: { listen: true, raw: true, admin: true, operate: false },
    });
    const listed = (await (await browser.get("/api/installations", asVisitor)).json()) as { items: object[] };
    expect(listed.items).toEqual([expect.objectContaining({ name })]);
    expect((await browser.get("/api/installations/acme/mapping", asVisitor)).status).toBe(404);
    expect((await browser.get(`/api/installations/${name}/settings`, asVisitor)).status).toBe(200);
  });

  test("leaves the tokens of the installation as they are, and keeps none of its own", async () => {
    await site.install();
    const before = await site.tokens();
    const { back } = await signIn();
    expect(await site.tokens()).toEqual(before);
    await site.server.parts.accounts.load();
    expect(site.logged()).not.toContain(back.searchParams.get("code"));
    expect(site.isConnected()).toBe(true);
  });

  test("is refused while the account is not connected, and leaves nothing at the CRM", async () => {
    const { answer, text, browser } = await signIn();
    expect(answer.status).toBe(403);
    expect(text).toContain("This account is not connected here");
    expect((await browser.get("/api/session", asVisitor)).status).toBe(401);
    if (crm === "hubspot") expect(site.isConnected()).toBe(false);
  });

  test("takes a consent once, only in the browser that began, and never one for installing", async () => {
    await site.install();
    const { browser, consent } = await begin();
    const back = await site.agree(consent);
    const path = `${back.pathname}${back.search}`;
    expect((await browserAt(site.server).get(path)).status).toBe(403);
    expect((await browser.get(path)).status).toBe(303);
    expect((await browser.get(path)).status).toBe(403);
    const installing = await site.begin();
    const other = await site.agree(installing.consent);
    const mixed = await browser.get(`/login/${crm}/callback${other.search}`);
    expect(mixed.status).toBe(403);
  });

  test("says so when the CRM cannot be reached", async () => {
    await site.install();
    const { browser, consent } = await begin();
    const back = await site.agree(consent);
    site.world.emulator.faults.add({ type: "status", status: 503, match: "token" });
    const answer = await browser.get(`${back.pathname}${back.search}`);
    expect([answer.status, await answer.text()]).toEqual([503, expect.stringContaining("cannot be reached")]);
  });

  test("ends with the account: its sessions are erased with it", async () => {
    const { name } = await site.install();
    const { browser } = await signIn();
    const { store } = site.server.parts.flow;
    await store.eraseInstallation(name);
    expect((await browser.get("/api/session", asVisitor)).status).toBe(401);
  });
});

test("a user of Salesforce who may not customize the org is no administrator", async () => {
  const site = await installSite("salesforce");
  await site.install();
  site.world.emulator.faults.clear();
  (site.world.emulator as unknown as { settings: { isAdmin: boolean } }).settings.isAdmin = false;
  const browser = browserAt(site.server);
  const begun = await browser.get("/login/salesforce?where=");
  const back = await site.agree(new URL(begun.headers.get("location") ?? ""));
  expect(back.search).toContain("code=");
  const answer = await browser.get(`${back.pathname}${back.search}`);
  expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining("may not administer")]);
  await site.stop();
});
