import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import {
  codeOf,
  exchange,
  optional,
  post,
  redirectUri,
  refresh,
  required,
  startWithApp,
} from "./hubspot-app.ts";
import { ask, officialClient } from "./hubspot-requests.ts";

const list = "objects/contacts";

test("a code becomes tokens that work", async () => {
  const { portal } = await startWithApp();
  const { status, body } = await exchange(portal, await codeOf(portal));
  expect(status).toBe(200);
  expect(body).toEqual({
    access_token: expect.any(String),
    refresh_token: expect.any(String),
    expires_in: 1800,
    token_type: "bearer",
    token_use: "access_token",
    hub_id: 62_515,
    user_id: expect.any(Number),
    scopes: required,
  });
  const accessToken = String(body["access_token"]);
  expect(accessToken).toHaveLength(512);
  expect((await ask(portal, "GET", list, undefined, accessToken)).status).toBe(200);
  const client = officialClient(portal);
  expect((await client.crm.contacts.basicApi.getPage(1)).results).toEqual([]);
});

test("a code is good once, and for a minute", async () => {
  const { portal, clock } = await startWithApp();
  const code = await codeOf(portal);
  expect((await exchange(portal, code)).status).toBe(200);
  const late = await codeOf(portal);
  const refused = { status: 400, body: { status: "BAD_AUTH_CODE" } };
  for (const bad of [code, "made-up", ""]) expect(await exchange(portal, bad)).toMatchObject(refused);
  clock.now += 60_000;
  expect(await exchange(portal, late)).toMatchObject(refused);
});

test("a code goes with its redirect URL", async () => {
  const { portal } = await startWithApp();
  const answer = await exchange(portal, await codeOf(portal), { redirect_uri: `${redirectUri}/` });
  expect(answer).toMatchObject({ status: 400, body: { status: "BAD_REDIRECT_URI" } });
});

test("a code with a challenge needs the verifier", async () => {
  const { portal } = await startWithApp();
  const code_verifier = "a-verifier-of-at-least-forty-three-characters";
  const code_challenge = createHash("sha256").update(code_verifier).digest("base64url");
  const code = () => codeOf(portal, { code_challenge, code_challenge_method: "S256" });
  for (const wrong of [undefined, "other"]) {
    const answer = await exchange(portal, await code(), { code_verifier: wrong });
    expect(answer).toMatchObject({ status: 400, body: { status: "BAD_CODE_VERIFIER" } });
  }
  expect((await exchange(portal, await code(), { code_verifier })).status).toBe(200);
});

test("an install has the scopes that were consented to", async () => {
  const { portal } = await startWithApp();
  const more = { optional_scope: optional.join(" "), _without: "crm.objects.deals.read" };
  const { body } = await exchange(portal, await codeOf(portal, more));
  expect(body["scopes"]).toEqual([...required, "crm.objects.companies.read"]);
  const status = async (path: string) => (await ask(portal, "GET", path)).status;
  expect([await status("objects/companies"), await status("objects/deals")]).toEqual([200, 403]);
  portal.scopes = ["crm.objects.deals.read"];
  expect([await status("objects/companies"), await status("objects/deals")]).toEqual([403, 403]);
});

test("access ends after half an hour, and a refresh gives it back with the same refresh token", async () => {
  const { portal, clock } = await startWithApp();
  const { refreshToken = "" } = portal.people.install();
  clock.now += 1_799_000;
  expect((await ask(portal, "GET", list)).status).toBe(200);
  clock.now += 1_000;
  expect(await ask(portal, "GET", list)).toMatchObject({
    status: 401,
    body: { category: "EXPIRED_AUTHENTICATION" },
  });
  const { body } = await refresh(portal, refreshToken);
  expect(body).toMatchObject({ refresh_token: refreshToken, expires_in: 1800, hub_id: 62_515 });
  expect((await ask(portal, "GET", list, undefined, String(body["access_token"]))).status).toBe(200);
});

test("with rotation each refresh ends the refresh token", async () => {
  const { portal } = await startWithApp({ rotateRefreshTokens: true });
  const { refreshToken = "" } = portal.people.install();
  const { body } = await refresh(portal, refreshToken);
  expect(body["refresh_token"]).not.toBe(refreshToken);
  expect((await refresh(portal, refreshToken)).body["status"]).toBe("BAD_REFRESH_TOKEN");
  portal.rotateRefreshTokens = false;
  const again = await refresh(portal, String(body["refresh_token"]));
  expect(again.body["refresh_token"]).toBe(body["refresh_token"]);
});

test("tokens can be made to expire before their time", async () => {
  const { portal } = await startWithApp();
  const { refreshToken = "" } = portal.people.install();
  portal.expireToken();
  expect((await ask(portal, "GET", list)).body.category).toBe("EXPIRED_AUTHENTICATION");
  await refresh(portal, refreshToken);
  expect((await ask(portal, "GET", list)).status).toBe(200);
});

test.each<[string, Record<string, string | undefined>]>([
  ["BAD_CLIENT_ID", { client_id: "stranger" }],
  ["BAD_CLIENT_SECRET", { client_secret: "guess" }],
  ["BAD_GRANT_TYPE", { grant_type: "password" }],
  ["BAD_GRANT_TYPE", { grant_type: undefined }],
  ["BAD_REFRESH_TOKEN", { refresh_token: "guess" }],
  ["BAD_REFRESH_TOKEN", { refresh_token: undefined }],
  ["BAD_SCOPES", { grant_type: "client_credentials", scope: "crm.objects.contacts.read" }],
  ["BAD_SCOPES", { grant_type: "client_credentials" }],
])("refuses with %s when asked with %o", async (status, more) => {
  const { portal } = await startWithApp();
  const answer = await post(portal, { grant_type: "refresh_token", ...more });
  expect(answer).toMatchObject({ status: 400, body: { status, error: expect.any(String) } });
});

test("a dead refresh token is told in the documented words", async () => {
  const { portal } = await startWithApp();
  expect((await refresh(portal, "dead")).body).toMatchObject({
    error: "invalid_grant",
    error_description: "refresh token is invalid, expired or revoked",
    status: "BAD_REFRESH_TOKEN",
  });
});

test("takes only a form, and nothing from the query", async () => {
  const { portal } = await startWithApp();
  const { refreshToken = "" } = portal.people.install();
  const fields = { grant_type: "refresh_token", refresh_token: refreshToken };
  const all = { ...fields, client_id: "client-1", client_secret: "secret-1" };
  const url = `${portal.url}/oauth/2026-03/token`;
  const answers = [
    await fetch(`${url}?${new URLSearchParams(all)}`, { method: "POST" }),
    await fetch(`${url}?client_id=client-1`, { method: "POST", body: new URLSearchParams(all) }),
    await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(all),
    }),
  ];
  expect(answers.map(({ status }) => status)).toEqual([400, 400, 400]);
  expect((await post(portal, fields)).status).toBe(200);
});

test("the old paths of OAuth are gone", async () => {
  const { portal } = await startWithApp();
  expect((await post(portal, { grant_type: "refresh_token" }, "", "v1")).status).toBe(404);
});

test("plays the errors of OAuth that nothing else brings about", async () => {
  const { portal } = await startWithApp();
  const { refreshToken = "" } = portal.people.install();
  portal.faults.add({ type: "oauth", status: "BAD_HUB", match: "token", times: 1 });
  expect(await refresh(portal, refreshToken)).toMatchObject({
    status: 400,
    body: { status: "BAD_HUB", message: "missing or unknown hub id", error: "access_denied" },
  });
  expect((await refresh(portal, refreshToken)).status).toBe(200);
});
