import type { OAuthContext, Token } from "../../src/core/oauth.ts";
import type { HubspotApp } from "./oauth-app.ts";
import { unusable } from "./oauth-failure.ts";
import { expiryIn, mustSay, tokenAt } from "./oauth-token.ts";

/** A token is replaced this long before it expires. */
const aheadMs = 60_000;
/** The rights that HubSpot is known to give to an app itself. */
const scope = ["read", "subscriptions.read", "subscriptions.write"]
  .map((right) => `developer.webhooks_journal.${right}`)
  .join(" ");

const tokens = new WeakMap<HubspotApp, Token>();

/** The token of the app itself, without any account, kept until it ends. Throws `GrantError`. */
export async function appToken(app: HubspotApp, what: string, context: OAuthContext): Promise<string> {
  const asked = context.now();
  const kept = tokens.get(app);
  if (kept?.expiresAt !== undefined && kept.expiresAt - aheadMs > asked) return kept.accessToken;
  const { body } = await mustSay(app, { what, form: { grant_type: "client_credentials", scope } }, context);
  const accessToken = tokenAt(body, "access_token");
  if (!accessToken) throw unusable(what);
  tokens.set(app, { accessToken, ...expiryIn(body, asked) });
  return accessToken;
}

/** It was refused: the next one who asks gets a new one. */
export function dropAppToken(app: HubspotApp): void {
  tokens.delete(app);
}
