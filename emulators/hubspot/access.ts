import type { EmulatorReply, EmulatorRequest, Route } from "../contract.ts";
import type { AccessGrant } from "./grants.ts";
import type { Limits } from "./portal.ts";
import {
  expired,
  missingScopes,
  problemReply,
  refuse,
  tooManyRequests,
  unauthenticated,
} from "./refusals.ts";

/** What may be changed while the emulator runs. `limits` false: none. */
export type AccessSettings = {
  tokens: Set<string>;
  expiredTokens: Set<string>;
  scopes: Set<string> | "all";
  limits: Limits | false;
};

/** What asks for no token: consents, tokens themselves and links that are signed. */
const openKinds = new Set(["authorize", "consent", "token", "introspect", "revoke", "journal file"]);
/** What counts towards no limit. unverified: whether the uninstall does. */
const unlimitedKinds = new Set(["journal", "journal subscription", "uninstall"]);

/**
 * Who may ask, for what, and how often. Times of requests are kept per app, which is to say per token or for all tokens
 * that were issued; those of searches for the whole portal. `issued` finds an issued token.
 */
export function createAccess(
  settings: AccessSettings,
  now: () => number,
  issued: (token: string) => AccessGrant | undefined,
) {
  const general = new Map<string, number[]>();
  const searches: number[] = [];
  return { before, headers, authorize };

  function before(request: EmulatorRequest, route: Route | undefined): EmulatorReply | undefined {
    if (isOpen(request, route)) return undefined;
    const token = tokenOf(request);
    const grant = issued(token);
    if (settings.expiredTokens.has(token) || (grant && grant.expiresAt <= now())) {
      return problemReply(expired);
    }
    if (!grant && !settings.tokens.has(token)) return problemReply(unauthenticated);
    const { limits } = settings;
    if (!limits || unlimitedKinds.has(route?.kind ?? "")) return undefined;
    if (route?.kind === "search") {
      if (spend(searches, limits.search, limits.searchPerMs, now())) return undefined;
      return tooManyRequests("SECONDLY");
    }
    const times = general.get(appOf(token)) ?? [];
    general.set(appOf(token), times);
    if (spend(times, limits.general, limits.perMs, now())) return undefined;
    return tooManyRequests("TEN_SECONDLY_ROLLING");
  }

  /** Searches tell nothing about their limit. */
  function headers(request: EmulatorRequest, route: Route | undefined): Record<string, string> {
    const { limits } = settings;
    if (!limits || route?.kind === "search" || isOpen(request, route)) return {};
    if (unlimitedKinds.has(route?.kind ?? "")) return {};
    const used = general.get(appOf(tokenOf(request)))?.length ?? 0;
    return {
      "x-hubspot-ratelimit-max": String(limits.general),
      "x-hubspot-ratelimit-remaining": String(Math.max(0, limits.general - used)),
      "x-hubspot-ratelimit-interval-milliseconds": String(limits.perMs),
    };
  }

  /** An issued token has the scopes of its consent, as far as `settings` let it; a given one has those of `settings`. */
  function authorize(needed: readonly (readonly string[])[], request: EmulatorRequest): void {
    const own = issued(tokenOf(request))?.scopes;
    const { scopes } = settings;
    const has = (scope: string) =>
      (own ? own.has(scope) : !isForApps(scope)) &&
      (scopes === "all" || isForApps(scope) || scopes.has(scope));
    const missing = needed.filter((choice) => !choice.some(has));
    if (missing.length > 0) throw refuse(missingScopes(missing.map(([scope = ""]) => scope)));
  }

  function appOf(token: string): string {
    return issued(token) ? "" : token;
  }
}

const isForApps = (scope: string) => scope.startsWith("developer.");

/** Unknown paths of OAuth are not found by anybody, token or not. */
function isOpen(request: EmulatorRequest, route: Route | undefined): boolean {
  return route ? openKinds.has(route.kind) : request.path.startsWith("/oauth/");
}

export function tokenOf(request: EmulatorRequest): string {
  return /^bearer\s+(.+)$/i.exec(request.headers["authorization"] ?? "")?.[1] ?? "";
}

/** Counts one more in the window that ends now, unless it is full. */
function spend(times: number[], most: number, windowMs: number, now: number): boolean {
  while (times.length > 0 && (times[0] ?? 0) <= now - windowMs) times.shift();
  if (times.length >= most) return false;
  times.push(now);
  return true;
}
