import type { OAuthContext } from "../../src/core/oauth.ts";
import { type JsonObject, numberAt, textAt } from "../../src/lib/body.ts";
import type { HubspotApp } from "./oauth-app.ts";
import { failureOf } from "./oauth-failure.ts";
import { ask, isSuccess, type OAuthReply } from "./oauth-request.ts";

export type Form = Readonly<Record<string, string>>;

const secretFields = ["client_secret", "code", "code_verifier", "refresh_token", "token"];

/** `what`: for people, in an error. `below`: what comes after the path of the token endpoint. */
type TokenForm = { what: string; below?: "/introspect" | "/revoke"; form: Form };

/** What the token endpoint says to our app; throws `GrantError` when that is no. */
export async function mustSay(
  app: HubspotApp,
  { what, below, form: given }: TokenForm,
  context: OAuthContext,
): Promise<OAuthReply> {
  const form: Form = { client_id: app.clientId, client_secret: app.clientSecret, ...given };
  const url = `${app.apiUrl}/oauth/${app.apiVersion}/token${below ?? ""}`;
  const answer = await ask({ what, method: "POST", url, form }, context);
  if (isSuccess(answer)) return answer;
  const secrets = secretFields.flatMap((name) => form[name] ?? []);
  throw failureOf(answer, what, secrets);
}

/** Undefined for what cannot be sent in a header. */
export function tokenAt(body: JsonObject, name: string): string | undefined {
  const token = textAt(body, name);
  return token && /^[\x21-\x7e]+$/.test(token) ? token : undefined;
}

/** When a token that was asked for at `asked` ends, if that is told. */
export function expiryIn(body: JsonObject, asked: number): { expiresAt?: number } {
  const seconds = numberAt(body, "expires_in") ?? 0;
  return seconds > 0 ? { expiresAt: asked + seconds * 1000 } : {};
}
