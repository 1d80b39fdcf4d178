import { createHash, randomBytes, randomUUID } from "node:crypto";
import { refuseOAuth } from "./oauth-problems.ts";
import type { LifecycleAction } from "./types.ts";

/** An app in a portal, from the first exchanged code until it is uninstalled. */
export type Install = { scopes: string[]; refreshTokens: Set<string> };

/** What an access token may do, and until when. Without `install` it belongs to the app itself. */
export type AccessGrant = { scopes: ReadonlySet<string>; expiresAt: number; install?: Install };

export type Consent = { redirectUri: string; scopes: string[]; challenge: string | undefined };

export type IssuedTokens = { accessToken: string; refreshToken?: string; scopes: string[] };

export type GrantSettings = { rotateRefreshTokens: boolean };

export type Grants = ReturnType<typeof createGrants>;

export const accessSeconds = 1800;
const codeMs = 60_000;

/** Codes and tokens of one app in one portal. `lifecycle` hears when the app comes and goes. */
export function createGrants(
  settings: GrantSettings,
  now: () => number,
  lifecycle: (action: LifecycleAction) => void,
) {
  const codes = new Map<string, Consent & { expiresAt: number }>();
  const access = new Map<string, AccessGrant>();
  let install: Install | undefined;
  let latest = "";

  return {
    consent,
    exchange,
    refresh,
    forApp,
    revoke,
    revokeAll: () => install?.refreshTokens.clear(),
    installFor,
    uninstall,
    expireAll,
    find: (token: string) => access.get(token),
    current: () => install,
    latestToken: () => latest,
  };

  function consent(given: Consent): string {
    const code = randomUUID();
    codes.set(code, { ...given, expiresAt: now() + codeMs });
    return code;
  }

  /** The first attempt uses a code up, however it ends (unverified: for one that fails). */
  function exchange(code: string, redirectUri: string, verifier: string | undefined): IssuedTokens {
    const found = codes.get(code);
    codes.delete(code);
    if (!found || found.expiresAt <= now()) throw refuseOAuth("BAD_AUTH_CODE");
    if (found.redirectUri !== redirectUri) throw refuseOAuth("BAD_REDIRECT_URI");
    if (found.challenge !== undefined && found.challenge !== challengeOf(verifier ?? "")) {
      throw refuseOAuth("BAD_CODE_VERIFIER");
    }
    return installFor(found.scopes);
  }

  /** unverified: that consenting again keeps the refresh tokens from before. */
  function installFor(scopes: string[]): IssuedTokens {
    const isNew = install === undefined;
    install ??= { scopes, refreshTokens: new Set() };
    install.scopes = scopes;
    if (isNew) lifecycle("APP_INSTALL");
    return { ...issue(scopes, install), refreshToken: newRefreshToken(install) };
  }

  function refresh(refreshToken: string): IssuedTokens {
    if (!install?.refreshTokens.has(refreshToken)) throw refuseOAuth("BAD_REFRESH_TOKEN");
    const issued = issue(install.scopes, install);
    if (!settings.rotateRefreshTokens) return { ...issued, refreshToken };
    install.refreshTokens.delete(refreshToken);
    return { ...issued, refreshToken: newRefreshToken(install) };
  }

  function forApp(scopes: string[]): IssuedTokens {
    return issue(scopes, undefined);
  }

  /** Access tokens live on. */
  function revoke(refreshToken: string): void {
    install?.refreshTokens.delete(refreshToken);
  }

  function uninstall(): void {
    if (!install) throw new Error("the app is not installed");
    for (const [token, grant] of access) if (grant.install === install) access.delete(token);
    install = undefined;
    latest = "";
    lifecycle("APP_UNINSTALL");
  }

  function expireAll(): void {
    for (const grant of access.values()) grant.expiresAt = Math.min(grant.expiresAt, now());
  }

  function issue(scopes: string[], owner: Install | undefined): IssuedTokens {
    const accessToken = newAccessToken();
    const expiresAt = now() + accessSeconds * 1000;
    access.set(accessToken, { scopes: new Set(scopes), expiresAt, ...(owner ? { install: owner } : {}) });
    if (owner) latest = accessToken;
    return { accessToken, scopes };
  }
}

function challengeOf(verifier: string): string {
  return createHash("sha256").update(verifier).digest("base64url");
}

/** As long as they may get: up to 512 characters. */
const newAccessToken = () => `C${randomBytes(383).toString("base64url")}`;

function newRefreshToken(install: Install): string {
  const token = `eu1-${randomUUID()}`;
  install.refreshTokens.add(token);
  return token;
}
