import { type EmulatorReply, type EmulatorRequest, Refusal, type Route } from "../contract.ts";
import { consentError, consentPage } from "./consent-page.ts";
import type { Grants } from "./grants.ts";
import type { HubspotApp } from "./types.ts";

type Asked = {
  redirectUri: string;
  scopes: string[];
  optional: string[];
  state: string | null;
  challenge: string | undefined;
};

/**
 * The page where an installer consents. The emulator's own `_accept=1` and `_deny=1` decide at once,
 * `_without=scope,scope` leaves optional scopes out.
 */
export function authorizeRoutes(app: HubspotApp, portalId: number, grants: Grants): Route[] {
  return ["GET", "POST"].map((method) => ({
    method,
    path: /\/oauth\/(?:(\d+)\/)?authorize/,
    kind: method === "GET" ? "authorize" : "consent",
    handle(request) {
      const asked = check(app, portalId, request);
      return method === "GET" ? show(request, asked) : submit(request, asked);
    },
  }));

  function show(request: EmulatorRequest, asked: Asked): EmulatorReply {
    const { query, path } = request;
    if (query.get("_deny") === "1") return deny(asked);
    if (query.get("_accept") === "1") {
      const without = words(query.get("_without"), /[\s,]+/);
      return accept(asked, (scope) => !without.includes(scope));
    }
    const { scopes, optional } = asked;
    return consentPage({ action: `${path}?${query}`, portalId, required: scopes, optional });
  }

  function submit(request: EmulatorRequest, asked: Asked): EmulatorReply {
    const form = (request.body ?? {}) as Record<string, unknown>;
    if (form["decision"] !== "accept") return deny(asked);
    return accept(asked, (scope) => Object.hasOwn(form, `scope:${scope}`));
  }

  function accept(asked: Asked, grantsOptional: (scope: string) => boolean): EmulatorReply {
    const scopes = [...new Set([...asked.scopes, ...asked.optional.filter(grantsOptional)])];
    const { redirectUri, challenge } = asked;
    return sendBack(asked, { code: grants.consent({ redirectUri, scopes, challenge }) });
  }
}

/** unverified: the words of the description. */
function deny(asked: Asked): EmulatorReply {
  return sendBack(asked, { error: "access_denied", error_description: "The installer did not consent." });
}

function sendBack(asked: Asked, answer: Record<string, string>): EmulatorReply {
  const url = new URL(asked.redirectUri);
  for (const [name, value] of Object.entries(answer)) url.searchParams.set(name, value);
  if (asked.state !== null) url.searchParams.set("state", asked.state);
  return { status: 302, headers: { location: url.href } };
}

function check(app: HubspotApp, portalId: number, { query, params }: EmulatorRequest): Asked {
  const redirectUri = query.get("redirect_uri") ?? "";
  const scopes = words(query.get("scope"));
  const optional = words(query.get("optional_scope")).filter((scope) => !scopes.includes(scope));
  const configured = [...app.requiredScopes, ...app.optionalScopes];
  const unknown = [...scopes, ...optional].filter((scope) => !configured.includes(scope));
  const missing = app.requiredScopes.filter((scope) => !scopes.includes(scope));
  const challenge = query.get("code_challenge") ?? undefined;
  const allowed = /^(https:\/\/|http:\/\/localhost([:/]|$))/;
  const faults: [boolean, string][] = [
    [Boolean(params[0]) && params[0] !== String(portalId), `There is no portal ${params[0]}.`],
    [query.get("client_id") !== app.clientId, "The client id is missing or unknown."],
    [
      !app.redirectUris.includes(redirectUri),
      `The redirect URL ${redirectUri} does not match any of the app's redirect URLs.`,
    ],
    [!allowed.test(redirectUri), "A redirect URL must be https, or http://localhost."],
    [missing.length > 0, `The app requires scopes that the URL does not ask for: ${missing.join(" ")}.`],
    [unknown.length > 0, `The app is not configured for these scopes: ${unknown.join(" ")}.`],
    // unverified: that only S256 is taken.
    [
      challenge !== undefined && query.get("code_challenge_method") !== "S256",
      "code_challenge_method must be S256.",
    ],
  ];
  const wrong = faults.find(([isWrong]) => isWrong);
  if (wrong) throw new Refusal(consentError(wrong[1]));
  return { redirectUri, scopes, optional, state: query.get("state"), challenge };
}

const words = (text: string | null, between = /\s+/) => (text ?? "").split(between).filter(Boolean);
