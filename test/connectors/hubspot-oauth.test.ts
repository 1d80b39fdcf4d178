import type { Fault } from "@switchhook/emulators/contract";
import { describe, expect, test } from "vitest";
import { oauth } from "../../connectors/hubspot/oauth.ts";
import { GrantError } from "../../src/core/crm-app.ts";
import { failureOf, secrets, verifier } from "./consent.ts";
import { agree, appAt, consent, install, kinds, redirectUri, scopes, start } from "./hubspot-consent.ts";

describe("the consent page of HubSpot", () => {
  const app = oauth.app.parse(secrets);

  test("is asked for scopes with %20 between them, a state and a challenge", () => {
    const url = oauth.consentUrl(app, consent);
    expect(url).toMatch(/^https:\/\/app\.hubspot\.com\/oauth\/authorize\?client_id=client-1&/);
    expect(url).toContain("scope=oauth%20crm.objects.contacts.read%20crm.objects.contacts.write&");
    expect(url).toContain("optional_scope=crm.schemas.contacts.write%20crm.objects.companies.read&");
    expect(url).toContain(`state=a%20state&code_challenge=${consent.challenge}&code_challenge_method=S256`);
    expect(url).not.toMatch(/\+|secret/);
    expect(oauth.consentUrl(app, { ...consent, optionalScopes: ["oauth"] })).not.toContain("optional_scope");
  });

  test.each([
    ["eu1", "https://app-eu1.hubspot.com/oauth/authorize?"],
    ["na1", "https://app.hubspot.com/oauth/authorize?"],
    ["62515", "https://app.hubspot.com/oauth/62515/authorize?"],
  ])("is at the place %s", (where, page) => {
    expect(oauth.consentUrl(app, { ...consent, where }).startsWith(page)).toBe(true);
  });

  test.each(["evil.example.com", "eu1.evil.example.com/", "../62515"])("is not at %s", (where) => {
    expect(() => oauth.consentUrl(app, { ...consent, where })).toThrow(GrantError);
  });
});

describe("connecting a HubSpot account", () => {
  test("trades the code for a grant, and learns whose account it is", async () => {
    const started = await start({ portalId: 4711 });
    const grant = await install(started, "&_without=crm.objects.companies.read");
    expect(grant.scopes.toSorted()).toEqual([...scopes, "crm.schemas.contacts.write"].toSorted());
    expect(grant.expiresAt).toBe(started.context.now() + 1_800_000);
    const details = await oauth.account(started.app, grant, started.context);
    expect(details).toMatchObject({ id: "4711", timeZone: expect.stringContaining("/") });
    expect(details.url).toBe(`https://${details.name}`);
    expect(kinds(started)).toEqual(["authorize", "token", "account"]);
    expect(started.noted).toMatchObject([
      { kind: "token", status: 200 },
      { kind: "token", status: 200 },
    ]);
  });

  test("is possible for one account only, and in the newer version", async () => {
    const started = await start({ portalId: 4711 });
    expect((await agree(started, "", "4711")).get("state")).toBe("a state");
    started.app = appAt(started.crm, { apiVersion: "2026-09" });
    const { accessToken } = await install(started);
    expect(started.crm.token).toBe(accessToken);
    expect(started.crm.requests.at(-1)?.path).toBe("/oauth/2026-09/token");
  });

  test("takes what the token tells when the account's details are refused", async () => {
    const started = await start({ portalId: 4711 });
    const grant = await install(started);
    started.crm.scopes = ["crm.objects.contacts.read"];
    const account = await oauth.account(started.app, grant, started.context);
    expect(account).toEqual({ id: "4711", name: "HubSpot 4711" });
    expect(kinds(started)).toEqual(["authorize", "token", "account", "introspect"]);
  });

  test("does not take a code twice, or with another verifier", async () => {
    const started = await start();
    const { app, context } = started;
    const trade = async (code: string, more = {}) =>
      failureOf(oauth.exchange(app, { code, redirectUri, verifier, ...more }, context), code);
    const code = (await agree(started)).get("code") ?? "";
    await oauth.exchange(app, { code, redirectUri, verifier }, context);
    expect(await trade(code)).toMatchObject({ failure: "revoked" });
    const other = (await agree(started)).get("code") ?? "";
    expect(await trade(other, { verifier: "x" })).toMatchObject({ failure: "revoked" });
    const third = (await agree(started)).get("code") ?? "";
    const elsewhere = await trade(third, { redirectUri: "http://localhost:8080/other" });
    expect(elsewhere).toMatchObject({ failure: "config", message: expect.stringContaining("callback URL") });
    expect(kinds(started).filter((kind) => kind === "token")).toHaveLength(4);
  });
});

