import { expect, test } from "vitest";
import {
  authorize,
  calledBack,
  makeApp,
  optional,
  redirectUri,
  required,
  startWithApp,
} from "./hubspot-app.ts";

const asked = { optional_scope: optional.join(" "), state: "s t&te" };

test("whoever consents is sent back with a code and the state", async () => {
  const { portal } = await startWithApp();
  const response = await authorize(portal, { ...asked, _accept: "1" });
  expect(response.status).toBe(302);
  expect(calledBack(response)).toEqual({ to: redirectUri, code: expect.any(String), state: "s t&te" });
});

test("whoever denies is sent back with an error and the state", async () => {
  const { portal } = await startWithApp();
  const { to, error, state, code } = calledBack(await authorize(portal, { ...asked, _deny: "1" }));
  expect({ to, error, state, code }).toEqual({
    to: redirectUri,
    error: "access_denied",
    state: "s t&te",
    code: undefined,
  });
});

test("the page's form consents to what is checked", async () => {
  const { portal } = await startWithApp();
  const page = await authorize(portal, asked);
  const html = await page.text();
  expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html;charset=utf-8"]);
  for (const scope of required) expect(html).toContain(`<li>${scope}</li>`);
  for (const scope of optional) expect(html).toContain(`name="scope:${scope}" checked`);
  const action = /action="([^"]+)"/.exec(html)?.[1]?.replaceAll("&amp;", "&") ?? "";
  const submit = (fields: Record<string, string>) =>
    fetch(portal.url + action, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
  const accepted = await submit({ decision: "accept", [`scope:${optional[0]}`]: "on" });
  const { code = "", state } = calledBack(accepted);
  expect(state).toBe("s t&te");
  const form = { grant_type: "authorization_code", client_id: "client-1", client_secret: "secret-1", code };
  const tokens = await fetch(`${portal.url}/oauth/2026-09/token`, {
    method: "POST",
    body: new URLSearchParams({ ...form, redirect_uri: redirectUri }),
  });
  expect(await tokens.json()).toMatchObject({ scopes: [...required, optional[0]] });
  expect(calledBack(await submit({ decision: "deny" }))["error"]).toBe("access_denied");
});

test.each<[string, Record<string, string | undefined>, string]>([
  ["an unknown client", { client_id: "stranger" }, "client id"],
  ["another redirect URL", { redirect_uri: `${redirectUri}/` }, "redirect URL"],
  ["no redirect URL", { redirect_uri: undefined }, "redirect URL"],
  ["a plain redirect URL", { redirect_uri: "http://app.example.com/back" }, "https"],
  ["a required scope left out", { scope: required.slice(1).join(" ") }, "requires scopes that the URL"],
  [
    "a required scope that is only optional",
    { scope: required.slice(1).join(" "), optional_scope: required[0] },
    "requires",
  ],
  ["a scope that the app is not configured for", { scope: `${required.join(" ")} tickets` }, "tickets"],
  ["an optional scope that the app is not configured for", { optional_scope: "tickets" }, "tickets"],
  ["a challenge that is not S256", { code_challenge: "x", code_challenge_method: "plain" }, "S256"],
])("%s ends on a page, not in the app", async (_, more, reason) => {
  const redirectUris = [redirectUri, "http://app.example.com/back"];
  const { portal } = await startWithApp({ app: makeApp({ redirectUris }) });
  const response = await authorize(portal, { _accept: "1", ...more });
  expect(response.status).toBe(400);
  expect(response.headers.get("location")).toBeNull();
  expect(await response.text()).toContain(reason);
});

test("an account can be named in the path", async () => {
  const { portal } = await startWithApp({ portalId: 12 });
  expect((await authorize(portal, { _accept: "1" }, "/oauth/12/authorize")).status).toBe(302);
  expect((await authorize(portal, { _accept: "1" }, "/oauth/13/authorize")).status).toBe(400);
});
