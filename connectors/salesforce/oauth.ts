import { messageOf } from "../../src/core/errors.ts";
import { type Account, type Grant, GrantError, type OAuth, type OAuthContext } from "../../src/core/oauth.ts";
import { type JsonObject, numberAt, objectsAt, textAt } from "../../src/lib/body.ts";
import { app, consentUrl, orgAt, orgOf, type SalesforceApp, signInAt } from "./oauth-app.ts";
import { failureOf, unusable } from "./oauth-failure.ts";
import { ask, type SignInReply, type SignInRequest } from "./sign-in.ts";

/** Salesforce's web server flow: PKCE and secret both, and a refresh token that is good once. */
export const oauth: OAuth<SalesforceApp> = { app, consentUrl, exchange, refresh, account, disconnect };

type GivenCode = { code: string; redirectUri: string; verifier: string; where?: string };

const organizationQuery = "SELECT Id, Name, TimeZoneSidKey FROM Organization LIMIT 1";

async function exchange(app: SalesforceApp, given: GivenCode, context: OAuthContext): Promise<Grant> {
  const what = "Salesforce, connecting an org";
  const { code, redirectUri, verifier, where } = given;
  const form = { grant_type: "authorization_code", code, redirect_uri: redirectUri, code_verifier: verifier };
  return granted(app, { what, at: signInAt(app, where), form, secrets: [code, verifier] }, context);
}

async function refresh(app: SalesforceApp, grant: Grant, context: OAuthContext): Promise<Grant> {
  const what = "Salesforce, renewing the access";
  const { refreshToken } = grant;
  const form = { grant_type: "refresh_token", refresh_token: refreshToken };
  // An org may forbid the common sign-in; its own host always takes its tokens.
  return granted(app, { what, at: orgOf(app, grant), form, secrets: [refreshToken] }, context, grant);
}

/** Either answer tells which org it is; one may be closed to the user. */
async function account(app: SalesforceApp, grant: Grant, context: OAuthContext): Promise<Account> {
  const what = "Salesforce, asking whose org it is";
  const at = orgOf(app, grant);
  const bearer = grant.accessToken;
  const query = `${at}/services/data/v${app.apiVersion}/query?q=${encodeURIComponent(organizationQuery)}`;
  const [info, found] = await Promise.all([
    hear({ method: "GET", url: `${at}/services/oauth2/userinfo`, bearer }, what, context),
    hear({ method: "GET", url: query, bearer }, what, context),
  ]);
  const org = objectsAt(found.body, "records")[0] ?? {};
  const id = textAt(info.body, "organization_id") ?? textAt(org, "Id");
  if (!id) throw failureOf(found.status < 400 ? info : found, what, [bearer]);
  const timeZone = textAt(org, "TimeZoneSidKey");
  const name = textAt(org, "Name") ?? new URL(at).host;
  return { id, name, url: at, ...(timeZone && { timeZone }) };
}

/** All that came from the refresh token ends with it. */
async function disconnect(app: SalesforceApp, grant: Grant, context: OAuthContext): Promise<void> {
  const what = "Salesforce, disconnecting the org";
  const form = new URLSearchParams({ token: grant.refreshToken });
  const url = `${orgOf(app, grant)}/services/oauth2/revoke`;
  const answer = await hear({ method: "POST", url, form }, what, context);
  if (isSuccess(answer)) return;
  const gone = ["unsupported_token_type", "invalid_token", "invalid_grant"];
  if (answer.status === 400 && gone.includes(textAt(answer.body, "error") ?? "")) return;
  throw failureOf(answer, what, [grant.refreshToken]);
}

/** `secrets`: what the form has besides our own. */
type TokenRequest = { what: string; at: string; form: Readonly<Record<string, string>>; secrets: string[] };

async function granted(
  app: SalesforceApp,
  { what, at, form, secrets }: TokenRequest,
  context: OAuthContext,
  before?: Grant,
): Promise<Grant> {
  const { clientId, clientSecret } = app;
  const whole = new URLSearchParams({ client_id: clientId, client_secret: clientSecret, ...form });
  const asked = context.now();
  const url = `${at}/services/oauth2/token`;
  const answer = await hear({ method: "POST", url, form: whole }, what, context);
  if (!isSuccess(answer)) throw failureOf(answer, what, [...secrets, clientSecret]);
  const { body } = answer;
  const accessToken = tokenAt(body, "access_token");
  const refreshToken = tokenAt(body, "refresh_token") ?? before?.refreshToken;
  if (!accessToken) throw unusable(what, "the answer is not the one we know, or a page of some proxy");
  if (!refreshToken) throw unusable(what, "no refresh token came; check the app's scopes and policies");
  // A new refresh token ends the old one, so it is kept wherever the answer says that the org is.
  const org = orgAt(textAt(body, "instance_url") ?? "", app) ?? (before && orgOf(app, before));
  if (!org) throw unusable(what, "the answer names no org at Salesforce");
  const seconds = numberAt(body, "expires_in") ?? 0;
  return {
    accessToken,
    refreshToken,
    url: org,
    ...(seconds > 0 && { expiresAt: asked + seconds * 1000 }),
    scopes: textAt(body, "scope")?.split(/\s+/) ?? before?.scopes ?? [],
  };
}

async function hear(question: SignInRequest, what: string, context: OAuthContext): Promise<SignInReply> {
  return ask(question, context).catch((cause: unknown) => {
    throw new GrantError("later", `${what}: ${messageOf(cause)}`, { cause });
  });
}

/** Undefined for what cannot be sent in a header. */
function tokenAt(body: JsonObject, name: string): string | undefined {
  const token = textAt(body, name);
  return token && /^[\x21-\x7e]+$/.test(token) ? token : undefined;
}

function isSuccess({ status }: SignInReply): boolean {
  return status >= 200 && status < 300;
}
