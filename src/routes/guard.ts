import type { IncomingMessage, ServerResponse } from "node:http";
import type { Request, Response } from "express";
import type { Access } from "../access/index.ts";
import { Rejected } from "../core/errors.ts";
import { isLoopbackAuthority, isLoopbackUrl, isOwnOrigin } from "../core/loopback.ts";
import type { Principal } from "../core/principal.ts";
import { clientOf } from "../lib/outbound.ts";
import { sameSecret, secretInHeader } from "../lib/secrets.ts";
import { sessionCookieIn } from "./cookies.ts";

const loopbackPeer = /^(::ffff:)?127\.|^::1$/;
/** Behind a proxy on this machine every client is a loopback peer; most proxies set one of these headers. */
const proxyHeaders = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

/**
 * Whose request it is; undefined when a person was sent to sign in. At once where nothing has to be looked up: pipelined
 * requests are then answered one by one as they are read. Throws `Rejected` with 401, 403 or 429.
 */
export type Guard = (request: Request, response: Response) => Principal | Promise<Principal | undefined>;

type GuardParts = {
  access: Pick<Access, "sessions" | "refusals" | "adminToken" | "needsSignIn">;
  config: { publicUrl: string };
};

/**
 * Lets in a browser that has signed in, and a client that sends the admin token, as a Bearer token or as the password of Basic
 * auth. Where no way to sign in is configured, anyone on this machine, as long as no other machine can reach the server.
 */
export function createGuard({ access, config }: GuardParts): Guard {
  const { adminToken, needsSignIn, sessions, refusals } = access;
  const { publicUrl } = config;

  /** Who can be told without a session. */
  const withoutSession = (request: Request): Principal | undefined => {
    if (!needsSignIn) {
      refuseStrangers(request, publicUrl);
      return { role: "operator", listen: true, name: "this machine", signedInBy: "loopback" };
    }
    // Empty when there is none, so that it is compared in any case.
    const given = secretInHeader(request.headers.authorization) ?? "";
    if (adminToken === undefined || !sameSecret(given, adminToken)) return undefined;
    return { role: "operator", listen: true, name: "admin token", signedInBy: "token" };
  };

  const withSession = async (request: Request, cookie: string): Promise<Principal | undefined> => {
    const signedIn = await sessions.find(cookie);
    if (!signedIn) return withoutSession(request);
    refuseOtherHosts(request, publicUrl);
    return signedIn;
  };

  const orRefusal = async (
    request: Request,
    response: Response,
    found: Promise<Principal | undefined> | undefined,
  ): Promise<Principal | undefined> => {
    const principal = await found;
    if (principal) {
      refuseOtherSites(request, publicUrl);
      return principal;
    }
    // A browser first sends a request without a token, to learn that it needs one.
    const given = secretInHeader(request.headers.authorization) ?? "";
    if (adminToken !== undefined && given !== "")
      await refusals.refused(request.socket.remoteAddress ?? "unknown");
    if (isNavigation(request)) {
      const query = new URLSearchParams({ next: request.originalUrl });
      response.redirect(303, `${relativeTo(request.path, "/login")}?${query}`);
      return undefined;
    }
    // A page's own requests must not open the browser's dialog.
    const scheme = request.headers["sec-fetch-site"] === undefined ? "Basic" : "Bearer";
    response.setHeader(
      "www-authenticate",
      `${scheme} realm="Switchhook"${scheme === "Basic" ? ', charset="UTF-8"' : ""}`,
    );
    throw new Rejected(
      401,
      adminToken === undefined
        ? "this needs a session: sign in at /login"
        : "this needs the admin token (SWITCHHOOK_ADMIN_TOKEN): send it as `Authorization: Bearer <token>`, or as the password of Basic auth; or sign in at /login",
    );
  };

  return (request, response) => {
    // No cache may store administrators' pages, including refusals.
    response.setHeader("cache-control", "no-store");
    const cookie = sessionCookieIn(request, publicUrl);
    if (cookie !== undefined) return orRefusal(request, response, withSession(request, cookie));
    const principal = withoutSession(request);
    if (!principal) return orRefusal(request, response, undefined);
    refuseOtherSites(request, publicUrl);
    return principal;
  };
}

/** Whether a person opened this in a browser. */
function isNavigation({ method, headers }: Request): boolean {
  return method === "GET" && (headers.accept ?? "").includes("text/html");
}

/** A path as seen from another one: behind a proxy, both may be below a path that only the browser knows. */
export function relativeTo(from: string, to: string): string {
  const depth = from.split("/").length - 2;
  return `${depth > 0 ? "../".repeat(depth) : "./"}${to.slice(1)}`;
}

