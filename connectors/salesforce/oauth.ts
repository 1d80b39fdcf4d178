import {
  type Account,
  type Consent,
  type ConsentCode,
  type Grant,
  GrantError,
  type GrantFailure,
  type OAuth,
  type OAuthContext,
} from "../../src/core/crm-app.ts";
import { quoted } from "../../src/core/mask.ts";
import { objectsAt, textAt } from "../../src/lib/body.ts";
import { isSuccess } from "../../src/lib/http.ts";
import {
  codeForm,
  consentQuery,
  grantIn,
  type OAuthReply,
  type OAuthRequest,
  refreshForm,
  secretsIn,
  sendForGrant,
  withoutSecrets,
} from "../../src/lib/oauth-client.ts";
import { app, type SalesforceApp } from "./settings.ts";

/** Salesforce's web server flow: PKCE and secret both, and a refresh token that is valid once. */
export const oauth: OAuth<SalesforceApp> = {
  app,
  consentUrl,
  exchange,
  refresh,
  account,
  disconnect,
  // The scopes of the manifest leave out `refresh_token`, so that there is no token to drop.
  signIn: { consentUrl: authorizeUrl, identify },
};

const sandboxUrl = "https://test.salesforce.com";
const myDomain = /^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+my\.salesforce\.com$/;
/** Without `api` there are no requests, without `refresh_token` none after the person has signed out. */
const neededScopes = ["api", "refresh_token"];
const organizationQuery = "SELECT Id, Name, TimeZoneSidKey FROM Organization LIMIT 1";

/** Salesforce has no optional scopes. */
function consentUrl(app: SalesforceApp, consent: Consent): string {
  return authorizeUrl(app, { ...consent, scopes: [...new Set([...neededScopes, ...consent.scopes])] });
}

function authorizeUrl(app: SalesforceApp, consent: Consent): string {
  const query = consentQuery(app.clientId, consent);
  return `${signInAt(app, consent.where)}/services/oauth2/authorize?response_type=code&${query}`;
}

/** `where`: "sandbox", or the host of a My Domain. Throws `GrantError`: our secret goes to Salesforce only. */
function signInAt({ loginUrl }: SalesforceApp, where: string | undefined): string {
  const place = where?.trim().toLowerCase();
  if (!place) return loginUrl;
  if (place === "sandbox") return sandboxUrl;
  const host = place.replace(/^https:\/\//, "").replace(/\/$/, "");
  if (host === new URL(loginUrl).host) return loginUrl;
  if (host.length <= 253 && myDomain.test(host)) return `https://${host}`;
  const cure = 'leave it out, say "sandbox", or give the My Domain: <name>.my.salesforce.com';
  throw new GrantError("config", `Salesforce has no place ${JSON.stringify(place.slice(0, 80))}: ${cure}`);
}

/** The origin of an org, if it is at Salesforce: our tokens go nowhere else. */
function orgAt(url: string, { loginUrl }: SalesforceApp): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { origin, protocol, hostname, port } = new URL(url);
  const isTheirs = protocol === "https:" && port === "" && hostname.endsWith(".salesforce.com");
  return isTheirs || origin === new URL(loginUrl).origin ? origin : undefined;
}

/** The org of a grant. Throws `GrantError`. */
function orgOf(app: SalesforceApp, { url }: Grant): string {
  const org = url === undefined ? app.loginUrl : orgAt(url, app);
  if (org !== undefined) return org;
  throw new GrantError("config", "the org of the grant is not at Salesforce: connect the account again");
}

async function exchange(app: SalesforceApp, given: ConsentCode, context: OAuthContext): Promise<Grant> {
  const what = "Salesforce, connecting an org";
  return granted(app, { what, at: signInAt(app, given.where), form: codeForm(given) }, context);
}

async function refresh(app: SalesforceApp, grant: Grant, context: OAuthContext): Promise<Grant> {
  const what = "Salesforce, renewing the access";
  // An org may forbid the common sign-in; its own host always takes its tokens.
  return granted(app, { what, at: orgOf(app, grant), form: refreshForm(grant) }, context, grant);
}

