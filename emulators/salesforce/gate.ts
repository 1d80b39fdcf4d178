import type { EmulatorReply, EmulatorRequest } from "../server.ts";
import { notFoundMessage, restError } from "./errors.ts";
import { bearerOf } from "./oauth-routes.ts";
import type { Org } from "./org.ts";
import type { Sessions } from "./sessions.ts";

/** What every request for data passes: the version in its path, its token, the org's daily limit. */
export type Gate = {
  check(request: EmulatorRequest): EmulatorReply | undefined;
  headers(request: EmulatorRequest): Record<string, string>;
  used(): number;
};

/** Versions below the first are retired. */
const firstVersion = 31;
const dayMs = 86_400_000;

export function createGate(org: Org, sessions: Sessions, highest: number): Gate {
  let used = 0;
  let since = org.now();
  return {
    check(request) {
      const version = versionOf(request.path);
      if (version === undefined) return undefined;
      const wrong = checkVersion(version, highest);
      if (wrong) return wrong;
      if (!sessions.find(bearerOf(request.headers))) {
        return restError(401, "INVALID_SESSION_ID", "Session expired or invalid");
      }
      if (org.now() - since >= dayMs) {
        used = 0;
        since = org.now();
      }
      const isWrite = request.method === "POST" || request.method === "PATCH";
      if (isWrite && !/\bjson\b/.test(request.headers["content-type"] ?? "")) {
        return restError(415, "UNSUPPORTED_MEDIA_TYPE", "The content type of the request is not supported");
      }
      if (used >= org.settings.dailyLimit) return limitReply();
      used++;
      return undefined;
    },
    headers(request): Record<string, string> {
      if (versionOf(request.path) === undefined) return {};
      return { "sforce-limit-info": `api-usage=${used}/${org.settings.dailyLimit}` };
    },
    used: () => used,
  };
}

export function limitReply(): EmulatorReply {
  return restError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.");
}

function versionOf(path: string): string | undefined {
  return /^\/services\/data\/v([^/]+)/.exec(path)?.[1];
}

function checkVersion(version: string, highest: number): EmulatorReply | undefined {
  const number = /^\d+\.0$/.test(version) ? Number(version) : Number.NaN;
  if (Number.isNaN(number) || number > highest) return restError(404, "NOT_FOUND", notFoundMessage);
  if (number >= firstVersion) return undefined;
  return restError(410, "UNSUPPORTED_API_VERSION", `GONE: API version ${version} is retired`);
}