describe("renewing the access to HubSpot", () => {
  test.each([false, true])("keeps the refresh token that comes back (a new one: %s)", async (rotates) => {
    const started = await start({ rotateRefreshTokens: rotates });
    const first = await install(started);
    started.passes(1_800_000);
    const second = await oauth.refresh(started.app, first, started.context);
    expect(second.refreshToken === first.refreshToken).toBe(!rotates);
    expect(second).toMatchObject({ scopes: first.scopes, expiresAt: (first.expiresAt ?? 0) + 1_800_000 });
    expect(await oauth.refresh(started.app, second, started.context)).toHaveProperty("accessToken");
  });

  test("keeps the old one, and the scopes, when nothing is said of them", async () => {
    const started = await start();
    const first = await install(started);
    const body = { access_token: "new", expires_in: "1800" };
    started.crm.faults.add({ type: "status", status: 200, body, match: "token" });
    const { refreshToken, scopes } = first;
    const second = await oauth.refresh(started.app, first, started.context);
    expect(second).toMatchObject({ accessToken: "new", refreshToken, scopes });
  });

  const oauthFault = (status: string): Fault => ({ type: "oauth", status });
  const answer = (status: number, more = {}): Fault => ({ type: "status", status, ...more });
  test.each<[GrantError["failure"], string, Fault]>([
    ["revoked", "a refresh token that is not good any more", oauthFault("BAD_REFRESH_TOKEN")],
    ["revoked", "an account that is gone", oauthFault("BAD_HUB")],
    ["config", "a wrong client", oauthFault("BAD_CLIENT_ID")],
    ["config", "a wrong secret", oauthFault("BAD_CLIENT_SECRET")],
    ["config", "a wrong redirect URL", oauthFault("BAD_REDIRECT_URI")],
    ["config", "an unknown grant type", oauthFault("BAD_GRANT_TYPE")],
    ["config", "wrong scopes", oauthFault("BAD_SCOPES")],
    [
      "config",
      "a grant that is wrong for no known reason",
      answer(400, { body: { error: "invalid_grant" } }),
    ],
    ["config", "a wall in front of the API", answer(403, { text: "<html>" })],
    ["later", "a lock", answer(423)],
    ["later", "a limit", answer(429, { body: { status: "BAD_REFRESH_TOKEN" } })],
    ["later", "a move to another data centre", answer(477)],
    ["later", "a fault of HubSpot", answer(503, { body: { status: "BAD_HUB" } })],
    ["later", "a page instead of JSON", answer(200, { text: "<html>" })],
    ["later", "a redirect", { ...answer(307, { headers: { location: "/oauth/2026-03/token" } }), times: 1 }],
    ["later", "a lost connection", { type: "reset" }],
  ])("is %s with %s", async (failure, _, fault) => {
    const started = await start();
    const grant = await install(started);
    started.crm.faults.add({ ...fault, match: "token" });
    const refresh = oauth.refresh(started.app, grant, started.context);
    const error = await failureOf(refresh, grant.refreshToken, grant.accessToken);
    expect(error.failure).toBe(failure);
    expect(error.message).toMatch(/^HubSpot, renewing the access: /);
  });

  test("never repeats what is secret, even when HubSpot does", async () => {
    const started = await start();
    const grant = await install(started);
    const message = `${grant.refreshToken} of ${secrets.clientSecret} is wrong`;
    started.crm.faults.add(answer(400, { body: { status: "BAD_REFRESH_TOKEN", message }, match: "token" }));
    const error = await failureOf(oauth.refresh(started.app, grant, started.context), grant.refreshToken);
    expect(error.message).toContain("*** of *** is wrong");
  });
});
