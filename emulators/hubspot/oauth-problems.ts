import { randomUUID } from "node:crypto";
import { type EmulatorReply, Refusal } from "../contract.ts";

/** Messages other than that of BAD_REFRESH_TOKEN and BAD_HUB are unverified, and that the status is always 400. */
const problems = {
  BAD_REFRESH_TOKEN: [
    "invalid_grant",
    "missing or invalid refresh token",
    "refresh token is invalid, expired or revoked",
  ],
  BAD_HUB: ["access_denied", "missing or unknown hub id"],
  BAD_AUTH_CODE: ["invalid_grant", "missing or unknown auth code"],
  BAD_CODE_VERIFIER: ["invalid_grant", "the code verifier does not match the code challenge"],
  BAD_REDIRECT_URI: ["invalid_grant", "missing or mismatching redirect uri"],
  BAD_CLIENT_ID: ["invalid_client", "missing or unknown client id"],
  BAD_CLIENT_SECRET: ["invalid_client", "missing or invalid client secret"],
  BAD_GRANT_TYPE: ["unsupported_grant_type", "missing or unknown grant type"],
  BAD_SCOPES: ["invalid_scope", "missing or unknown scopes"],
  BAD_REQUEST: ["invalid_request", "parameters belong into the body, as a form"],
} as const satisfies Record<string, readonly [string, string, string?]>;

export type OAuthStatus = keyof typeof problems;

export function isOAuthStatus(text: string): text is OAuthStatus {
  return Object.hasOwn(problems, text);
}

export function oauthProblem(status: OAuthStatus): EmulatorReply {
  const [error, message, description = message] = problems[status];
  const body = { error, error_description: description, status, message, correlationId: randomUUID() };
  return { status: 400, body };
}

export const refuseOAuth = (status: OAuthStatus): Refusal => new Refusal(oauthProblem(status));
