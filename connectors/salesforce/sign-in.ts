import { sign } from "node:crypto";
import type { ConnectContext } from "../../src/core/crm.ts";
import type { Token, TokenSource } from "../../src/core/crm-app.ts";
import { CrmError } from "../../src/core/errors.ts";
import { quoted } from "../../src/core/mask.ts";
import { textAt } from "../../src/lib/body.ts";
import { NoReply } from "../../src/lib/http.ts";
import { grantIn, type OAuthReply, sendForToken } from "../../src/lib/oauth-client.ts";
import { createTokenSource, fixedToken } from "../../src/lib/token.ts";
import type { SalesforceSettings } from "./settings.ts";

const retryMs = 60_000;
const assertionSeconds = 180;
const anyOrg = "https://login.salesforce.com";

/** The cure of each error with which Salesforce refuses to sign us in. */
const cures: Record<string, string> = {
  invalid_client: "the client secret is not the app's; copy it again from the external client app",
  invalid_client_id: "clientId is not an app of this org; copy the consumer key, and check loginUrl",
  invalid_grant:
    "authorize the app for the user: the user's profile or permission set must be allowed, the certificate must belong to privateKey, and loginUrl must fit the org",
  no_client_credentials_user_enabled: "enable the client credentials flow of the app and choose its user",
  inactive_user: "the user of the app is inactive; choose another",
  unsupported_grant_type: "enable this flow in the external client app",
};

type TokenContext = Pick<ConnectContext, "now" | "onRequest" | "tokens">;

export function tokensOf(settings: SalesforceSettings, context: TokenContext): TokenSource {
  const { accessToken } = settings;
  if (context.tokens) return context.tokens;
  if (accessToken !== undefined) return fixedToken(accessToken);
  return createTokenSource(() => fetchToken(settings, context), context.now);
}

async function fetchToken(settings: SalesforceSettings, context: TokenContext): Promise<Token> {
  const { status, body } = await post(settings, context);
  const { accessToken, expiresAt } = grantIn(body, context.now());
  const url = textAt(body, "instance_url");
  if (status < 400 && accessToken && (settings.apiUrl || (url && URL.canParse(url)))) {
    return { accessToken, ...(url && { url }), ...(expiresAt !== undefined && { expiresAt }) };
  }
  const code = textAt(body, "error") ?? `HTTP ${status}`;
  const words = textAt(body, "error_description");
  const cure = Object.hasOwn(cures, code) ? `: ${cures[code]}` : "";
  const message = `Salesforce does not sign us in (${code}${words ? `, ${quoted(words)}` : ""})${cure}`;
  throw new CrmError("later", message, { afterMs: retryMs });
}

async function post(settings: SalesforceSettings, context: TokenContext): Promise<OAuthReply> {
  const { loginUrl = anyOrg } = settings;
  const form = grantOf(settings, loginUrl, context.now());
  const url = `${loginUrl}/services/oauth2/token`;
  return sendForToken({ method: "POST", url, form }, context).catch((cause: unknown) => {
    if (!(cause instanceof NoReply)) throw cause;
    const message = `Salesforce's sign-in at ${new URL(loginUrl).host} ${cause.message}`;
    throw new CrmError("later", message, { cause });
  });
}

function grantOf(settings: SalesforceSettings, loginUrl: string, now: number): Record<string, string> {
  const { clientId = "", clientSecret = "", privateKey, username = "" } = settings;
  if (privateKey === undefined) {
    return {
      grant_type: "client_credentials",
      client_id: clientId,
      client_secret: clientSecret,
    };
  }
  const exp = Math.floor(now / 1000) + assertionSeconds;
  const claims = { iss: clientId, sub: username, aud: audienceOf(loginUrl), exp };
  const assertion = `${encoded({ alg: "RS256" })}.${encoded(claims)}`;
  const signature = sign("sha256", Buffer.from(assertion), privateKey).toString("base64url");
  return {
    grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
    assertion: `${assertion}.${signature}`,
  };
}

/** Salesforce takes only the common sign-in as the audience, also at the My Domain of an org. */
function audienceOf(loginUrl: string): string {
  const { hostname } = new URL(loginUrl);
  if (hostname.endsWith(".sandbox.my.salesforce.com")) return "https://test.salesforce.com";
  return hostname.endsWith(".my.salesforce.com") ? anyOrg : loginUrl;
}

function encoded(part: unknown): string {
  return Buffer.from(JSON.stringify(part)).toString("base64url");
}
