import type { Request, RequestHandler } from "express";
import { Rejected } from "../core/errors.ts";
import { sameSecret } from "../lib/signature.ts";

const loopbackPeer = /^(::ffff:)?127\.|^::1$/;
const loopbackHost = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i;
/** A proxy on this machine makes every stranger a loopback peer; most of them say so in one of these. */
const proxyHeaders = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

/**
 * Lets administrators through: with the admin token, as a Bearer token or as the password of Basic auth; without one
 * configured, whoever sits at this machine. Throws `Rejected` with 401 or 403.
 */
export function requireAdmin({ adminToken }: { adminToken?: string }): RequestHandler {
  return function adminGuard(request, response, next) {
    if (adminToken === undefined) refuseStrangers(request);
    else if (!sameSecret(givenToken(request.headers.authorization), adminToken)) {
      response.setHeader("www-authenticate", 'Basic realm="Switchhook", charset="UTF-8"');
      throw new Rejected(
        401,
        "this needs the admin token (SWITCHHOOK_ADMIN_TOKEN): send it as `Authorization: Bearer <token>`, or as the password of Basic auth",
      );
    }
    refuseOtherSites(request);
    next();
  };
}

/** An empty text when there is none: it is compared all the same. */
function givenToken(authorization = ""): string {
  const [, scheme = "", value = ""] = /^(\S+) +(\S+)\s*$/.exec(authorization) ?? [];
  if (scheme.toLowerCase() === "bearer") return value;
  if (scheme.toLowerCase() !== "basic") return "";
  const pair = Buffer.from(value, "base64").toString("utf8");
  return pair.includes(":") ? pair.slice(pair.indexOf(":") + 1) : "";
}

function refuseStrangers({ socket, headers }: Request): void {
  const proxied = proxyHeaders.some((name) => headers[name] !== undefined);
  if (!loopbackPeer.test(socket.remoteAddress ?? "") || proxied) {
    throw new Rejected(
      403,
      "without an admin token this answers to its own machine only: set SWITCHHOOK_ADMIN_TOKEN, start again, and send the token",
    );
  }
  // A page of another site whose name was rebound to 127.0.0.1 sends that name as the host.
  if (!loopbackHost.test(headers.host ?? "")) {
    throw new Rejected(
      403,
      "without an admin token this answers to http://localhost and http://127.0.0.1 only: use one of these, or set SWITCHHOOK_ADMIN_TOKEN",
    );
  }
}

/** A browser sends Basic auth along by itself, and reaches loopback from any page, so what changes something must be our own page's doing. */
function refuseOtherSites({ method, headers }: Request): void {
  if (method === "GET" || method === "HEAD") return;
  const site = headers["sec-fetch-site"];
  const own =
    site === undefined
      ? isOwnOrigin(headers.origin, headers.host)
      : site === "same-origin" || site === "none";
  if (!own) throw new Rejected(403, "a page of another site may not change anything here");
}

function isOwnOrigin(origin: string | undefined, host: string | undefined): boolean {
  if (origin === undefined) return true;
  return URL.canParse(origin) && host !== undefined && new URL(origin).host === host.toLowerCase();
}