/** Where a request comes from. Behind a proxy in a private network, what the proxy says. */
export function addressOf({ socket, headers }: Request): string {
  const peer = socket.remoteAddress ?? "unknown";
  const forwarded = String(headers["x-forwarded-for"] ?? "")
    .split(",")
    .at(-1)
    ?.trim()
    .slice(0, 60);
  return forwarded && clientOf(peer) === undefined ? `${forwarded} via ${peer}` : peer;
}

function refuseStrangers({ socket, headers, httpVersion }: Request, publicUrl: string): void {
  const proxied = proxyHeaders.some((name) => headers[name] !== undefined);
  // nginx uses HTTP/1.0 towards its upstream by default (until 1.29.6); no browser does.
  if (!loopbackPeer.test(socket.remoteAddress ?? "") || proxied || httpVersion === "1.0") {
    throw new Rejected(
      403,
      "without an admin token this answers to its own machine only: set SWITCHHOOK_ADMIN_TOKEN, start again, and send the token",
    );
  }
  if (!isLoopbackUrl(publicUrl)) {
    throw new Rejected(
      403,
      "publicUrl can be reached from other machines, so this needs an admin token: set SWITCHHOOK_ADMIN_TOKEN, start again, and send the token",
    );
  }
  // DNS rebinding: a page of another site whose name resolves to 127.0.0.1 sends that name as the host.
  if (!isLoopbackAuthority(headers.host)) {
    throw new Rejected(
      403,
      "without an admin token this answers to http://localhost and http://127.0.0.1 only: use one of these, or set SWITCHHOOK_ADMIN_TOKEN",
    );
  }
}

/** A browser sends a session's cookie to the host that it is from. Throws `Rejected(403)` for any other. */
export function refuseOtherHosts({ headers }: Request, publicUrl: string): void {
  const hosts = [headers.host, headers["x-forwarded-host"]];
  if (hosts.some((host) => host === new URL(publicUrl).host) || isLoopbackAuthority(headers.host)) return;
  throw new Rejected(
    403,
    `people who sign in use ${publicUrl}: open that; a proxy in front of it has to pass the header Host on`,
  );
}

/**
 * A browser adds Basic auth and cookies by itself, and any page can reach loopback, so a request that changes something
 * must come from our own page.
 */
export function refuseOtherSites({ method, headers }: Request, publicUrl: string): void {
  if (method === "GET" || method === "HEAD") return;
  if (!isFromOwnPage(headers, new URL(publicUrl).host))
    throw new Rejected(403, "a page of another site may not change anything here");
}

/** Whether a request comes from our own page, or not from a page at all. `publicHost`: a proxy may pass on another one. */
function isFromOwnPage(headers: IncomingMessage["headers"], publicHost?: string): boolean {
  const site = headers["sec-fetch-site"];
  const { origin, host } = headers;
  const isOwn = isOwnOrigin(origin, host) || isOwnOrigin(origin, publicHost);
  if (site === undefined) return isOwn;
  // A page with the policy `no-referrer` has the origin `null`.
  return (site === "same-origin" || site === "none") && (isOwn || origin === "null");
}

/**
 * Refuses a request that names its host twice, or in its target (RFC 9112 §3.2.2): it may be meant for one host and
 * checked as another. No provider or browser sends one. Returns false for a normal request.
 */
export function refuseDoubtfulHost(request: IncomingMessage, response: ServerResponse): boolean {
  const why = doubtIn(request);
  if (why === undefined) return false;
  response.writeHead(400, {
    "content-type": "application/json",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
    connection: "close",
  });
  response.end(JSON.stringify({ error: why }));
  return true;
}

function doubtIn({ url = "", rawHeaders }: IncomingMessage): string | undefined {
  if (!url.startsWith("/")) return "the request's target must be a path that starts with a slash";
  let hosts = 0;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? "";
    if (name.length === 4 && name.toLowerCase() === "host") hosts += 1;
  }
  return hosts > 1 ? "the request has more than one Host header" : undefined;
}

/**
 * The secrets of the built-in demo are public, so its webhooks are accepted from this machine only. Throws
 * `Rejected(403)`.
 */
export function refuseStrangersOfDemo({ headers }: IncomingMessage): void {
  if (isLoopbackAuthority(headers.host) && isFromOwnPage(headers)) return;
  throw new Rejected(
    403,
    "the demo takes webhooks that are sent on this machine to http://localhost or http://127.0.0.1 only: write a switchhook.json with your own installation",
  );
}
