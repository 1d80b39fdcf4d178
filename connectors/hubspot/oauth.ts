import { type Account, type Grant, GrantError, type OAuth, type OAuthContext } from "../../src/core/oauth.ts";
import { type JsonObject, textAt } from "../../src/lib/body.ts";
import { uninstalls } from "./journal.ts";
import { app, consentUrl, type HubspotApp } from "./oauth-app.ts";
import { apiFailureOf, unusable } from "./oauth-failure.ts";
import { ask, isSuccess } from "./oauth-request.ts";
import { expiryIn, type Form, mustSay, tokenAt } from "./oauth-token.ts";

/** HubSpot's OAuth, in its dated versions. */
export const oauth: OAuth<HubspotApp> = {
  app,
  consentUrl,
  exchange,
  refresh,
  account,
  disconnect,
  uninstalls,
};

async function exchange(
  app: HubspotApp,
  { code, redirectUri, verifier }: { code: string; redirectUri: string; verifier: string },
  context: OAuthContext,
): Promise<Grant> {
  const form = { grant_type: "authorization_code", code, redirect_uri: redirectUri, code_verifier: verifier };
  return granted(app, { what: "HubSpot, connecting an account", form }, context);
}

/** The refresh token usually comes back unchanged; a new one ends the old one. */
async function refresh(app: HubspotApp, grant: Grant, context: OAuthContext): Promise<Grant> {
  const form = { grant_type: "refresh_token", refresh_token: grant.refreshToken };
  return granted(app, { what: "HubSpot, renewing the access", form, before: grant }, context);
}

/** The app may be refused the account's details; what the token itself tells is enough. */
async function account(app: HubspotApp, grant: Grant, context: OAuthContext): Promise<Account> {
  const what = "HubSpot, asking whose account it is";
  const bearer = grant.accessToken;
  const url = `${app.apiUrl}/account-info/${app.apiVersion}/details`;
  const details = await ask({ what, method: "GET", url, bearer }, context);
  const id = textAt(details.body, "portalId");
  if (details.status === 200 && id) return detailed(id, details.body);
  const failure = apiFailureOf(details, what, [bearer]);
  if (failure.failure === "later") throw failure;

  const form = { token: bearer, token_type_hint: "access_token" };
  const { body } = await mustSay(app, { what, below: "/introspect", form }, context);
  const hub = textAt(body, "hub_id");
  if (!hub) throw unusable(what);
  return { id: hub, name: `HubSpot ${hub}` };
}

/** Uninstalls the app from the account, then ends the refresh token, which may outlive that. */
async function disconnect(app: HubspotApp, grant: Grant, context: OAuthContext): Promise<void> {
  const what = "HubSpot, disconnecting the account";
  const url = `${app.apiUrl}/appinstalls/${app.apiVersion}/external-install`;
  const uninstall = ({ accessToken }: Grant) =>
    ask({ what, method: "DELETE", url, bearer: accessToken }, context);
  let last = grant;
  let answer = await uninstall(last);
  if (answer.status === 401) {
    const fresh = await unlessGone(refresh(app, grant, context));
    if (!fresh) return;
    last = fresh;
    answer = await uninstall(last);
  }
  // 404 is unverified: the app is not in the account.
  if (answer.status !== 404 && !isSuccess(answer)) throw apiFailureOf(answer, what, [last.accessToken]);
  const form = { token: last.refreshToken, token_type_hint: "refresh_token" };
  await unlessGone(mustSay(app, { what, below: "/revoke", form }, context));
}

async function granted(
  app: HubspotApp,
  { what, form, before }: { what: string; form: Form; before?: Grant },
  context: OAuthContext,
): Promise<Grant> {
  const asked = context.now();
  const { body } = await mustSay(app, { what, form }, context);
  const accessToken = tokenAt(body, "access_token");
  const refreshToken = tokenAt(body, "refresh_token") ?? before?.refreshToken;
  if (!accessToken || !refreshToken) throw unusable(what);
  return {
    accessToken,
    refreshToken,
    ...expiryIn(body, asked),
    scopes: scopesIn(body) ?? before?.scopes ?? [],
  };
}

/** Undefined when our access is gone already. */
async function unlessGone<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch((error: unknown) => {
    if (error instanceof GrantError && error.failure === "revoked") return undefined;
    throw error;
  });
}

function detailed(id: string, body: JsonObject): Account {
  const host = textAt(body, "uiDomain");
  const timeZone = textAt(body, "timeZone");
  const isHost = host !== undefined && /^[a-z0-9-]+(\.[a-z0-9-]+)+$/i.test(host);
  return {
    id,
    name: isHost ? host : `HubSpot ${id}`,
    ...(isHost && { url: `https://${host}` }),
    ...(timeZone && { timeZone }),
  };
}

/** A list; a text with spaces, as other OAuth servers have it, will do. */
function scopesIn(body: JsonObject): string[] | undefined {
  const { scopes } = body;
  return Array.isArray(scopes) ? scopes.map(String) : textAt(body, "scope")?.split(/\s+/);
}
