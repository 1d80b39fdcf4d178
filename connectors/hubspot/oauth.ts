import {
  type Account,
  type Consent,
  type ConsentCode,
  type Grant,
  GrantError,
  type GrantFailure,
  type OAuth,
  type OAuthContext,
  type Token,
} from "../../src/core/crm-app.ts";
import { type JsonObject, textAt } from "../../src/lib/body.ts";
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
import { wordsOf } from "./errors.ts";
import { app, type HubspotApp } from "./settings.ts";

type Form = Readonly<Record<string, string>>;

/** HubSpot's OAuth, in its dated versions. */
export const oauth: OAuth<HubspotApp> = {
  app,
  consentUrl,
  exchange,
  refresh,
  account,
  disconnect,
  signIn: { consentUrl, identify },
};

function consentUrl({ clientId, authorizeUrl }: HubspotApp, consent: Consent): string {
  const { scopes, optionalScopes, where } = consent;
  const optional = optionalScopes.filter((scope) => !scopes.includes(scope));
  const more: Form = optional.length > 0 ? { optional_scope: optional.join(" ") } : {};
  return `${pageAt(authorizeUrl, where?.trim().toLowerCase())}?${consentQuery(clientId, consent, more)}`;
}

/** `where`: a data centre such as "eu1", or an account's id. */
function pageAt(authorizeUrl: string, where: string | undefined): string {
  if (!where) return authorizeUrl;
  if (/^\d{1,15}$/.test(where)) return authorizeUrl.replace(/\/authorize$/, `/${where}/authorize`);
  if (/^[a-z]{2}\d$/.test(where)) {
    const host = where === "na1" ? "app.hubspot.com" : `app-${where}.hubspot.com`;
    return authorizeUrl.replace(/^https:\/\/app\.hubspot\.com(?=\/)/, `https://${host}`);
  }
  const cure = 'leave it out, or name a data centre such as "eu1" or the number of an account';
  throw new GrantError("config", `HubSpot has no place ${JSON.stringify(where.slice(0, 40))}: ${cure}`);
}

async function exchange(app: HubspotApp, given: ConsentCode, context: OAuthContext): Promise<Grant> {
  return granted(app, { what: "HubSpot, connecting an account", form: codeForm(given) }, context);
}

/** The refresh token usually comes back unchanged; a new one ends the old one. */
async function refresh(app: HubspotApp, grant: Grant, context: OAuthContext): Promise<Grant> {
  const form = refreshForm(grant);
  return granted(app, { what: "HubSpot, renewing the access", form, before: grant }, context);
}

/** The app may not be allowed to read the account's details; introspecting the token gives its id. */
async function account(app: HubspotApp, grant: Grant, context: OAuthContext): Promise<Account> {
  const what = "HubSpot, request whose account it is";
  const bearer = grant.accessToken;
  const url = `${app.apiUrl}/account-info/${app.apiVersion}/details`;
  const details = await send({ url, bearer }, what, context);
  const id = textAt(details.body, "portalId");
  if (details.status === 200 && id) return detailed(id, details.body);
  const failure = apiFailureOf(details, what, [bearer]);
  if (failure.failure === "later") throw failure;

  const { body } = await introspected(app, what, grant, context);
  const hub = textAt(body, "hub_id");
  if (!hub) throw unusable(what);
  return { id: hub, name: `HubSpot ${hub}` };
}

/**
 * HubSpot has no consent for less than the app's scopes, and asks for the right to install apps: that makes an
 * administrator. Unverified: that the tokens of the installation stay valid beside those of this consent, and that an app
 * that is installed already needs that right as well.
 */
async function identify(app: HubspotApp, given: ConsentCode, context: OAuthContext) {
  const what = "HubSpot, signing a person in";
  const grant = await granted(app, { what, form: codeForm(given) }, context);
  const { body } = await introspected(app, what, grant, context);
  const [hub, id] = [textAt(body, "hub_id"), textAt(body, "user_id")];
  if (!hub || !id) throw unusable(what);
  return {
    user: { account: hub, id, name: textAt(body, "user") ?? `HubSpot user ${id}`, isAdmin: true },
    withdraw: () => disconnect(app, grant, context),
  };
}

function introspected(
  app: HubspotApp,
  what: string,
  { accessToken }: Grant,
  context: OAuthContext,
): Promise<OAuthReply> {
  const form = { token: accessToken, token_type_hint: "access_token" };
  return sendForm(app, { what, below: "/introspect", form }, context);
}

/** Uninstalls the app from the account, then revokes the refresh token, which may outlive that. */
async function disconnect(app: HubspotApp, grant: Grant, context: OAuthContext): Promise<void> {
  const what = "HubSpot, disconnecting the account";
  const url = `${app.apiUrl}/appinstalls/${app.apiVersion}/external-install`;
  const uninstall = ({ accessToken }: Grant) =>
    send({ method: "DELETE", url, bearer: accessToken }, what, context);
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
  await unlessGone(sendForm(app, { what, below: "/revoke", form }, context));
}

/** A token is replaced this long before it expires. */
const aheadMs = 60_000;
/** The rights that HubSpot is known to give to an app itself. */
const appScope = ["read", "subscriptions.read", "subscriptions.write"]
  .map((right) => `developer.webhooks_journal.${right}`)
  .join(" ");

