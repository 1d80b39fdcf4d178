import { createHash, createHmac, randomBytes } from "node:crypto";
import type { EmulatorReply, EmulatorRequest, Route } from "../server.ts";
import type { Row } from "./field.ts";
import { readAssertion } from "./jwt.ts";
import type { Org } from "./org.ts";
import type { Sessions } from "./sessions.ts";

export type OAuthOptions = {
  clientId: string;
  clientSecret: string;
  /** PEM, for the JWT bearer flow; without it that flow is refused. */
  publicKey?: string | undefined;
  url: () => string;
  organizationId: string;
  sessions: Sessions;
  onToken(): void;
};

type Form = Record<string, string>;
/** An authorization code; good once, for its redirect and its PKCE challenge. */
type Code = { userId: string; redirectUri: string; challenge: string; scopes: string[] };

/** Of the app; a consent may ask for some of them. */
const appScopes = ["api", "refresh_token", "openid"];

export function oauthRoutes(org: Org, options: OAuthOptions): Route[] {
  const { sessions } = options;
  const codes = new Map<string, Code>();
  const path = (name: string) => new RegExp(`/services/oauth2/${name}`);
  return [
    { method: "POST", path: path("token"), kind: "token", handle: token },
    { method: "GET", path: path("authorize"), kind: "authorize", handle: authorize },
    { method: "POST", path: path("revoke"), kind: "revoke", handle: revoke },
    { method: "GET", path: path("userinfo"), kind: "userinfo", handle: userinfo },
  ];

  function token(request: EmulatorRequest): EmulatorReply {
    options.onToken();
    const form = formOf(request);
    switch (form["grant_type"]) {
      case "client_credentials":
        return checkClient(form, true) ?? granted(org.userId);
      case "urn:ietf:params:oauth:grant-type:jwt-bearer":
        return byAssertion(form);
      case "refresh_token": {
        const wrong = checkClient(form, false);
        if (wrong) return wrong;
        const family = sessions.rotate(form["refresh_token"] ?? "");
        return family
          ? granted(family.userId, family)
          : refused("invalid_grant", "expired access/refresh token");
      }
      case "authorization_code":
        return checkClient(form, true) ?? byCode(form);
      default:
        return refused("unsupported_grant_type", "grant type not supported");
    }
  }

  function byAssertion(form: Form): EmulatorReply {
    if (!options.publicKey) return refused("invalid_grant", "the app has no certificate");
    const claims = readAssertion(form["assertion"] ?? "", options.publicKey, org.now());
    if (!claims) return refused("invalid_grant", "invalid assertion");
    if (claims.iss !== options.clientId) return refused("invalid_client_id", "client identifier invalid");
    const audiences = ["https://login.salesforce.com", "https://test.salesforce.com", options.url()];
    if (!audiences.includes(claims.aud)) return refused("invalid_grant", "audience is invalid");
    const user = [...org.table("User").stored()].find(
      (row) => row["Username"] === claims.sub && row["IsActive"] === true,
    );
    return user ? granted(user.Id) : refused("invalid_grant", "user hasn't approved this consumer");
  }

  function byCode(form: Form): EmulatorReply {
    const code = codes.get(form["code"] ?? "");
    codes.delete(form["code"] ?? "");
    if (!code) return refused("invalid_grant", "expired authorization code");
    if (code.redirectUri !== form["redirect_uri"]) {
      return refused("redirect_uri_mismatch", "redirect_uri must match configuration");
    }
    const challenge = createHash("sha256")
      .update(form["code_verifier"] ?? "")
      .digest("base64url");
    if (challenge !== code.challenge) return refused("invalid_grant", "invalid code verifier");
    const family = code.scopes.includes("refresh_token") ? sessions.grant(code.userId) : undefined;
    return granted(code.userId, family, code.scopes);
  }

  /** The user has logged in and approves at once. */
  function authorize({ query }: EmulatorRequest): EmulatorReply {
    const redirectUri = query.get("redirect_uri") ?? "";
    if (query.get("client_id") !== options.clientId) {
      return refused("invalid_client_id", "client identifier invalid");
    }
    if (!URL.canParse(redirectUri)) return refused("redirect_uri_missing", "missing required redirect_uri");
    const back = new URL(redirectUri);
    const state = query.get("state");
    if (state !== null) back.searchParams.set("state", state);
    const challenge = query.get("code_challenge") ?? "";
    const scopes = query.get("scope")?.split(/\s+/).filter(Boolean) ?? appScopes;
    if (scopes.some((scope) => !appScopes.includes(scope))) {
      back.searchParams.set("error", "invalid_scope");
      back.searchParams.set("error_description", "the requested scope is not allowed");
    } else if (challenge === "" || query.get("code_challenge_method") !== "S256") {
      back.searchParams.set("error", "invalid_request");
      back.searchParams.set("error_description", "missing required code challenge");
    } else {
      const code = `aPrx${randomBytes(32).toString("base64url")}==`;
      codes.set(code, { userId: org.userId, redirectUri, challenge, scopes });
      back.searchParams.set("code", code);
    }
    return { status: 302, headers: { location: back.href } };
  }

  function revoke(request: EmulatorRequest): EmulatorReply {
    const known = sessions.revoke(formOf(request)["token"] ?? "");
    return known ? { status: 200 } : refused("unsupported_token_type", "this token type is not supported");
  }

  function userinfo({ headers }: EmulatorRequest): EmulatorReply {
    const session = sessions.find(bearerOf(headers));
    const user = session && org.table("User").get(session.userId);
    if (!user) return { status: 403, text: "Bad_OAuth_Token" };
    return { status: 200, body: userInfoOf(user) };
  }

  function userInfoOf(user: Row) {
    return {
      sub: `${options.url()}/id/${options.organizationId}/${user.Id}`,
      user_id: user.Id,
      organization_id: options.organizationId,
      preferred_username: user["Username"],
      name: user["Name"],
      email: user["Email"],
      active: user["IsActive"],
      zoneinfo: user["TimeZoneSidKey"] ?? null,
      urls: {
        rest: `${options.url()}/services/data/v{version}/`,
        query: `${options.url()}/services/data/v{version}/query/`,
        sobjects: `${options.url()}/services/data/v{version}/sobjects/`,
      },
    };
  }

  function checkClient(form: Form, withSecret: boolean): EmulatorReply | undefined {
    if (form["client_id"] !== options.clientId) {
      return refused("invalid_client_id", "client identifier invalid");
    }
    const secret = form["client_secret"];
    if (secret === undefined && !withSecret) return undefined;
    return secret === options.clientSecret
      ? undefined
      : refused("invalid_client", "invalid client credentials");
  }

  /** There is no `expires_in`, as with Salesforce. */
  function granted(
    userId: string,
    family?: ReturnType<Sessions["grant"]>,
    scopes = appScopes,
  ): EmulatorReply {
    const id = `${options.url()}/id/${options.organizationId}/${userId}`;
    const issuedAt = String(org.now());
    const signature = createHmac("sha256", options.clientSecret).update(`${id}${issuedAt}`).digest("base64");
    return {
      status: 200,
      headers: { "cache-control": "no-cache, no-store" },
      body: {
        access_token: sessions.issue(userId, family),
        ...(family ? { refresh_token: family.refreshToken } : {}),
        signature,
        scope: scopes.join(" "),
        instance_url: options.url(),
        id,
        token_type: "Bearer",
        issued_at: issuedAt,
      },
    };
  }
}

export function bearerOf(headers: Record<string, string>): string {
  return /^(?:Bearer|OAuth)\s+(\S+)$/i.exec(headers["authorization"] ?? "")?.[1] ?? "";
}

/** The form, with the client from an Authorization header if that is where it is. */
function formOf({ body, headers }: EmulatorRequest): Form {
  const form = { ...((typeof body === "object" && body !== null ? body : {}) as Form) };
  const basic = /^Basic\s+(\S+)$/i.exec(headers["authorization"] ?? "")?.[1];
  if (basic) {
    const [id = "", secret = ""] = Buffer.from(basic, "base64").toString("utf8").split(":");
    Object.assign(form, { client_id: decodeURIComponent(id), client_secret: decodeURIComponent(secret) });
  }
  return form;
}

function refused(error: string, description: string): EmulatorReply {
  return { status: 400, body: { error, error_description: description } };
}
