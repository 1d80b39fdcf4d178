import { z } from "zod";
import { type Consent, GrantError } from "../../src/core/oauth.ts";
import { api } from "./settings.ts";

const text = (what: string) => z.string({ error: what }).trim().min(1, what);

/** Our app at HubSpot, as its Auth page shows it. */
export const app = z.strictObject({
  clientId: text("the client ID of the app"),
  clientSecret: text('the client secret of the app, as {"env": "HUBSPOT_CLIENT_SECRET"}'),
  appId: z.int({ error: "the app ID, a number" }).positive("the app ID, a number").optional(),
  authorizeUrl: z
    .url({ protocol: /^https?$/, error: 'is not a URL such as "https://app.hubspot.com/oauth/authorize"' })
    .regex(/\/authorize$/, 'must end with "/oauth/authorize"')
    .default("https://app.hubspot.com/oauth/authorize"),
  ...api,
});

export type HubspotApp = z.infer<typeof app>;

/** Where an administrator consents. `where`: a data centre such as "eu1", or an account's id. */
export function consentUrl({ clientId, authorizeUrl }: HubspotApp, consent: Consent): string {
  const { redirectUri, state, challenge, scopes, optionalScopes, where } = consent;
  const optional = optionalScopes.filter((scope) => !scopes.includes(scope));
  const query = {
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: scopes.join(" "),
    ...(optional.length > 0 && { optional_scope: optional.join(" ") }),
    state,
    code_challenge: challenge,
    code_challenge_method: "S256",
  };
  // HubSpot wants spaces as %20; URLSearchParams makes them a plus.
  const pairs = Object.entries(query).map(([name, value]) => `${name}=${encodeURIComponent(value)}`);
  return `${pageAt(authorizeUrl, where?.trim().toLowerCase())}?${pairs.join("&")}`;
}

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
