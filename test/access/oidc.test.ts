import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { client, startIssuer, type TestIssuer } from "../support/oidc-issuer.ts";
import { publicUrl, startServer, type TestServer } from "../support/server.ts";
import { browserAt } from "./browsers.ts";

describe("signing in with an OpenID provider", () => {
  let issuer: TestIssuer;
  let server: TestServer;
  let usual: TestIssuer["state"];
  const warnings: string[] = [];

  beforeAll(async () => {
    issuer = await startIssuer();
    usual = { ...issuer.state };
    const allow = [
      { domain: "example.com", role: "viewer" },
      { email: "boss@example.com", role: "operator" },
      { group: "phone-admins", role: "admin", listen: true, installation: "acme" },
    ];
    server = await startServer({
      file: { signIn: { oidc: { ...client, issuer: issuer.url, label: "Acme", allow } } },
      environment: { SWITCHHOOK_ADMIN_TOKEN: "" },
      log: { warn: (...facts) => void warnings.push(JSON.stringify(facts)) },
    });
  });
  afterAll(async () => {
    await server.stop();
    await issuer.stop();
  });
  afterEach(() => Object.assign(issuer.state, usual));

  const begin = async (next = "/api/calls?state=dead") => {
    const browser = browserAt(server);
    const login = await browser.get(`/login?${new URLSearchParams({ next })}`);
    expect(login.status).toBe(303);
    const begun = await browser.get(
      new URL(login.headers.get("location") ?? "", "http://x/login").href.slice(8),
    );
    expect(begun.status, await begun.clone().text()).toBe(302);
    return { browser, consent: new URL(begun.headers.get("location") ?? "") };
  };

  const agree = async (consent: URL) => {
    const answer = await fetch(consent, { redirect: "manual" });
    const back = new URL(answer.headers.get("location") ?? "");
    expect(back.origin).toBe(publicUrl);
    return `${back.pathname}${back.search}`;
  };

  const signIn = async () => {
    const { browser, consent } = await begin();
    const answer = await browser.get(await agree(consent));
    const session = await browser.get("/api/session");
    return { answer, text: await answer.text(), browser, session, who: await session.json() };
  };

  test("sends the browser there by itself when it is the only way, with PKCE, state and nonce", async () => {
    const { consent } = await begin();
    const asked = Object.fromEntries(consent.searchParams);
    expect(asked).toMatchObject({
      redirect_uri: `${publicUrl}/login/oidc/callback`,
      response_type: "code",
      scope: "openid email profile",
      code_challenge_method: "S256",
      state: expect.stringMatching(/^[\w-]{43}$/),
      nonce: expect.stringMatching(/^[\w-]{32}$/),
    });
    expect(consent.href).not.toContain(client.clientSecret);
  });

  test("opens a session and goes on to where the person wanted to go", async () => {
    const { answer, who, browser } = await signIn();
    expect([answer.status, answer.headers.get("location")]).toEqual([303, "../../api/calls?state=dead"]);
    expect(who).toMatchObject({
      ...{ role: "viewer", name: "noor@example.com", signedInBy: "oidc" },
      rights: { listen: false, raw: false, admin: false, operate: false },
    });
    expect((await browser.get("/api/calls")).status).toBe(200);
    expect((await browser.get("/metrics")).status).toBe(403);
  });

  test.each([
    ["an address", { email: "Boss@Example.com", email_verified: true }, { role: "operator" }],
    ["a group", { groups: ["sales", "phone-admins"] }, { role: "admin", installation: "acme" }],
    ["a single group", { groups: "phone-admins" }, { role: "admin", rights: { listen: true } }],
    [
      "the highest of several",
      { email: "noor@example.com", email_verified: true, groups: ["phone-admins"] },
      { role: "admin" },
    ],
  ])("gives the role of %s", async (_, claims, expected) => {
    issuer.state.claims = claims;
    expect((await signIn()).who).toMatchObject(expected);
  });

  test("asks for groups and addresses that the ID token does not have", async () => {
    issuer.state.claims = {};
    issuer.state.userinfo = { groups: ["phone-admins"] };
    expect((await signIn()).who).toMatchObject({ role: "admin" });
  });

  test.each([
    ["of another domain", { email: "noor@example.org", email_verified: true }],
    ["of a domain that ends like ours", { email: "noor@evil-example.com", email_verified: true }],
    ["whose address is not verified", { email: "boss@example.com", email_verified: false }],
    ["whose address may not be verified", { email: "boss@example.com" }],
    ["without any address", {}],
  ])("lets no one in %s, and says what to do", async (_, claims) => {
    issuer.state.claims = claims;
    const { answer, text, session } = await signIn();
    expect([answer.status, session.status]).toEqual([403, 401]);
    expect(text).toContain("Ask its operator to add you");
  });

  test.each([
    ["another nonce", { nonce: "another" }],
    ["another audience", { aud: "another-client" }],
    ["another issuer", { iss: "https://evil.example" }],
    ["a date in the past", { exp: 1_000_000 }],
  ])("refuses an ID token with %s", async (_, forged) => {
    issuer.state.forged = forged;
    const { answer, session } = await signIn();
    expect([answer.status, session.status]).toEqual([403, 401]);
    expect(warnings.at(-1)).toContain("signing in with another site failed");
  });

  test("refuses an ID token that another key signed", async () => {
    issuer.state.otherKey = true;
    expect((await signIn()).session.status).toBe(401);
  });

  test("says so when the person does not agree", async () => {
    issuer.state.denies = true;
    const { answer, text } = await signIn();
    expect(answer.status).toBe(403);
    expect(text).toContain("Acme did not let you sign in");
  });

  test("takes an answer once, and only in the browser that began", async () => {
    const { browser, consent } = await begin();
    const back = await agree(consent);
    const thief = browserAt(server);
    expect((await thief.get(back)).status).toBe(403);
    expect((await browser.get(back)).status).toBe(303);
    expect((await browser.get(back)).status).toBe(403);
    const other = await begin();
    expect((await other.browser.get(back)).status).toBe(403);
  });

  test("works again once the provider is back", async () => {
    const gone = await startIssuer();
    await gone.stop();
    const oidc = { ...client, issuer: gone.url, allow: [{ domain: "example.com", role: "viewer" }] };
    const other = await startServer({
      file: { signIn: { oidc } },
      environment: { SWITCHHOOK_ADMIN_TOKEN: "" },
    });
    const answer = await fetch(`${other.url}/login/oidc`, { redirect: "manual" });
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain("cannot be reached just now");
    await other.stop();
  });

  test("needs no admin token beside it, and lets no machine in without one", async () => {
    expect((await fetch(`${server.url}/api/calls`)).status).toBe(401);
    const authorization = "Bearer anything";
    expect((await fetch(`${server.url}/api/calls`, { headers: { authorization } })).status).toBe(401);
  });
});
