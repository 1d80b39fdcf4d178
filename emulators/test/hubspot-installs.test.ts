import { expect, test } from "vitest";
import { appToken, codeOf, exchange, post, refresh, required, startWithApp } from "./hubspot-app.ts";
import { ask, startPortal } from "./hubspot-requests.ts";

const list = "objects/contacts";

test("a token tells what it is", async () => {
  const { portal, clock } = await startWithApp();
  const { accessToken, refreshToken = "" } = portal.people.install(required);
  const look = async (token: string) => (await post(portal, { token }, "/introspect")).body;
  const known = { active: true, hub_id: 62_515, app_id: 777, client_id: "client-1", scopes: required };
  expect(await look(accessToken)).toMatchObject({
    ...known,
    is_private_distribution: false,
    signed_access_token: { hublet: "eu1" },
  });
  expect(await look(refreshToken)).toMatchObject(known);
  expect(await look(await appToken(portal))).toMatchObject({ active: true, app_id: 777 });
  expect(await look("made-up")).toEqual({ active: false });
  clock.now += 1_800_000;
  expect(await look(accessToken)).toEqual({ active: false });
});

test("a revoked refresh token is dead, the access token lives on", async () => {
  const { portal } = await startWithApp();
  const { refreshToken = "" } = portal.people.install();
  expect((await post(portal, { token: refreshToken }, "/revoke")).status).toBe(200);
  expect((await refresh(portal, refreshToken)).body["status"]).toBe("BAD_REFRESH_TOKEN");
  expect((await post(portal, { token: refreshToken }, "/introspect")).body).toEqual({ active: false });
  expect((await ask(portal, "GET", list)).status).toBe(200);
});

test("an admin can end the refresh tokens without uninstalling", async () => {
  const { portal } = await startWithApp();
  const { refreshToken = "" } = portal.people.install();
  portal.people.revoke();
  expect((await refresh(portal, refreshToken)).body["status"]).toBe("BAD_REFRESH_TOKEN");
  expect((await ask(portal, "GET", list)).status).toBe(200);
});

test.each(["2026-03", "2026-09"])(
  "the app uninstalls itself over %s: all of its tokens die",
  async (version) => {
    const { portal } = await startWithApp();
    const { accessToken, refreshToken = "" } = portal.people.install();
    const path = `/appinstalls/${version}/external-install`;
    expect((await ask(portal, "DELETE", path)).status).toBe(204);
    expect((await ask(portal, "GET", list, undefined, accessToken)).status).toBe(401);
    expect((await refresh(portal, refreshToken)).body["status"]).toBe("BAD_REFRESH_TOKEN");
    const { body } = await exchange(portal, await codeOf(portal));
    expect((await ask(portal, "GET", list, undefined, String(body["access_token"]))).status).toBe(200);
    expect((await ask(portal, "GET", list, undefined, accessToken)).status).toBe(401);
  },
);

test("only an install can be uninstalled, and only once", async () => {
  const { portal } = await startWithApp({ token: "given" });
  const path = "/appinstalls/2026-03/external-install";
  expect((await ask(portal, "DELETE", path)).status).toBe(400);
  expect((await ask(portal, "DELETE", path, undefined, await appToken(portal))).status).toBe(400);
  portal.people.install();
  portal.people.uninstall();
  expect(() => portal.people.uninstall()).toThrow("not installed");
});

test("without an app nobody can install it", async () => {
  const { people } = await startPortal();
  expect(() => people.install()).toThrow("without an app");
  expect(() => people.revoke()).toThrow("without an app");
  expect(() => people.uninstall()).toThrow("not installed");
});

test("all tokens of the app share one limit, and a refresh does not renew it", async () => {
  const { portal } = await startWithApp({
    limits: { general: 2, perMs: 10_000, search: 5, searchPerMs: 1000 },
  });
  const { accessToken, refreshToken = "" } = portal.people.install();
  const next = String((await refresh(portal, refreshToken)).body["access_token"]);
  const statuses: number[] = [];
  for (const token of [accessToken, next, accessToken, next]) {
    statuses.push((await ask(portal, "GET", list, undefined, token)).status);
  }
  expect(statuses).toEqual([200, 200, 429, 429]);
  expect((await refresh(portal, refreshToken)).status).toBe(200);
});

test("the account tells where it lives", async () => {
  const { portal } = await startWithApp();
  portal.people.install();
  expect((await ask(portal, "GET", "/account-info/2026-03/details")).body).toMatchObject({
    portalId: 62_515,
    uiDomain: expect.stringContaining("hubspot.com"),
    timeZone: expect.any(String),
    accountType: expect.any(String),
    dataHostingLocation: "eu1",
  });
});
