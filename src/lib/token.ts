import type { Token, TokenSource } from "../core/crm-app.ts";

/** A token is replaced this long before it expires. */
const aheadMs = 60_000;

/** Fetches a token when there is none, and a new one ahead of its expiry. All callers who wait share a failure; it is not stored. */
export function createTokenSource(fetchToken: () => Promise<Token>, now: () => number): TokenSource {
  let token: Token | undefined;
  let fetching: Promise<Token> | undefined;

  const renew = (): Promise<Token> => {
    fetching ??= fetchToken()
      .then((fresh) => {
        token = fresh;
        return fresh;
      })
      .finally(() => {
        fetching = undefined;
      });
    return fetching;
  };

  return {
    current: async () => {
      const usable = token && (token.expiresAt === undefined || token.expiresAt - aheadMs > now());
      return token && usable ? token : renew();
    },
    refused(old) {
      if (token?.accessToken === old.accessToken) token = undefined;
    },
  };
}

/** A token from the settings, which cannot be renewed. */
export function fixedToken(accessToken: string): TokenSource {
  return { current: async () => ({ accessToken }), refused() {} };
}

/**
 * Does the work with a token. When the API refuses the token, the work is done once more with a new one, never a third
 * time.
 */
export async function withToken<T>(
  tokens: TokenSource,
  work: (token: Token) => Promise<T>,
  isRefusal: (result: T) => boolean,
): Promise<T> {
  const token = await tokens.current();
  const result = await work(token);
  if (!isRefusal(result)) return result;
  tokens.refused(token);
  const fresh = await tokens.current();
  return fresh.accessToken === token.accessToken ? result : work(fresh);
}
