import { z } from "zod";
import { type Consent, type Grant, GrantError } from "../../src/core/oauth.ts";
import { apiVersion, originUrl } from "./settings.ts";

const text = (what: string) => z.string({ error: what }).trim().min(1, what);

/** Our external client app at Salesforce. */
export const app = z.strictObject({
  clientId: text("the consumer key of the external client app"),
  clientSecret: text("the consumer secret of the external client app"),
  loginUrl: originUrl("https://login.salesforce.com").default("https://login.salesforce.com"),
  apiVersion,
});

export type SalesforceApp = z.infer<typeof app>;

const sandboxUrl = "https://test.salesforce.com";
const myDomain = /^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+my\.salesforce\.com$/;
/** Without them there is nothing to do, or only while somebody is signed in. */
const neededScopes = ["api", "refresh_token"];

/** Where an administrator consents. There are no optional scopes. */
export function consentUrl(app: SalesforceApp, consent: Consent): string {
  const { redirectUri, state, challenge, scopes, where } = consent;
  const query = {
    response_type: "code",
    client_id: app.clientId,
    redirect_uri: redirectUri,
    scope: [...new Set([...neededScopes, ...scopes])].join(" "),
    state,
    code_challenge: challenge,
    code_challenge_method: "S256",
  };
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return `${signInAt(app, where)}/services/oauth2/authorize?${pairs.join("&")}`;
}

/** `where`: "sandbox", or the host of a My Domain. Throws `GrantError`: our secret goes to Salesforce only. */
export function signInAt({ loginUrl }: SalesforceApp, where: string | undefined): string {
  const place = where?.trim().toLowerCase();
  if (!place) return loginUrl;
  if (place === "sandbox") return sandboxUrl;
  const host = place.replace(/^https:\/\//, "").replace(/\/$/, "");
  if (host === new URL(loginUrl).host) return loginUrl;
  if (host.length <= 253 && myDomain.test(host)) return `https://${host}`;
  const cure = 'leave it out, say "sandbox", or give the My Domain: <name>.my.salesforce.com';
  throw new GrantError("config", `Salesforce has no place ${JSON.stringify(place.slice(0, 80))}: ${cure}`);
}

/** Where the org is, if that is at Salesforce: our tokens go nowhere else. */
export function orgAt(url: string, { loginUrl }: SalesforceApp): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { origin, protocol, hostname, port } = new URL(url);
  const isTheirs = protocol === "https:" && port === "" && hostname.endsWith(".salesforce.com");
  return isTheirs || origin === new URL(loginUrl).origin ? origin : undefined;
}

/** The org of a grant. Throws `GrantError`. */
export function orgOf(app: SalesforceApp, { url }: Grant): string {
  const org = url === undefined ? app.loginUrl : orgAt(url, app);
  if (org !== undefined) return org;
  throw new GrantError("config", "the org of the grant is not at Salesforce: connect the account again");
}
