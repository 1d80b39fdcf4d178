import { randomBytes } from "node:crypto";

/** What one approval by a user gave out: its refresh token and the access tokens made from it. */
type Family = {
  userId: string;
  refreshToken: string | undefined;
  spent: Set<string>;
  /** All of the app's, unless the consent asked for some. */
  scopes: readonly string[] | undefined;
};

type Session = { userId: string };

export type Sessions = {
  /** A new access token. `family`: of the refresh token it was made with. */
  issue(userId: string, family?: Family): string;
  /** A new approval, with its first refresh token. */
  grant(userId: string, scopes?: readonly string[]): Family & { refreshToken: string };
  /** Exchanges a refresh token for the next one; a token that was used before revokes its family. */
  rotate(refreshToken: string): (Family & { refreshToken: string }) | undefined;
  find(accessToken: string): Session | undefined;
  revoke(token: string): boolean;
  /** Ends all access tokens that were issued; refresh tokens stay. */
  expire(): void;
};

export function createSessions(options: {
  now: () => number;
  organizationId: string;
  /** Valid from the start, for ever. */
  accessToken?: string | undefined;
  tokenSeconds: number;
  userId: string;
}): Sessions {
  const tokens = new Map<string, { userId: string; until: number; family: Family | undefined }>();
  const families = new Set<Family>();
  const secret = (length: number) => randomBytes(length).toString("base64url").replaceAll("-", "x");

  function end(family: Family): void {
    families.delete(family);
    for (const [token, session] of tokens) if (session.family === family) tokens.delete(token);
  }

  return {
    issue(userId, family) {
      const token = `${options.organizationId.slice(0, 15)}!${secret(48)}`;
      tokens.set(token, { userId, until: options.now() + options.tokenSeconds * 1000, family });
      return token;
    },
    grant(userId, scopes) {
      const family = { userId, scopes, refreshToken: `5Aep${secret(48)}`, spent: new Set<string>() };
      families.add(family);
      return family;
    },
    rotate(refreshToken) {
      for (const family of families) {
        if (family.spent.has(refreshToken)) end(family);
        if (family.refreshToken !== refreshToken) continue;
        family.spent.add(refreshToken);
        return Object.assign(family, { refreshToken: `5Aep${secret(48)}` });
      }
      return undefined;
    },
    find(accessToken) {
      if (accessToken === options.accessToken) return { userId: options.userId };
      const session = tokens.get(accessToken);
      return session && session.until > options.now() ? { userId: session.userId } : undefined;
    },
    revoke(token) {
      for (const family of families) {
        if (family.refreshToken !== token) continue;
        end(family);
        return true;
      }
      return tokens.delete(token);
    },
    expire: () => tokens.clear(),
  };
}
