import { GrantError, type GrantFailure } from "../../src/core/oauth.ts";
import { type JsonObject, textAt } from "../../src/lib/body.ts";
import { wordsOf } from "./errors.ts";
import type { OAuthReply } from "./oauth-request.ts";

/** What HubSpot's `status` means, and what to do about it. */
const known: Readonly<Record<string, readonly [GrantFailure, string]>> = {
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
 * What a refusal of the token endpoint means. An account is given up only for what says so in as many words: any other
 * refusal would be every account's. `secrets`: whatever HubSpot repeats of them is left out.
 */
export function failureOf(answer: OAuthReply, what: string, secrets: readonly string[]): GrantError {
  const { status } = answer;
  const body = without(secrets, answer.body);
  const name = textAt(body, "status") ?? textAt(body, "error");
  const words = `${status}${name ? ` ${name}` : ""}${wordsOf(body)}`;
  const fail = (failure: GrantFailure, cure: string) =>
    new GrantError(failure, `${what}: HubSpot says no (${words}). ${cure}`);
  if (passing.has(status) || status >= 500 || status < 400) return fail("later", "It is tried again later");
  if (name && Object.hasOwn(known, name) && known[name]) return fail(...known[name]);
  // The status may go with the old paths that it came from; the description is of the newer error.
  if (/^refresh token is invalid, expired or revoked/i.test(textAt(body, "error_description") ?? ""))
    return fail("revoked", "Connect the account again");
  return fail("config", "Check the app's settings here and at HubSpot");
}

/** What a refusal of the API means, which is asked with an access token. */
export function apiFailureOf(answer: OAuthReply, what: string, secrets: readonly string[]): GrantError {
  const failure = failureOf(answer, what, secrets);
  return answer.status === 401 ? new GrantError("later", failure.message) : failure;
}

/** An answer that says yes, and not what was asked for. */
export function unusable(what: string): GrantError {
  return new GrantError("later", `${what}: HubSpot's answer is not the one we know, or a page of some proxy`);
}

function without(secrets: readonly string[], body: JsonObject): JsonObject {
  const hide = (text: string) =>
    secrets.filter(Boolean).reduce((rest, secret) => rest.replaceAll(secret, "***"), text);
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, typeof value === "string" ? hide(value) : value]),
  );
}
