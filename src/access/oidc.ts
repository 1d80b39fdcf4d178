import { randomBytes } from "node:crypto";
import type { Configuration, IDToken, UserInfoResponse } from "openid-client";
import { isLoopbackUrl } from "../core/loopback.ts";
import { includesRole } from "../core/principal.ts";
import { createWay, type SignedIn, type SignInWay } from "./elsewhere.ts";
import type { OidcSettings } from "./settings.ts";

type OidcParts = Parameters<typeof createWay>[2] & { redirectUri: string };

const timeoutSeconds = 10;
/** The provider's description is read again after this long. */
const freshMs = 24 * 3_600_000;

/** Signing in with an OpenID provider: authorization code with PKCE, state and nonce. */
export function createOidc(settings: OidcSettings, parts: OidcParts): SignInWay {
  const { issuer, clientId, clientSecret, scopes, label } = settings;
  const { now, redirectUri } = parts;
  let found: { at: number; configuration: Promise<Configuration> } | undefined;

  const discover = async (): Promise<Configuration> => {
    const { discovery, allowInsecureRequests, enableNonRepudiationChecks } = await library();
    return discovery(new URL(issuer), clientId, clientSecret, undefined, {
      timeout: timeoutSeconds,
      // The signature of an ID token is checked as well, although it comes over our own connection.
      execute: [enableNonRepudiationChecks, ...(isLoopbackUrl(issuer) ? [allowInsecureRequests] : [])],
    });
  };

  const configured = (): Promise<Configuration> => {
    if (!found || now() - found.at > freshMs) {
      const made = { at: now(), configuration: discover() };
      found = made;
      made.configuration.catch(() => {
        if (found === made) found = undefined;
      });
    }
    return found.configuration;
  };

  const finish = async (
    url: URL,
    { verifier, state, nonce }: { verifier: string; state: string; nonce: string },
  ): Promise<SignedIn> => {
    const { authorizationCodeGrant, fetchUserInfo } = await library();
    const configuration = await configured();
    const tokens = await authorizationCodeGrant(configuration, url, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    });
    const claims = tokens.claims();
    if (!claims) return { refused: "failed", detail: "the provider sent no ID token" };
    const hasAll = claims["email"] !== undefined && claims[settings.groupsClaim] !== undefined;
    const canAsk = configuration.serverMetadata().userinfo_endpoint !== undefined;
    // Some providers have groups and addresses there only.
    const more = hasAll || !canAsk ? {} : await fetchUserInfo(configuration, tokens.access_token, claims.sub);
    return admitted(settings, { ...more, ...claims });
  };

  return createWay<{ nonce: string }>(
    "oidc",
    {
      label,
      async begin() {
        const { buildAuthorizationUrl } = await library();
        const configuration = await configured();
        const nonce = randomBytes(24).toString("base64url");
        const urlOf = ({ state, challenge }: { state: string; challenge: string }) =>
          buildAuthorizationUrl(configuration, {
            redirect_uri: redirectUri,
            scope: scopes.join(" "),
            state,
            nonce,
            code_challenge: challenge,
            code_challenge_method: "S256",
          }).href;
        return { kept: { nonce }, urlOf };
      },
      finish,
    },
    parts,
  );
}

/** Loaded at the first sign-in. */
function library() {
  return import("openid-client");
}

type Claims = Partial<IDToken & UserInfoResponse>;

/** The highest role that the settings allow. */
function admitted({ allow, groupsClaim }: OidcSettings, claims: Claims): SignedIn {
  const email = claims["email_verified"] === true ? String(claims["email"] ?? "").toLowerCase() : "";
  const groups = [claims[groupsClaim] ?? []].flat().map(String);
  const fitting = allow.filter(
    (one) =>
      (one.email !== undefined && one.email === email) ||
      (one.domain !== undefined && email.endsWith(`@${one.domain}`)) ||
      (one.group !== undefined && groups.includes(one.group)),
  );
  const [best] = fitting.sort((a, b) => (a.role === b.role ? 0 : includesRole(a.role, b.role) ? -1 : 1));
  if (!best) {
    const why = "no rule under signIn.oidc.allow fits; an address counts only with email_verified";
    return { refused: "notAllowed", detail: why };
  }
  const { role, installation, listen = role === "operator" } = best;
  const name = String(claims["email"] ?? claims["preferred_username"] ?? claims.sub);
  return {
    principal: {
      role,
      listen,
      name: name.slice(0, 200),
      signedInBy: "oidc",
      ...(installation !== undefined && { installation }),
    },
  };
}
