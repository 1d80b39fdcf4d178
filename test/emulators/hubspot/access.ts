import type { EmulatorReply, EmulatorRequest, Route } from "../contract.ts";
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

/** Who may ask, for what, and how often. Times of requests are kept per token, of searches for the whole portal. */
export function createAccess(settings: AccessSettings, now: () => number) {
  const general = new Map<string, number[]>();
  const searches: number[] = [];
  return { before, headers, authorize };

  function before(request: EmulatorRequest, route: Route | undefined): EmulatorReply | undefined {
    const token = tokenOf(request);
    if (settings.expiredTokens.has(token)) return problemReply(expired);
    if (!settings.tokens.has(token)) return problemReply(unauthenticated);
    const { limits } = settings;
    if (!limits) return undefined;
    if (route?.kind === "search") {
      if (spend(searches, limits.search, limits.searchPerMs, now())) return undefined;
      return tooManyRequests("SECONDLY");
    }
    const times = general.get(token) ?? [];
    general.set(token, times);
    if (spend(times, limits.general, limits.perMs, now())) return undefined;
    return tooManyRequests("TEN_SECONDLY_ROLLING");
  }

  /** Searches tell nothing about their limit. */
  function headers(request: EmulatorRequest, route: Route | undefined): Record<string, string> {
    const { limits } = settings;
    if (!limits || route?.kind === "search") return {};
    const used = general.get(tokenOf(request))?.length ?? 0;
    return {
      "x-hubspot-ratelimit-max": String(limits.general),
      "x-hubspot-ratelimit-remaining": String(Math.max(0, limits.general - used)),
      "x-hubspot-ratelimit-interval-milliseconds": String(limits.perMs),
    };
  }

  function authorize(needed: readonly (readonly string[])[]): void {
    const { scopes } = settings;
    if (scopes === "all") return;
    const missing = needed.filter((choice) => !choice.some((scope) => scopes.has(scope)));
    if (missing.length > 0) throw refuse(missingScopes(missing.map(([scope = ""]) => scope)));
  }
}

function tokenOf(request: EmulatorRequest): string {
  return /^bearer\s+(.+)$/i.exec(request.headers["authorization"] ?? "")?.[1] ?? "";
}

/** Counts one more in the window that ends now, unless it is full. */
function spend(times: number[], most: number, windowMs: number, now: number): boolean {
  while (times.length > 0 && (times[0] ?? 0) <= now - windowMs) times.shift();
  if (times.length >= most) return false;
  times.push(now);
  return true;
}
