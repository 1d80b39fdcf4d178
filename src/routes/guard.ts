import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import type { Request, RequestHandler } from "express";
import { Rejected } from "../core/errors.ts";
import { isLoopbackAuthority, isLoopbackUrl, isOwnOrigin } from "../core/loopback.ts";
import type { Log } from "../core/runtime.ts";
import { sameSecret, secretInHeader } from "../lib/secrets.ts";
import type { Parts } from "../server/assemble.ts";

const loopbackPeer = /^(::ffff:)?127\.|^::1$/;
/** Behind a proxy on this machine every client is a loopback peer; most proxies set one of these headers. */
const proxyHeaders = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip", "via"];

/**
 * Lets administrators through: with the admin token, as a Bearer token or as the password of Basic auth. Without a
 * configured token, anyone on this machine, as long as no other machine can reach the server. Throws `Rejected` with
 * 401, 403 or 429.
 */
export function requireAdmin({
  config,
  flow,
  metrics,
}: Pick<Parts, "config" | "flow" | "metrics">): RequestHandler {
  const { adminToken, publicUrl } = config;
  const { refused } = createRefusals({
    now: flow.now,
    log: { warn: (facts, sentence) => flow.limitedLog.seldom("warn", facts, sentence) },
    count: metrics.adminRefused,
  });
  return async function adminGuard(request, response, next) {
    // No cache may store administrators' pages, including refusals.
    response.setHeader("cache-control", "no-store");
    if (adminToken === undefined) refuseStrangers(request, publicUrl);
    else {
      // Empty when there is none, so that it is compared in any case.
      const given = secretInHeader(request.headers.authorization) ?? "";
      if (!sameSecret(given, adminToken)) {
        // A browser first sends a request without a token, to learn that it needs one.
        if (given !== "") await refused(request.socket.remoteAddress ?? "unknown");
        response.setHeader("www-authenticate", 'Basic realm="Switchhook", charset="UTF-8"');
        throw new Rejected(
          401,
          "this needs the admin token (SWITCHHOOK_ADMIN_TOKEN): send it as `Authorization: Bearer <token>`, or as the password of Basic auth",
        );
      }
    }
    refuseOtherSites(request);
    next();
  };
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

/**
 * A browser adds Basic auth by itself, and any page can reach loopback, so a request that changes something must come
 * from our own page.
 */
function refuseOtherSites({ method, headers }: Request): void {
  if (method === "GET" || method === "HEAD") return;
  if (!isFromOwnPage(headers)) throw new Rejected(403, "a page of another site may not change anything here");
}

/** Whether a request comes from our own page, or not from a page at all. */
function isFromOwnPage(headers: IncomingMessage["headers"]): boolean {
  const site = headers["sec-fetch-site"];
  if (site === undefined) return isOwnOrigin(headers.origin, headers.host);
  return site === "same-origin" || site === "none";
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

type RefusalOptions = { now: () => number; log: Pick<Log, "warn">; count: () => void };

/** This many wrong tokens of one address are answered without delay: people mistype. */
const freeAttempts = 3;
const firstPauseMs = 200;
const longestPauseMs = 2_000;
/** The count of an address is reset after this long without a wrong token. */
const forgottenMs = 15 * 60_000;
const addressesKept = 1_000;
const mostWaiting = 50;

/**
 * Wrong admin tokens are counted, logged, and answered more and more slowly. A correct token is never delayed, so an
 * attacker behind the same proxy cannot lock an administrator out.
 */
export function createRefusals({ now, log, count }: RefusalOptions) {
  const attempts = new Map<string, { times: number; at: number }>();
  let waiting = 0;

  const timesOf = (address: string): number => {
    const before = attempts.get(address);
    const times = before && now() - before.at < forgottenMs ? before.times + 1 : 1;
    // Reinserted, so that the oldest address is first.
    attempts.delete(address);
    attempts.set(address, { times, at: now() });
    const [oldest] = attempts.keys();
    if (attempts.size > addressesKept && oldest !== undefined) attempts.delete(oldest);
    return times;
  };

  return {
    /** Resolves when a wrong token may be answered. Throws `Rejected(429)` when too many are waiting. */
    async refused(address: string): Promise<void> {
      count();
      log.warn({ from: address }, "a wrong admin token was refused");
      const times = timesOf(address);
      if (times <= freeAttempts) return;
      if (waiting >= mostWaiting)
        throw new Rejected(429, "too many wrong admin tokens at once: try again in a few seconds");
      waiting += 1;
      try {
        await pause(Math.min(longestPauseMs, firstPauseMs * 2 ** (times - freeAttempts - 1)));
      } finally {
        waiting -= 1;
      }
    },
  };
}
