import { expect, test } from "vitest";
import { GrantError } from "../../src/core/crm-app.ts";
import { consentQuery, grantIn, sendForGrant, withoutSecrets } from "../../src/lib/oauth-client.ts";

test("a consent page is given the scopes and the challenge, with spaces as %20", () => {
  const consent = { redirectUri: "http://x/y", state: "s", challenge: "c", scopes: ["a", "b"] };
  const query = consentQuery("app", { ...consent, optionalScopes: [] }, { more: "d e" });
  expect(query).toBe(
    "client_id=app&redirect_uri=http%3A%2F%2Fx%2Fy&scope=a%20b&more=d%20e&state=s&code_challenge=c&code_challenge_method=S256",
  );
});

test("a grant has what the answer says, and what it had before", () => {
  const before = { accessToken: "old", refreshToken: "r1", scopes: ["a"] };
  expect(grantIn({ access_token: "t", expires_in: 1800 }, 1_000, before)).toEqual({
    ...{ accessToken: "t", refreshToken: "r1", expiresAt: 1_801_000, scopes: ["a"] },
  });
  expect(grantIn({ access_token: "t", refresh_token: "r2", scope: "b c" }, 0)).toEqual({
    ...{ accessToken: "t", refreshToken: "r2", scopes: ["b", "c"] },
  });
  expect(grantIn({ access_token: "no\nheader", scopes: ["d"] }, 0)).toEqual({ scopes: ["d"] });
});

test("secrets that a server repeats are hidden", () => {
  const body = { message: "code abc of abc", count: 1 };
  expect(withoutSecrets(body, ["abc", ""])).toEqual({ message: "code *** of ***", count: 1 });
});

test("a server that cannot be reached fails the grant for now", async () => {
  const noted: string[] = [];
  const context = {
    now: () => 0,
    onRequest: ({ status }: { status: unknown }) => void noted.push(`${status}`),
  };
  const names = { who: "The server", what: "Signing in" };
  const error = await sendForGrant({ url: "http://127.0.0.1:1" }, names, context).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(GrantError);
  expect(error).toMatchObject({
    failure: "later",
    message: expect.stringMatching(/^Signing in: The server cannot be reached \(\w+\)$/),
  });
  expect(noted).toEqual(["network"]);
});
