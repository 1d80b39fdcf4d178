import type { Fault } from "@switchhook/emulators/contract";
import { describe, expect, test } from "vitest";
import { oauth } from "../../connectors/salesforce/oauth.ts";
import { type Grant, GrantError } from "../../src/core/crm-app.ts";
import { failureOf, secrets, verifier } from "./consent.ts";
import { agree, consent, install, redirectUri, scopes, start } from "./salesforce-consent.ts";

const refused = (error: string, words = "", status = 400): Fault => ({
  type: "status",
  status,
  body: { error, error_description: words },
});

describe("the consent page of Salesforce", () => {
  const app = oauth.app.parse(secrets);

  test("is asked for a code, with a state and a challenge", () => {
    expect(oauth.consentUrl(app, { ...consent, scopes: ["api", "openid"] })).toBe(
      "https://login.salesforce.com/services/oauth2/authorize?response_type=code&client_id=client-1" +
        `&redirect_uri=${encodeURIComponent(redirectUri)}&scope=api%20refresh_token%20openid` +
        `&state=a%20state&code_challenge=${consent.challenge}&code_challenge_method=S256`,
    );
  });

  test.each([
    ["sandbox", "https://test.salesforce.com"],
    ["acme.my.salesforce.com", "https://acme.my.salesforce.com"],
    [" https://Acme--Dev.sandbox.my.salesforce.com/ ", "https://acme--dev.sandbox.my.salesforce.com"],
    ["login.salesforce.com", "https://login.salesforce.com"],
  ])("is at %s when the account is", (where, origin) => {
    expect(new URL(oauth.consentUrl(app, { ...consent, where })).origin).toBe(origin);
  });

  test.each([
    "evil.example.com",
    "my.salesforce.com.evil.example.com",
    "evil.example.com/.my.salesforce.com",
    "evil.example.com#.my.salesforce.com",
    "me@evil.my.salesforce.com",
    "acme.my.salesforce.com:8443",
    "http://acme.my.salesforce.com",
    "acme.lightning.force.com",
  ])("is never at %s, and no code or secret goes there", async (where) => {
    expect(() => oauth.consentUrl(app, { ...consent, where })).toThrow(GrantError);
    const exchange = oauth.exchange(app, { code: "c", redirectUri, verifier, where }, { now: Date.now });
    expect(await failureOf(exchange)).toMatchObject({ failure: "config" });
  });
});