/** Either answer names the org; the user may lack access to one of them. */
async function account(app: SalesforceApp, grant: Grant, context: OAuthContext): Promise<Account> {
  const what = "Salesforce, asking whose org it is";
  const at = orgOf(app, grant);
  const bearer = grant.accessToken;
  const query = `${at}/services/data/v${app.apiVersion}/query?q=${encodeURIComponent(organizationQuery)}`;
  const [info, found] = await Promise.all([
    send({ url: `${at}/services/oauth2/userinfo`, bearer }, what, context),
    send({ url: query, bearer }, what, context),
  ]);
  const org = objectsAt(found.body, "records")[0] ?? {};
  const id = textAt(info.body, "organization_id") ?? textAt(org, "Id");
  if (!id) throw failureOf(found.status < 400 ? info : found, what, [bearer]);
  const timeZone = textAt(org, "TimeZoneSidKey");
  const name = textAt(org, "Name") ?? new URL(at).host;
  return { id, name, url: at, ...(timeZone && { timeZone }) };
}

/** The permissions of the user who asks (API 41.0). */
const permissionQuery = "SELECT PermissionsCustomizeApplication FROM UserPermissionAccess LIMIT 1";

/** Who may customize the org is an administrator. */
async function identify(app: SalesforceApp, given: ConsentCode, context: OAuthContext) {
  const what = "Salesforce, signing a person in";
  const request = { what, at: signInAt(app, given.where), form: codeForm(given) };
  const { accessToken: bearer, url } = await issued(app, request, context);
  const at = orgAt(url ?? "", app);
  if (!at) throw unusable(what, "the answer names no org at Salesforce");
  const query = `${at}/services/data/v${app.apiVersion}/query?q=${encodeURIComponent(permissionQuery)}`;
  const [info, found] = await Promise.all([
    send({ url: `${at}/services/oauth2/userinfo`, bearer }, what, context),
    send({ url: query, bearer }, what, context),
  ]);
  const [account, id] = [textAt(info.body, "organization_id"), textAt(info.body, "user_id")];
  if (!account || !id) throw failureOf(info, what, [bearer]);
  if (!isSuccess(found)) throw failureOf(found, what, [bearer]);
  const isAdmin = objectsAt(found.body, "records")[0]?.["PermissionsCustomizeApplication"] === true;
  const name = textAt(info.body, "preferred_username") ?? `Salesforce user ${id}`;
  // The token is short-lived, and nothing was installed.
  return { user: { account, id, name, isAdmin }, withdraw: async () => {} };
}

/** Revoking the refresh token ends all access tokens that came from it. */
async function disconnect(app: SalesforceApp, grant: Grant, context: OAuthContext): Promise<void> {
  const what = "Salesforce, disconnecting the org";
  const form = { token: grant.refreshToken };
  const url = `${orgOf(app, grant)}/services/oauth2/revoke`;
  const answer = await send({ method: "POST", url, form }, what, context);
  if (isSuccess(answer)) return;
  const gone = ["unsupported_token_type", "invalid_token", "invalid_grant"];
  if (answer.status === 400 && gone.includes(textAt(answer.body, "error") ?? "")) return;
  throw failureOf(answer, what, secretsIn(form));
}

type TokenRequest = {
  what: string;
  at: string;
  form: Readonly<Record<string, string>>;
};

async function granted(
  app: SalesforceApp,
  request: TokenRequest,
  context: OAuthContext,
  before?: Grant,
): Promise<Grant> {
  const { what } = request;
  const { accessToken, refreshToken, url, ...rest } = await issued(app, request, context, before);
  if (!refreshToken) throw unusable(what, "no refresh token came; check the app's scopes and policies");
  // A new refresh token ends the old one, so it is stored even when the answer names no org at Salesforce.
  const org = orgAt(url ?? "", app) ?? (before && orgOf(app, before));
  if (!org) throw unusable(what, "the answer names no org at Salesforce");
  return { accessToken, refreshToken, url: org, ...rest };
}

