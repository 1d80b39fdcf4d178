import type { EmulatorReply, EmulatorRequest, Route } from "../contract.ts";
import { accessSeconds, type Grants, type IssuedTokens } from "./grants.ts";
import { refuseOAuth } from "./oauth-problems.ts";
import type { HubspotApp } from "./types.ts";

/** The scopes that an app has for itself, without any portal. */
const appScopes = [
  "developer.webhooks_journal.read",
  "developer.webhooks_journal.subscriptions.read",
  "developer.webhooks_journal.subscriptions.write",
];

type Form = Record<string, string>;

const userId = 4_000_000;
const userName = "installer@example.com";

/** `/oauth/<version>/token`, and what tells about and ends tokens. */
export function oauthRoutes(app: HubspotApp, portalId: number, grants: Grants, now: () => number): Route[] {
  const route = (rest: string, kind: string, handle: (form: Form) => EmulatorReply): Route => ({
    method: "POST",
    path: new RegExp(`/oauth/(?:2026-03|2026-09)/token${rest}`),
    kind,
    handle: (request) => handle(formOf(app, request)),
  });
  return [
    route("", "token", token),
    route("/introspect", "introspect", introspect),
    route("/revoke", "revoke", (form) => {
      grants.revoke(form["token"] ?? "");
      return { status: 200 };
    }),
  ];

  function token(form: Form): EmulatorReply {
    switch (form["grant_type"]) {
      case "authorization_code": {
        const { code = "", redirect_uri = "", code_verifier } = form;
        return ofInstall(grants.exchange(code, redirect_uri, code_verifier));
      }
      case "refresh_token":
        return ofInstall(grants.refresh(form["refresh_token"] ?? ""));
      case "client_credentials": {
        const scopes = (form["scope"] ?? "").split(/\s+/).filter(Boolean);
        if (scopes.length === 0 || scopes.some((scope) => !appScopes.includes(scope))) {
          throw refuseOAuth("BAD_SCOPES");
        }
        return { status: 200, body: common(grants.forApp(scopes)) };
      }
      default:
        throw refuseOAuth("BAD_GRANT_TYPE");
    }
  }

  function ofInstall(issued: IssuedTokens): EmulatorReply {
    const more = { refresh_token: issued.refreshToken, hub_id: portalId, user_id: userId };
    return { status: 200, body: { ...common(issued), ...more } };
  }

  function introspect(form: Form): EmulatorReply {
    const given = form["token"] ?? "";
    const access = grants.find(given);
    const refreshable = grants.current()?.refreshTokens.has(given) ? grants.current() : undefined;
    const alive = access && access.expiresAt > now();
    if (!alive && !refreshable) return { status: 200, body: { active: false } };
    const scopes = [...(access?.scopes ?? refreshable?.scopes ?? [])];
    const appFacts = { active: true, app_id: app.appId, client_id: app.clientId, scopes };
    if (access && !access.install) return { status: 200, body: appFacts };
    const body = {
      ...appFacts,
      hub_id: portalId,
      // The customer's website, not the host of HubSpot's own pages.
      hub_domain: "customer.example.com",
      user: userName,
      user_id: userId,
      ...(access ? { signed_access_token: { hublet: "eu1", hubId: portalId, userId } } : {}),
      is_private_distribution: false,
    };
    return { status: 200, body };
  }
}

/** unverified: what the app's own token tells. */
function common({ accessToken, scopes }: IssuedTokens): object {
  return {
    access_token: accessToken,
    expires_in: accessSeconds,
    token_type: "bearer",
    token_use: "access_token",
    scopes,
  };
}

/** The fields of a form that the app itself sent. unverified: how anything but a form is refused. */
function formOf(app: HubspotApp, { query, headers, body }: EmulatorRequest): Form {
  const isForm = headers["content-type"]?.startsWith("application/x-www-form-urlencoded") ?? false;
  if (query.size > 0 || !isForm) throw refuseOAuth("BAD_REQUEST");
  const form = (body ?? {}) as Form;
  if (form["client_id"] !== app.clientId) throw refuseOAuth("BAD_CLIENT_ID");
  if (form["client_secret"] !== app.clientSecret) throw refuseOAuth("BAD_CLIENT_SECRET");
  return form;
}