describe("connecting a Salesforce org", () => {
  test("trades the code for a grant, and learns whose org it is", async () => {
    const started = await start();
    const { app, context, org } = started;
    expect((await agree(started)).get("state")).toBe("a state");
    const grant = await install(started);
    expect(grant).toMatchObject({ url: org.url, scopes: expect.arrayContaining(scopes) });
    expect(grant).not.toHaveProperty("expiresAt");
    const account = await oauth.account(app, grant, context);
    expect(account).toMatchObject({ id: expect.stringMatching(/^00D\w{15}$/), url: org.url });
    expect(account.name).not.toContain("127.0.0.1");
    expect(account.timeZone).toMatch(/UTC|\//);
    expect(started.noted).toEqual(Array(3).fill(expect.objectContaining({ kind: "token", status: 200 })));
    org.faults.add({ type: "status", status: 403, text: "Bad_OAuth_Token", match: "userinfo", times: 1 });
    expect(await oauth.account(app, grant, context)).toEqual(account);
    org.faults.add({ type: "status", status: 403, body: [{ errorCode: "NO" }], match: "query", times: 1 });
    expect(await oauth.account(app, grant, context)).toMatchObject({
      id: account.id,
      name: new URL(org.url).host,
    });
    org.expireTokens();
    const error = await failureOf(oauth.account(app, grant, context), grant.accessToken);
    expect(error).toMatchObject({ failure: "later", message: expect.stringContaining("INVALID_SESSION_ID") });
  });

  test("does not take a code twice, or with another verifier or callback URL", async () => {
    const started = await start();
    const trade = async (given = {}, code?: string) => {
      const fresh = code ?? (await agree(started)).get("code") ?? "";
      const all = { code: fresh, redirectUri, verifier, ...given };
      return failureOf(oauth.exchange(started.app, all, started.context), fresh);
    };
    const code = (await agree(started)).get("code") ?? "";
    await oauth.exchange(started.app, { code, redirectUri, verifier }, started.context);
    expect(await trade({}, code)).toMatchObject({ failure: "revoked" });
    expect(await trade({ verifier: "x" })).toMatchObject({ failure: "revoked" });
    expect(await trade({ redirectUri: "http://localhost/" })).toMatchObject({ failure: "config" });
  });

  test("takes no grant for an org that is not at Salesforce, or without a refresh token", async () => {
    const started = await start();
    const answered = async (body: object) => {
      started.org.faults.add({ type: "status", status: 200, body, match: "token", times: 1 });
      return (await failureOf(install(started), "a-token")).message;
    };
    const good = { access_token: "a-token", refresh_token: "r", instance_url: "https://a.my.salesforce.com" };
    expect(await answered({ ...good, instance_url: "https://evil.example.com" })).toContain("no org");
    expect(await answered({ ...good, instance_url: "http://a.my.salesforce.com" })).toContain("no org");
    expect(await answered({ ...good, instance_url: undefined })).toContain("no org");
    expect(await answered({ ...good, refresh_token: undefined })).toContain("no refresh token");
    expect(await answered({})).toContain("not the one we know");
  });
});

describe("renewing the access to Salesforce", () => {
  test("gives a new refresh token each time; the old one ends everything", async () => {
    const started = await start();
    const { app, context } = started;
    const first = await install(started);
    const second = await oauth.refresh(app, first, context);
    expect(second.refreshToken).not.toBe(first.refreshToken);
    expect(second).toMatchObject({ url: first.url, scopes: first.scopes });
    await oauth.refresh(app, second, context);
    const replayed = await failureOf(oauth.refresh(app, first, context), first.refreshToken);
    expect(replayed).toMatchObject({
      failure: "revoked",
      message: expect.stringContaining("expired access"),
    });
  });

  test("keeps a new refresh token whatever else the answer says, and the old one when there is none", async () => {
    const started = await start();
    const grant = await install(started);
    const refreshed = async (more: object) => {
      const body = { access_token: "new", instance_url: "https://evil.example.com", ...more };
      started.org.faults.add({ type: "status", status: 200, body, match: "token", times: 1 });
      return oauth.refresh(started.app, grant, started.context);
    };
    const { url, scopes, refreshToken } = grant;
    const expected = { accessToken: "new", url, scopes };
    expect(await refreshed({ refresh_token: "r2" })).toEqual({ ...expected, refreshToken: "r2" });
    expect(await refreshed({})).toEqual({ ...expected, refreshToken });
  });

  const path = "/services/oauth2/token";
  test.each<[GrantError["failure"], string, Fault]>([
    ["revoked", "a refresh token that is not good any more", refused("invalid_grant", "expired access")],
    ["revoked", "a user who has left", refused("inactive_user", "user is inactive", 401)],
    ["config", "a wrong client", refused("invalid_client_id")],
    ["config", "a wrong secret", refused("invalid_client", "invalid client credentials", 401)],
    ["config", "another kind of wrong client", refused("invalid_client_credentials", "", 401)],
    ["config", "a wrong callback URL", refused("redirect_uri_mismatch")],
    ["config", "a flow that is off", refused("unsupported_grant_type")],
    ["config", "no challenge", refused("invalid_grant", "missing required code challenge")],
    ["config", "our address", refused("invalid_grant", "ip restricted")],
    ["config", "something unknown", refused("something_new")],
    ["later", "another refresh", refused("invalid_grant", "token request is already being processed")],
    ["later", "a limit", refused("invalid_grant", "expired access", 429)],
    ["later", "a fault of Salesforce", refused("invalid_grant", "expired access", 503)],
    ["later", "a page instead of JSON", { type: "status", status: 200, text: "<html>" }],
    ["later", "a redirect", { type: "status", status: 307, headers: { location: path }, times: 1 }],
    ["later", "a lost connection", { type: "reset" }],
  ])("is %s with %s", async (failure, _, fault) => {
    const started = await start();
    const grant = await install(started);
    started.org.faults.add({ ...fault, match: "token" });
    const refresh = oauth.refresh(started.app, grant, started.context);
    const error = await failureOf(refresh, grant.refreshToken, grant.accessToken);
    expect(error.failure).toBe(failure);
    expect(error.message).toMatch(/^Salesforce, renewing the access: /);
  });

  test("never repeats what is secret, and sends nothing to an org that is not at Salesforce", async () => {
    const started = await start();
    const grant = await install(started);
    const words = `${"x".repeat(290)}${grant.refreshToken} of ${secrets.clientSecret}`;
    started.org.faults.add({ ...refused("invalid_grant", words), match: "token" });
    const refresh = (given: Grant) => oauth.refresh(started.app, given, started.context);
    const error = await failureOf(refresh(grant), grant.refreshToken.slice(0, 8));
    expect(error.message).toContain("***");
    const asked = started.org.requests.length;
    const astray = await failureOf(refresh({ ...grant, url: "https://evil.example.com" }));
    expect(astray.failure).toBe("config");
    expect(started.org.requests).toHaveLength(asked);
  });
});
