import { createHash, createSign, generateKeyPairSync } from "node:crypto";
import { expect, onTestFinished, test } from "vitest";
import { type SalesforceEmulator, type SalesforceOptions, startSalesforce } from "../salesforce/index.ts";

async function start(options: SalesforceOptions = {}): Promise<SalesforceEmulator> {
  const salesforce = await startSalesforce(options);
  onTestFinished(() => salesforce.stop());
  return salesforce;
}

type TokenReply = { status: number; access_token?: string; refresh_token?: string; error?: string };

const client = { client_id: "client", client_secret: "secret" };

async function token(salesforce: SalesforceEmulator, form: Record<string, string>): Promise<TokenReply> {
  const response = await fetch(`${salesforce.url}/services/oauth2/token`, {
    method: "POST",
    body: new URLSearchParams(form),
  });
  return { status: response.status, ...((await response.json()) as object) };
}

async function statusWith(salesforce: SalesforceEmulator, accessToken: string | undefined) {
  const response = await fetch(`${salesforce.url}/services/data/v66.0/limits`, {
    headers: { authorization: `Bearer ${accessToken}` },
  });
  return response.status;
}

test("gives a token for client credentials, in the form or in a header", async () => {
  const salesforce = await start();
  const reply = await token(salesforce, { grant_type: "client_credentials", ...client });
  expect(reply).toMatchObject({ status: 200, token_type: "Bearer", instance_url: salesforce.url });
  expect(reply).not.toHaveProperty("expires_in");
  expect(await statusWith(salesforce, reply.access_token)).toBe(200);
  const basic = await fetch(`${salesforce.url}/services/oauth2/token`, {
    method: "POST",
    headers: { authorization: `Basic ${btoa("client:secret")}` },
    body: new URLSearchParams({ grant_type: "client_credentials" }),
  });
  expect(basic.status).toBe(200);
  expect(salesforce.tokenRequests).toBe(2);
});

test("turns away a stranger", async () => {
  const salesforce = await start();
  const refusal = (form: Record<string, string>) => token(salesforce, { ...client, ...form });
  const wrongSecret = await refusal({ grant_type: "client_credentials", client_secret: "x" });
  expect(wrongSecret).toMatchObject({ status: 400, error: "invalid_client" });
  const wrongClient = await refusal({ grant_type: "client_credentials", client_id: "x" });
  expect(wrongClient).toMatchObject({ status: 400, error: "invalid_client_id" });
  expect(await refusal({ grant_type: "password" })).toMatchObject({ error: "unsupported_grant_type" });
  const reply = await fetch(`${salesforce.url}/services/data/v66.0/limits`);
  expect(reply.status).toBe(401);
  expect(await reply.json()).toEqual([
    { message: "Session expired or invalid", errorCode: "INVALID_SESSION_ID" },
  ]);
});

test("ends sessions when their time is over, or all at once", async () => {
  let now = Date.parse("2026-05-01T12:00:00Z");
  const salesforce = await start({ now: () => now, tokenSeconds: 60, accessToken: "kept" });
  const first = await token(salesforce, { grant_type: "client_credentials", ...client });
  now += 59_000;
  expect(await statusWith(salesforce, first.access_token)).toBe(200);
  now += 1000;
  expect(await statusWith(salesforce, first.access_token)).toBe(401);
  const second = await token(salesforce, { grant_type: "client_credentials", ...client });
  salesforce.expireTokens();
  expect(await statusWith(salesforce, second.access_token)).toBe(401);
  expect(await statusWith(salesforce, "kept")).toBe(200);
});

test("a refresh token is good once; using it again ends all that came from it", async () => {
  const salesforce = await start();
  const first = salesforce.approve();
  const refresh = (refreshToken: string | undefined) =>
    token(salesforce, { grant_type: "refresh_token", refresh_token: refreshToken ?? "", ...client });
  const one = await refresh(first);
  const two = await refresh(one.refresh_token);
  expect(await statusWith(salesforce, two.access_token)).toBe(200);
  expect(await refresh(first)).toEqual({
    status: 400,
    error: "invalid_grant",
    error_description: "expired access/refresh token",
  });
  expect(await statusWith(salesforce, two.access_token)).toBe(401);
  expect(await refresh(two.refresh_token)).toMatchObject({ error: "invalid_grant" });
});

const verifier = "v".repeat(43);
const challenge = createHash("sha256").update(verifier).digest("base64url");
const redirect_uri = "https://app.example.com/callback";

async function authorizeAt({ url }: SalesforceEmulator, more: Record<string, string>) {
  const query = new URLSearchParams({ response_type: "code", client_id: "client", redirect_uri, ...more });
  const response = await fetch(`${url}/services/oauth2/authorize?${query}`, { redirect: "manual" });
  return new URL(response.headers.get("location") ?? "").searchParams;
}

