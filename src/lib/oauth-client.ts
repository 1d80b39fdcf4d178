import {
  type Consent,
  type ConsentCode,
  type CrmRequest,
  type Grant,
  GrantError,
  type OAuthContext,
} from "../core/crm-app.ts";
import { type JsonObject, numberAt, textAt } from "./body.ts";
import { type HttpRequest, NoReply, objectIn, sendOnce } from "./http.ts";

/** `body`: empty unless a JSON object came; of a list the first object. */
export type OAuthReply = { status: number; body: JsonObject };
export type OAuthRequest = Omit<HttpRequest, "timeoutMs" | "maxBytes" | "signal">;

const timeoutMs = 15_000;

/** One request about tokens, sent once. Throws `NoReply`. */
export async function sendForToken(
  request: OAuthRequest,
  { onRequest, signal }: Pick<OAuthContext, "onRequest" | "signal">,
): Promise<OAuthReply> {
  const started = performance.now();
  const note = (status: CrmRequest["status"]) =>
    onRequest?.({ kind: "token", status, ms: performance.now() - started });
  try {
    const { status, text } = await sendOnce({ ...request, signal, timeoutMs });
    note(status);
    return { status, body: objectIn(text) };
  } catch (error) {
    note(error instanceof NoReply && error.reason === "timeout" ? "timeout" : "network");
    throw error;
  }
}

/** The same for the OAuth of a CRM. `who`: the server's name; `what`: the work that fails. Throws `GrantError`. */
export async function sendForGrant(
  request: OAuthRequest,
  { who, what }: { who: string; what: string },
  context: OAuthContext,
): Promise<OAuthReply> {
  return sendForToken(request, context).catch((cause: unknown) => {
    if (!(cause instanceof NoReply)) throw cause;
    throw new GrantError("later", `${what}: ${who} ${cause.message}`, { cause });
  });
}

/** The query of a consent page with PKCE. Spaces are `%20`: HubSpot does not take a plus. */
export function consentQuery(
  clientId: string,
  { redirectUri, scopes, state, challenge }: Consent,
  more: Readonly<Record<string, string>> = {},
): string {
  const query = {
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: scopes.join(" "),
    ...more,
    state,
    code_challenge: challenge,
    code_challenge_method: "S256",
  };
  return Object.entries(query)
    .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
    .join("&");
}

/** The form that exchanges the code of a consent for a grant. */
export function codeForm({ code, redirectUri, verifier }: ConsentCode): Record<string, string> {
  return { grant_type: "authorization_code", code, redirect_uri: redirectUri, code_verifier: verifier };
}

/** The form that renews a grant. */
export function refreshForm({ refreshToken }: Grant): Record<string, string> {
  return { grant_type: "refresh_token", refresh_token: refreshToken };
}

/** What a token endpoint granted at `at` (ms). What it leaves out stays as it was in `before`. */
export function grantIn(
  body: JsonObject,
  at: number,
  before?: Grant,
): Partial<Pick<Grant, "accessToken" | "refreshToken" | "expiresAt">> & Pick<Grant, "scopes"> {
  const accessToken = tokenAt(body, "access_token");
  const refreshToken = tokenAt(body, "refresh_token") ?? before?.refreshToken;
  const seconds = numberAt(body, "expires_in") ?? 0;
  return {
    ...(accessToken && { accessToken }),
    ...(refreshToken && { refreshToken }),
    ...(seconds > 0 && { expiresAt: at + seconds * 1000 }),
    scopes: scopesIn(body) ?? before?.scopes ?? [],
  };
}

/** Undefined for a token that no header can carry. */
function tokenAt(body: JsonObject, name: string): string | undefined {
  const token = textAt(body, name);
  return token && /^[\x21-\x7e]+$/.test(token) ? token : undefined;
}

/** A list named `scopes`, or a text named `scope` with spaces. */
function scopesIn(body: JsonObject): string[] | undefined {
  const { scopes } = body;
  return Array.isArray(scopes) ? scopes.map(String) : textAt(body, "scope")?.split(/\s+/);
}

const secretFields = ["client_secret", "code", "code_verifier", "refresh_token", "token"];

/** The secrets among the fields of a form, which a server may repeat in an error. */
export function secretsIn(form: Readonly<Record<string, string>>): string[] {
  return secretFields.flatMap((name) => form[name] ?? []);
}

/** A body without the secrets that a server repeats in it. */
export function withoutSecrets(body: JsonObject, secrets: readonly string[]): JsonObject {
  const hide = (text: string) =>
    secrets.filter(Boolean).reduce((rest, secret) => rest.replaceAll(secret, "***"), text);
  return Object.fromEntries(
    Object.entries(body).map(([name, value]) => [name, typeof value === "string" ? hide(value) : value]),
  );
}