/** What the token endpoint issues. `url`: of the org, unchecked. */
async function issued(
  app: SalesforceApp,
  { what, at, form }: TokenRequest,
  context: OAuthContext,
  before?: Grant,
): Promise<ReturnType<typeof grantIn> & { accessToken: string; url: string | undefined }> {
  const { clientId, clientSecret } = app;
  const whole = { client_id: clientId, client_secret: clientSecret, ...form };
  const startedAt = context.now();
  const answer = await send(
    { method: "POST", url: `${at}/services/oauth2/token`, form: whole },
    what,
    context,
  );
  if (!isSuccess(answer)) throw failureOf(answer, what, secretsIn(whole));
  const { accessToken, ...rest } = grantIn(answer.body, startedAt, before);
  if (!accessToken) throw unusable(what, "the answer is not the one we know, or a page of some proxy");
  return { accessToken, url: textAt(answer.body, "instance_url"), ...rest };
}

function send(request: OAuthRequest, what: string, context: OAuthContext): Promise<OAuthReply> {
  return sendForGrant(
    request,
    { who: `Salesforce's sign-in at ${new URL(request.url).host}`, what },
    context,
  );
}

type FailureMeaning = readonly [GrantFailure, string];

const passing: FailureMeaning = ["later", "it is tried again later"];

/** The meaning and the cure of Salesforce's `error`. */
const meanings: Readonly<Record<string, FailureMeaning>> = {
  invalid_grant: ["revoked", "connect the account again"],
  // unverified: these come with a status of their own instead of invalid_grant.
  inactive_user: ["revoked", "the user who connected the account is inactive; connect it as another"],
  inactive_org: ["revoked", "the org is locked or closed"],
  invalid_app_access: ["revoked", "an administrator must allow the app for the user who connects"],
  rate_limit_exceeded: passing,
  unknown_error: passing,
  invalid_client: ["config", "copy clientSecret again from the external client app"],
  invalid_client_id: ["config", "copy clientId, the consumer key, again from the external client app"],
  redirect_uri_mismatch: ["config", "add our callback URL to the external client app, exactly as we send it"],
  API_DISABLED_FOR_ORG: ["revoked", "this edition of Salesforce has no API; add it or change the edition"],
  API_CURRENTLY_DISABLED: ["revoked", "give the user who connects the permission API Enabled"],
  unsupported_grant_type: ["config", "enable the authorization code flow in the external client app"],
};

/** The description decides before the error's name, since `invalid_grant` has many causes. */
const described: readonly (readonly [RegExp, FailureMeaning])[] = [
  [/code challenge/i, ["config", "the external client app requires PKCE, and our challenge did not arrive"]],
  // Two refreshes with the same token at once: the other one succeeds.
  [/already being processed|rate exceeded/i, passing],
  // unverified: all orgs say it when our own address is not on the app's list, so it revokes none of them.
  [/ip restricted/i, ["config", "add our address to the IP addresses of the external client app"]],
];

/** The failure of the sign-in. `secrets` are left out of Salesforce's words. */
function failureOf(answer: OAuthReply, what: string, secrets: readonly string[]): GrantError {
  const { status } = answer;
  const body = withoutSecrets(answer.body, secrets);
  const code = textAt(body, "error") ?? textAt(body, "errorCode");
  const words = textAt(body, "error_description") ?? textAt(body, "message") ?? "";
  const answered = [status, code, words && quoted(words)].filter(Boolean).join(", ");
  const isPassing = status >= 500 || status < 400 || [408, 420, 429].includes(status);
  // A 401 with an OAuth error is about our app; without one, about a token that has expired.
  const isExpired = status === 401 && textAt(body, "error") === undefined;
  const [failure, cure] = isPassing || isExpired ? passing : meaningOf(code, words);
  return new GrantError(failure, `${what}: Salesforce says no (${answered}): ${cure}`);
}

function meaningOf(code: string | undefined, words: string): FailureMeaning {
  const special = described.find(([pattern]) => pattern.test(words));
  if (special) return special[1];
  const meaning = code !== undefined && Object.hasOwn(meanings, code) ? meanings[code] : undefined;
  return meaning ?? ["config", "check the app's settings here and at Salesforce"];
}

/** The failure of a success without the values that we need. */
function unusable(what: string, why: string): GrantError {
  return new GrantError("later", `${what}: ${why}`);
}