test("a code gives the scopes that were asked for, and a refresh token only with its scope", async () => {
  const salesforce = await start();
  const consent = async (scope: string) => {
    const pkce = { code_challenge: challenge, code_challenge_method: "S256" };
    const answer = await authorizeAt(salesforce, { ...pkce, scope });
    const code = answer.get("code");
    if (code === null) return { error: answer.get("error") };
    const form = { grant_type: "authorization_code", code, redirect_uri, code_verifier: verifier };
    return token(salesforce, { ...form, ...client });
  };
  const signedIn = await consent("openid api");
  expect(signedIn).toMatchObject({ status: 200, scope: "openid api" });
  expect(signedIn).not.toHaveProperty("refresh_token");
  expect(await consent("api refresh_token")).toMatchObject({ refresh_token: expect.any(String) });
  expect(await consent("api full")).toEqual({ error: "invalid_scope" });
});

test("says whether the user may customize the org", async () => {
  const salesforce = await start({ accessToken: "token" });
  const soql = "SELECT PermissionsCustomizeApplication FROM UserPermissionAccess LIMIT 1";
  const asked = async () => {
    const url = `${salesforce.url}/services/data/v66.0/query?q=${encodeURIComponent(soql)}`;
    const answer = await fetch(url, { headers: { authorization: "Bearer token" } });
    return ((await answer.json()) as { records: object[] }).records;
  };
  expect(await asked()).toMatchObject([{ PermissionsCustomizeApplication: true }]);
  salesforce.settings.isAdmin = false;
  expect(await asked()).toMatchObject([{ PermissionsCustomizeApplication: false }]);
});

test("a code is good once, for its redirect and its verifier", async () => {
  const salesforce = await start();
  const authorize = (more: Record<string, string>) => authorizeAt(salesforce, more);
  const bare = await authorize({ state: "s" });
  expect(bare.get("error_description")).toBe("missing required code challenge");
  const pkce = { code_challenge: challenge, code_challenge_method: "S256" };
  const code = (await authorize({ state: "s", ...pkce })).get("code") ?? "";
  const form = { grant_type: "authorization_code", code, redirect_uri, ...client };
  const reply = await token(salesforce, { ...form, code_verifier: verifier });
  expect(reply).toMatchObject({ status: 200, refresh_token: expect.any(String) });
  expect(await token(salesforce, { ...form, code_verifier: verifier })).toMatchObject({ status: 400 });
  const other = (await authorize(pkce)).get("code") ?? "";
  const wrong = await token(salesforce, { ...form, code: other, code_verifier: "w".repeat(43) });
  expect(wrong).toMatchObject({ error: "invalid_grant", error_description: "invalid code verifier" });
});

test("takes an assertion that its key has signed", async () => {
  const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const publicKey = pair.publicKey.export({ type: "spki", format: "pem" }).toString();
  const salesforce = await start({ publicKey });
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const ask = (claims: object, key = pair.privateKey) => {
    const exp = Math.floor(Date.now() / 1000) + 180;
    const good = { iss: "client", sub: "integration@example.com", aud: "https://login.salesforce.com", exp };
    const text = `${part({ alg: "RS256" })}.${part({ ...good, ...claims })}`;
    const assertion = `${text}.${createSign("RSA-SHA256").update(text).sign(key, "base64url")}`;
    return token(salesforce, { grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion });
  };
  const reply = await ask({});
  expect(await statusWith(salesforce, reply.access_token)).toBe(200);
  expect(await ask({ aud: salesforce.url })).toMatchObject({ status: 200 });
  expect(await ask({ sub: "nobody@example.com" })).toMatchObject({ error: "invalid_grant" });
  expect(await ask({ aud: "https://example.com" })).toMatchObject({ error: "invalid_grant" });
  expect(await ask({ exp: 1 })).toMatchObject({ error_description: "invalid assertion" });
  const stranger = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  expect(await ask({}, stranger)).toMatchObject({ error_description: "invalid assertion" });
});

test("tells who is asking", async () => {
  const salesforce = await start({ accessToken: "token" });
  const url = `${salesforce.url}/services/oauth2/userinfo`;
  const reply = await fetch(url, { headers: { authorization: "Bearer token" } });
  expect(await reply.json()).toMatchObject({ preferred_username: "integration@example.com" });
  expect((await fetch(url)).status).toBe(403);
});

test("lists the versions it has, and refuses others", async () => {
  const salesforce = await start({ accessToken: "token", version: "66.0" });
  const versions = (await (await fetch(`${salesforce.url}/services/data`)).json()) as { version: string }[];
  expect(versions.at(0)?.version).toBe("31.0");
  expect(versions.at(-1)?.version).toBe("66.0");
  const statusOf = async (version: string) => {
    const url = `${salesforce.url}/services/data/v${version}/limits`;
    return (await fetch(url, { headers: { authorization: "Bearer token" } })).status;
  };
  expect(await Promise.all(["30.0", "31.0", "66.0", "67.0", "x"].map(statusOf))).toEqual([
    410, 200, 200, 404, 404,
  ]);
});