export type AppTokens = {
  /** A token of the app itself, for no account. Throws `GrantError`. */
  current(app: HubspotApp, what: string, context: OAuthContext): Promise<string>;
  /** HubSpot refused the token. */
  drop(app: HubspotApp): void;
};

/** The key of what is stored for an app. */
export function keyOf({ apiUrl, clientId }: HubspotApp): string {
  return `${apiUrl} ${clientId}`;
}

/** The tokens of our apps, each until it expires. */
export function createAppTokens(): AppTokens {
  const tokens = new Map<string, Token>();
  return {
    async current(app, what, context) {
      const known = tokens.get(keyOf(app));
      const at = context.now();
      if (known?.expiresAt !== undefined && known.expiresAt - aheadMs > at) return known.accessToken;
      const form = { grant_type: "client_credentials", scope: appScope };
      const { body } = await sendForm(app, { what, form }, context);
      const { accessToken, expiresAt } = grantIn(body, at);
      if (!accessToken) throw unusable(what);
      tokens.set(keyOf(app), { accessToken, ...(expiresAt !== undefined && { expiresAt }) });
      return accessToken;
    },
    drop: (app) => void tokens.delete(keyOf(app)),
  };
}

/** One request about access, sent once. Throws `GrantError` unless an answer comes. */
export function send(request: OAuthRequest, what: string, context: OAuthContext): Promise<OAuthReply> {
  return sendForGrant(request, { who: "HubSpot", what }, context);
}

/** A success of the token endpoint, or of one below it. Throws `GrantError` for anything else. */
async function sendForm(
  app: HubspotApp,
  { what, below, form: given }: { what: string; below?: "/introspect" | "/revoke"; form: Form },
  context: OAuthContext,
): Promise<OAuthReply> {
  const form: Form = { client_id: app.clientId, client_secret: app.clientSecret, ...given };
  const url = `${app.apiUrl}/oauth/${app.apiVersion}/token${below ?? ""}`;
  const answer = await send({ method: "POST", url, form }, what, context);
  if (isSuccess(answer)) return answer;
  throw failureOf(answer, what, secretsIn(form));
}

async function granted(
  app: HubspotApp,
  { what, form, before }: { what: string; form: Form; before?: Grant },
  context: OAuthContext,
): Promise<Grant> {
  const at = context.now();
  const { body } = await sendForm(app, { what, form }, context);
  const { accessToken, refreshToken, ...rest } = grantIn(body, at, before);
  if (!accessToken || !refreshToken) throw unusable(what);
  return { accessToken, refreshToken, ...rest };
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

/** The meaning and the cure of HubSpot's `status`. */
const meanings: Readonly<Record<string, readonly [GrantFailure, string]>> = {
  BAD_REFRESH_TOKEN: ["revoked", "Connect the account again"],
  BAD_HUB: ["revoked", "Connect the account again"],
  BAD_AUTH_CODE: ["revoked", "The consent was used already or is too old: begin the installation again"],
  BAD_CODE_VERIFIER: ["revoked", "The consent was begun elsewhere: begin the installation again"],
  BAD_CLIENT_ID: ["config", "Copy clientId from the app's Auth page at HubSpot"],
  BAD_CLIENT_SECRET: ["config", "Copy clientSecret from the app's Auth page at HubSpot"],
  BAD_REDIRECT_URI: ["config", "Add our callback URL to the app's redirect URLs, exactly as we send it"],
  BAD_GRANT_TYPE: ["config", "Check apiVersion"],
  BAD_SCOPES: ["config", "The scopes must be those of the app at HubSpot"],
};

/** The account is busy, locked or moving to another data centre. */
const passing: ReadonlySet<number> = new Set([408, 423, 429, 477]);

/**
 * The failure of the token endpoint. Access counts as revoked only where HubSpot says so explicitly: any other refusal
 * would revoke every account. `secrets` are left out of HubSpot's words.
 */
function failureOf(answer: OAuthReply, what: string, secrets: readonly string[]): GrantError {
  const { status } = answer;
  const body = withoutSecrets(answer.body, secrets);
  const name = textAt(body, "status") ?? textAt(body, "error");
  const words = `${status}${name ? ` ${name}` : ""}${wordsOf(body)}`;
  const fail = (failure: GrantFailure, cure: string) =>
    new GrantError(failure, `${what}: HubSpot says no (${words}). ${cure}`);
  if (passing.has(status) || status >= 500 || status < 400) return fail("later", "It is tried again later");
  const known = name !== undefined && Object.hasOwn(meanings, name) ? meanings[name] : undefined;
  if (known) return fail(...known);
  // `status` may go with the old paths that it came from; the description is of the newer error.
  if (/^refresh token is invalid, expired or revoked/i.test(textAt(body, "error_description") ?? ""))
    return fail("revoked", "Connect the account again");
  return fail("config", "Check the app's settings here and at HubSpot");
}

/** The failure of a request with an access token. */
export function apiFailureOf(answer: OAuthReply, what: string, secrets: readonly string[]): GrantError {
  const failure = failureOf(answer, what, secrets);
  return answer.status === 401 ? new GrantError("later", failure.message) : failure;
}

/** A success without the values that we need. */
export function unusable(what: string): GrantError {
  return new GrantError("later", `${what}: HubSpot's answer is not the one we know, or a page of some proxy`);
}
